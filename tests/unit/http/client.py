"""A client that can send what no HTTP library would."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec
from litestar import Litestar

SECRET_HEADER = b"x-telegram-bot-api-secret-token"
REQUEST_ID = b"x-request-id"
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Answer:
    """All that a caller can see. But for their names, nothing tells two equal ones apart."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    request_id: str | None = field(default=None, compare=False)
    """A random one, apart from the other headers."""

    def header(self, name: str) -> str | None:
        value = dict(self.headers).get(name.encode())
        return None if value is None else value.decode()

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Client:
    """Calls the application as uvicorn does, with any bytes, through no socket."""

    app: Litestar
    peer: str = "127.0.0.1"
    """Where its connections come from."""

    async def call(
        self, method: str, path: bytes, headers: Headers | None = None, body: bytes = b""
    ) -> Answer:
        sent: list[Any] = []
        incoming = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            return next(incoming, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(_scope(method, path, headers or [], self.peer), receive, send)
        answer_body = b"".join(message.get("body", b"") for message in sent[1:])
        names = [value for name, value in sent[0]["headers"] if name == REQUEST_ID]
        headers = [header for header in sent[0]["headers"] if header[0] != REQUEST_ID]
        [request_id] = names or [b""]
        return Answer(sent[0]["status"], tuple(headers), answer_body, request_id.decode())

    async def get(self, path: bytes) -> Answer:
        return await self.call("GET", path)

    async def deliver(self, path: bytes, secret: bytes, update: dict[str, Any] | bytes) -> Answer:
        """What Telegram does with an update."""
        body = update if isinstance(update, bytes) else msgspec.json.encode(update)
        headers = [(b"content-type", b"application/json"), (SECRET_HEADER, secret)]
        return await self.call("POST", path, headers, body)


def _scope(method: str, path: bytes, headers: Headers, peer: str) -> Any:
    raw_path, _, query = path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path.decode("ascii")),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": headers if b"host" in dict(headers) else [(b"host", b"skua.example"), *headers],
        "client": (peer, 5000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
