"""Whatever is sent to the account's interface, the answer is one that its document lists."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from tests.contract.http.conftest import a_house, settings_for, without_limits
from tests.contract.http.house import House, Person
from tests.postgres_cluster import Database
from tests.unit.http.client import Answer

OPERATIONS: dict[tuple[str, str], str] = {
    ("POST", "/api/auth/register"): "email password name",
    ("POST", "/api/auth/resend"): "registration_id",
    ("POST", "/api/auth/verify"): "registration_id code",
    ("POST", "/api/auth/login"): "email password totp",
    ("GET", "/api/auth/me"): "",
    ("POST", "/api/auth/password/forgot"): "email",
    ("POST", "/api/auth/password/reset"): "reset_id code password",
    ("PUT", "/api/auth/password"): "current_password new_password",
    ("POST", "/api/auth/email"): "email",
    ("POST", "/api/auth/email/confirm"): "change_id code",
    ("GET", "/api/auth/sessions"): "",
    ("DELETE", "/api/auth/sessions/{session_id}"): "",
    ("GET", "/api/auth/devices"): "",
    ("DELETE", "/api/auth/devices/{device_id}"): "",
    ("POST", "/api/auth/totp/confirm"): "code",
    ("POST", "/api/auth/totp/recovery-codes"): "",
    ("GET", "/api/auth/api-keys"): "",
    ("POST", "/api/auth/api-keys"): "name access bots expires_at",
    ("DELETE", "/api/auth/api-keys/{key_id}"): "",
    ("POST", "/api/auth/step-up"): "password totp",
    ("GET", "/api/account/export"): "",
}
# With halves of characters, which JSON can write.
TEXTS = st.text(st.characters(categories=None), max_size=30) | st.sampled_from(
    [
        *("a heron on one leg, waiting", "ana@example.com", "a@[127.0.0.1]", "pelican"),
        *("ana@xn--80ak6aa92e.com", "00000000", "Zk3vT0nX1qYbR8mWc5sLpA", "read", "write"),
        *("2030-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+14:00"),
        *("\0", chr(0xD800), ""),
    ]
)
LISTS = st.lists(TEXTS, max_size=3)
VALUES = TEXTS | st.none() | st.booleans() | st.integers() | st.floats() | LISTS


def a_body(fields: str) -> st.SearchStrategy[bytes]:
    as_asked = st.fixed_dictionaries(dict.fromkeys(fields.split(), TEXTS))
    of_key = st.fixed_dictionaries(
        {"name": st.text(max_size=120), "access": st.sampled_from(["read", "write"])},
        optional={"bots": LISTS, "expires_at": st.none() | TEXTS},
    )
    likely = of_key if "access" in fields else as_asked
    unlikely = st.dictionaries(st.sampled_from([*fields.split(), "x"]), VALUES)
    return (likely | unlikely).map(lambda body: json.dumps(body).encode()) | st.binary(max_size=40)


Request = tuple[tuple[str, str], bytes]
REQUESTS: st.SearchStrategy[Request] = st.sampled_from(sorted(OPERATIONS)).flatmap(
    lambda operation: st.tuples(st.just(operation), a_body(OPERATIONS[operation]))
)
IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
QUERIES = st.sampled_from(["", "?limit=3", "?limit=-1", "?cursor=x", "?limit=1&limit=2", "?x=%ff"])


class Stage:
    """Not a dataclass: hypothesis would show all that is in it."""

    def __init__(self, runner: asyncio.Runner, house: House, person: Person, document: Any) -> None:
        self.runner = runner
        self.house = house
        self.person = person
        self.document = document


@pytest.fixture(scope="module")
def stage(migrated_database: Database) -> Iterator[Stage]:
    """One house and one person for all examples."""
    with asyncio.Runner() as runner:
        exits = AsyncExitStack()

        async def begin() -> Stage:
            settings = without_limits(settings_for(migrated_database))
            house = await exits.enter_async_context(a_house(migrated_database, settings))
            document = (await house.browser().get("/api/openapi.json")).json
            return Stage(runner, house, await house.signed_in(), document)

        yield runner.run(begin())
        runner.run(exits.aclose())


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(request_of=REQUESTS, part=IDS, query=QUERIES, known=st.booleans())
def test_every_answer_is_one_that_the_document_lists(
    stage: Stage,
    request_of: Request,
    part: str,
    query: str,
    known: bool,  # noqa: FBT001 - as above
) -> None:
    (method, template), body = request_of
    path = "/".join(
        percent(part) if piece.startswith("{") else piece for piece in template.split("/")
    )
    browser = stage.person.browser if known else stage.house.browser()
    sent = None if method in {"GET", "DELETE"} else body

    async def ask() -> Answer:
        return await browser.call(method, path + query, sent)

    answer = stage.runner.run(ask())

    listed = stage.document["paths"][template][method.lower()]["responses"]
    # A part such as "a/b" or "." is another address.
    if answer.status != 404 or answer.json["code"] != "not-found":
        assert str(int(answer.status)) in listed, answer.body
        assert answer.status < 500
    if answer.body and (answer.status < 400 or answer.json["code"] != "not-found"):
        [content] = listed[str(int(answer.status))]["content"].values()
        schema = {**content["schema"], "components": stage.document["components"]}
        assert list(OAS31Validator(schema).iter_errors(answer.json)) == []
        assert answer.status < 400 or answer.json["code"] in content["examples"]


def percent(part: str) -> str:
    return "".join(f"%{byte:02X}" for byte in part.encode())
