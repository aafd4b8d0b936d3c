"""Plain ASGI, for what stands before any framework."""

from collections.abc import Mapping
from typing import Any

from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from tests.unit.http.client import Answer, Headers


def a_scope(
    method: str = "GET",
    path: str = "/api/auth/me",
    headers: Mapping[str, str] | Headers | None = None,
    *,
    peer: str | None = "203.0.113.7",
) -> HTTPScope:
    raw = headers if isinstance(headers, list) else encoded(headers or {})
    if b"host" not in dict(raw):
        raw = [(b"host", b"skua.example"), *raw]
    scope: Any = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": raw,
        "client": None if peer is None else (peer, 40000),
    }
    return scope  # type: ignore[no-any-return] # with what is looked at, and no more


def encoded(headers: Mapping[str, str]) -> Headers:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


async def ask(app: ASGIApp, scope: Scope) -> Answer:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], tuple(sent[0]["headers"]), body)


class Inside:
    """What is behind the doors; it knows who came in."""

    def __init__(self) -> None:
        self.seen: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        self.seen.append(scope)
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"vary", b"Accept")]}
        )
        await send({"type": "http.response.body", "body": b"inside", "more_body": False})
