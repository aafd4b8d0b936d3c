"""A name for each request, by which its log lines and its answer are found."""

import re
import secrets
from collections.abc import Callable

from litestar.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
_KEY = "skua.request_id"
_SOUND = re.compile(rb"[A-Za-z0-9._-]{8,64}")


class RequestIds:
    """Names every request, or keeps the name that a trusted proxy gave it; answers with it.

    Nobody else may name requests: they could take another one's name, or forge lines of the log.
    """

    def __init__(self, app: ASGIApp, *, trusts: Callable[[Scope], bool]) -> None:
        self._app = app
        self._trusts = trusts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._given(scope) or secrets.token_urlsafe(12)
        scope[_KEY] = request_id  # type: ignore[literal-required] # ASGI allows keys of one's own

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, request_id.encode())]
            await send(message)

        await self._app(scope, receive, send_named)

    def _given(self, scope: Scope) -> str | None:
        given = [value for name, value in scope["headers"] if name == HEADER]
        if len(given) != 1 or _SOUND.fullmatch(given[0]) is None or not self._trusts(scope):
            return None
        return given[0].decode()


def request_id_of(scope: Scope) -> str | None:
    """None where nothing named the request, as in an application of a test's own."""
    name: str | None = scope.get(_KEY)  # type: ignore[assignment] # as above
    return name
