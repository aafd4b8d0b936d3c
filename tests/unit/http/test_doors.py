"""The doors as a whole, and what pages of other origins may read."""

import pytest

from skua_http.allowed_ips import AllowedAddresses
from skua_http.client_address import ClientAddress, client_address_of
from skua_http.cors import Cors
from skua_http.doors import Doors
from skua_http.networks import parse_proxies
from skua_http.problems import PROBLEM_JSON
from skua_http.same_origin import SameOrigin
from tests.unit.http.client import Answer
from tests.unit.http.plain import Inside, a_scope, ask

OWN = "https://skua.example"
APP = "https://app.skua.example"
EVIL = "https://evil.example"
ASKING = {"access-control-request-method": "POST"}


def doors(inside: Inside, *, allowed: tuple[str, ...] = (APP,)) -> Doors:
    return Doors(
        inside,
        client_address=ClientAddress(parse_proxies("10.0.0.1")),
        allowed_addresses=AllowedAddresses(None),
        same_origin=SameOrigin(OWN, allowed),
        cors=Cors(allowed),
    )


def cors_headers(answer: Answer) -> dict[str, str]:
    return {
        name.decode(): value.decode()
        for name, value in answer.headers
        if name.startswith(b"access-control-")
    }


def varies_by_origin(answer: Answer) -> bool:
    return (b"vary", b"Origin") in answer.headers


async def test_whoever_came_in_has_an_address() -> None:
    inside = Inside()

    await ask(doors(inside), a_scope(headers={"x-forwarded-for": "198.51.100.1"}, peer="10.0.0.1"))
    await ask(doors(inside), a_scope(peer=None))

    assert [client_address_of(scope) for scope in inside.seen] == ["198.51.100.1", None]


async def test_a_request_of_another_site_is_answered_with_a_problem_and_not_let_in() -> None:
    inside = Inside()

    answer = await ask(doors(inside), a_scope("POST", "/api/auth/login", {"origin": EVIL}))

    assert (answer.status, answer.header("content-type")) == (403, PROBLEM_JSON)
    assert answer.json["code"] == "cross-origin"
    assert inside.seen == []


async def test_a_path_that_is_routed_alike_is_no_way_round() -> None:
    inside = Inside()

    for path in ("//api/auth/login", "/api//auth/login/", "///api/auth/login"):
        answer = await ask(doors(inside), a_scope("POST", path, {"origin": EVIL}))
        assert answer.status == 403

    assert inside.seen == []


async def test_a_form_s_body_is_answered_with_a_problem_and_not_let_in() -> None:
    inside = Inside()
    form = {"origin": OWN, "content-type": "text/plain", "content-length": "2"}

    answer = await ask(doors(inside), a_scope("POST", "/api/auth/login", form))

    assert (answer.status, answer.json["code"]) == (415, "unsupported-media-type")
    assert inside.seen == []


async def test_a_page_of_an_allowed_origin_may_read_answers_and_refusals() -> None:
    granted = {
        "access-control-allow-origin": APP,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "Retry-After, X-Request-Id",
    }
    form = {"origin": APP, "content-type": "text/plain", "content-length": "2"}

    good = await ask(doors(Inside()), a_scope("POST", "/api/auth/login", {"origin": APP}))
    bad = await ask(doors(Inside()), a_scope("POST", "/api/auth/login", form))

    assert (good.status, bad.status) == (200, 415)
    for answer in (good, bad):
        assert cors_headers(answer) == granted
        assert varies_by_origin(answer)


async def test_a_browser_that_asks_first_is_told_what_an_allowed_origin_may() -> None:
    inside = Inside()

    answer = await ask(
        doors(inside), a_scope("OPTIONS", "/api/auth/login", {"origin": APP, **ASKING})
    )

    assert (answer.status, answer.body, inside.seen) == (204, b"", [])
    granted = cors_headers(answer)
    assert granted["access-control-allow-origin"] == APP
    assert granted["access-control-allow-credentials"] == "true"
    assert granted["access-control-allow-methods"] == "GET, POST, PUT, PATCH, DELETE"
    assert granted["access-control-allow-headers"] == "Content-Type, Idempotency-Key"


@pytest.mark.parametrize("origin", [EVIL, "null", "*", OWN, f"{APP}.evil.example", ""])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_no_other_origin_is_granted_anything(origin: str, method: str) -> None:
    inside = Inside()

    answer = await ask(doors(inside), a_scope(method, headers={"origin": origin, **ASKING}))

    assert cors_headers(answer) == {}
    assert varies_by_origin(answer)
    assert len(inside.seen) == 1


async def test_nothing_is_granted_where_no_origin_is_allowed() -> None:
    answer = await ask(doors(Inside(), allowed=()), a_scope(headers={"origin": APP}))

    assert cors_headers(answer) == {}
    assert not varies_by_origin(answer)


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_nothing_is_granted_outside_the_api(method: str) -> None:
    scope = a_scope(method, "/webhooks/stripe", {"origin": APP, **ASKING})

    assert cors_headers(await ask(doors(Inside()), scope)) == {}


async def test_what_the_application_says_itself_is_kept() -> None:
    answer = await ask(doors(Inside()), a_scope(headers={"origin": APP}))

    assert answer.body == b"inside"
    assert (b"vary", b"Accept") in answer.headers


async def test_starting_and_stopping_pass_the_doors() -> None:
    seen: list[str] = []

    async def app(scope: object, receive: object, send: object) -> None:
        del receive, send
        assert isinstance(scope, dict)
        seen.append(scope["type"])

    passing = Doors(
        app,
        client_address=ClientAddress(()),
        allowed_addresses=AllowedAddresses(()),
        same_origin=SameOrigin(None, ()),
        cors=Cors(()),
    )
    await passing({"type": "lifespan"}, None, None)  # type: ignore[arg-type] # as is

    assert seen == ["lifespan"]
