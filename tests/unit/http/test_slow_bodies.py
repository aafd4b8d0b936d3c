"""A body has to arrive whole, and not at once."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from litestar import Litestar, post
from litestar.exceptions import HTTPException
from litestar.params import JSONBody
from litestar.types import Receive, Scope, Send

from skua_http.problems import HANDLERS
from skua_http.slow_bodies import SlowBodies
from tests.unit.http.plain import a_scope

Step = tuple[float, dict[str, Any]]
"""After how many seconds which message comes."""


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def read(steps: Sequence[Step], *, patience: float, then_wait: bool = False) -> bytes:
    """The body as an application behind it reads it."""
    coming = iter(steps)
    body = b""

    async def receive() -> Any:
        seconds, message = next(coming)
        await asyncio.sleep(seconds)
        return message

    async def send(message: Any) -> None:
        del message

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal body
        del scope, send
        while True:
            message: Any = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        if then_wait:
            assert (await receive())["type"] == "http.disconnect"

    await SlowBodies(inside, patience=patience)(a_scope("POST"), receive, send)
    return body


async def test_one_that_comes_in_time_is_whole() -> None:
    steps = [(0.0, part(b"one ", more=True)), (0.01, part(b"two", more=False))]

    assert await read(steps, patience=5) == b"one two"


async def test_one_that_never_ends_is_408() -> None:
    steps = [(0.0, part(b"one ", more=True)), (60.0, part(b"two", more=False))]

    with pytest.raises(HTTPException) as refused:
        await read(steps, patience=0.05)

    assert refused.value.status_code == 408


async def test_each_part_doesnt_begin_the_time_anew() -> None:
    steps = [(0.02, part(b"x", more=True))] * 100

    with pytest.raises(HTTPException):
        await read(steps, patience=0.1)


async def test_after_the_body_one_may_wait_as_long_as_one_likes() -> None:
    steps = [(0.0, part(b"all", more=False)), (0.2, {"type": "http.disconnect"})]

    assert await read(steps, patience=0.05, then_wait=True) == b"all"


async def test_whoever_sent_half_a_body_is_answered_with_a_problem() -> None:
    @post("/greetings")
    async def greet(data: JSONBody[dict[str, str]]) -> None:
        del data

    app = Litestar([greet], exception_handlers=dict(HANDLERS), logging_config=None)
    app.asgi_handler = SlowBodies(app.asgi_handler, patience=0.05)
    sent: list[Any] = []
    coming = iter([part(b'{"a":', more=True)])

    async def receive() -> Any:
        message = next(coming, None)
        if message is None:
            await asyncio.sleep(60)
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    await app(a_scope("POST", "/greetings"), receive, send)

    assert sent[0]["status"] == 408
    assert b'"code":"request-timeout"' in sent[1]["body"]
