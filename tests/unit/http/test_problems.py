"""Every failure becomes a problem, and a status code that fits it."""

from typing import Annotated
from uuid import UUID

import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.types import Receive, Scope, Send

from skua_core.errors import (
    AuditChainBroken,
    BotForbidden,
    ErrorKind,
    ForeignRow,
    LeaseLost,
    MissingAudit,
    NoTenant,
    ResourceNotFound,
    SkuaError,
    StorageUnavailable,
    StorageUnfit,
    TelegramUnavailable,
    TokenMalformed,
)
from skua_http.problems import HANDLERS, STATUS, Problems
from tests.unit.http.client import Client
from tests.unit.http.plain import a_scope, ask


class Greeting(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=2)]
    tags: list[str] = []


def failing(error: Exception) -> Client:
    @get("/{secret:str}", sync_to_thread=False)
    def fail(secret: FromPath[str]) -> None:
        del secret
        raise error

    return Client(Litestar([fail], exception_handlers=dict(HANDLERS), logging_config=None))


@pytest.fixture
def greeter() -> Client:
    @post("/greetings/{secret:str}")
    async def greet(data: JSONBody[Greeting], limit: FromQuery[int]) -> None:
        del data, limit

    return Client(Litestar([greet], exception_handlers=dict(HANDLERS), logging_config=None))


def test_every_kind_of_error_has_a_status() -> None:
    assert set(STATUS) == set(ErrorKind)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TokenMalformed(), 400),
        (BotForbidden(), 403),
        (ResourceNotFound(), 404),
        (StorageUnavailable("busy"), 503),
    ],
)
async def test_a_deliberate_failure_is_a_problem(error: SkuaError, status: int) -> None:
    answer = await failing(error).get(b"/x")

    assert answer.status == status
    assert answer.header("content-type") == "application/problem+json"
    assert answer.json == {
        "type": f"/problems/{error.code}",
        "title": error.code.replace("-", " ").capitalize(),
        "status": status,
        "detail": str(error),
        "code": error.code,
    }


async def test_what_comes_back_says_when() -> None:
    unknown = await failing(TelegramUnavailable("a 502")).get(b"/x")
    known = await failing(TelegramUnavailable("a 429", retry_after=7.2)).get(b"/x")

    assert unknown.header("retry-after") == "2"
    assert known.header("retry-after") == "8"


async def test_a_bug_is_answered_with_a_fixed_text_and_logged_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = await failing(RuntimeError("the bottom fell out")).get(b"/hush?key=hush")

    assert answer.status == 500
    assert answer.json["code"] == "internal-server-error"
    assert answer.json["detail"] == "Something went wrong in Skua. It has been logged."
    [record] = caplog.records
    assert record.getMessage() == "GET /{secret} failed."
    assert "the bottom fell out" in caplog.text
    assert "hush" not in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        AuditChainBroken("bot", 3, "its hash doesn't fit its contents"),
        ForeignRow(),
        LeaseLost(UUID(int=7)),
        MissingAudit(UUID(int=7)),
        NoTenant("SubscriberRow"),
        StorageUnfit(("it refuses this role or its password",)),
    ],
    ids=lambda error: error.code,
)
async def test_what_a_guard_of_our_own_stopped_is_answered_and_logged_like_a_bug(
    error: SkuaError, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await failing(error).get(b"/x")

    assert (answer.status, answer.json["code"]) == (500, "internal-server-error")
    assert answer.json["detail"] == "Something went wrong in Skua. It has been logged."
    assert str(error) in caplog.text


async def test_unknown_paths_and_wrong_methods_are_problems(greeter: Client) -> None:
    nowhere = await greeter.get(b"/nowhere")
    wrong_method = await greeter.get(b"/greetings/1")

    assert (nowhere.status, nowhere.json["code"]) == (404, "not-found")
    assert (wrong_method.status, wrong_method.json["code"]) == (405, "method-not-allowed")
    assert wrong_method.header("allow") == "POST, OPTIONS"


@pytest.mark.parametrize(
    ("query", "body", "errors"),
    [
        (b"limit=1", b'{"name": "A"}', [("name", "Expected `str` of length >= 2")]),
        (b"limit=1", b'{"name": "Ana", "tags": [1]}', [("tags[0]", "Expected `str`, got `int`")]),
        (b"limit=1", b"{}", [("", "Object missing required field `name`")]),
        (b"limit=1", b'{"name": "Ana", "x": 1}', [("", "Object contains unknown field `x`")]),
        (b"limit=1", b"[]", [("", "Expected `object`, got `array`")]),
        (b"limit=1", b"", [("", "The body is missing")]),
        (b"limit=x", b'{"name": "Ana"}', [("limit", "Expected `int`, got `str`")]),
        (b"", b'{"name": "Ana"}', [("", "Missing required query parameter 'limit'")]),
    ],
)
async def test_bad_input_says_where_and_what(
    greeter: Client, query: bytes, body: bytes, errors: list[tuple[str, str]]
) -> None:
    answer = await greeter.call("POST", b"/greetings/hush?" + query, [], body)

    assert answer.status == 400
    assert answer.json["code"] == "request-invalid"
    assert answer.json["errors"] == [{"path": where, "message": what} for where, what in errors]
    assert b"hush" not in answer.body


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"name": "A\xff"}', b"[" * 5000])
async def test_a_body_that_is_no_json_is_400(greeter: Client, body: bytes) -> None:
    answer = await greeter.call("POST", b"/greetings/1", [], body)

    assert (answer.status, answer.json["code"]) == (400, "bad-request")


async def test_our_own_endless_recursion_is_still_a_bug() -> None:
    answer = await failing(RecursionError("maximum recursion depth exceeded")).get(b"/x")

    assert answer.status == 500


async def test_our_own_unreadable_text_is_still_a_bug() -> None:
    answer = await failing(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid")).get(b"/x")

    assert answer.status == 500


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BotForbidden(), 403, "bot-forbidden"),
        (NotFoundException(), 404, "not-found"),
        (RuntimeError("the bottom fell out"), 500, "internal-server-error"),
    ],
)
async def test_what_fails_before_the_routes_is_a_problem_too(
    error: Exception, status: int, code: str
) -> None:
    async def failing_door(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send
        raise error

    answer = await ask(Problems(failing_door), a_scope())

    assert (answer.status, answer.json["code"]) == (status, code)
    assert b"bottom" not in answer.body


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    async def breaking_off(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("the bottom fell out")

    with pytest.raises(RuntimeError):
        await ask(Problems(breaking_off), a_scope())
