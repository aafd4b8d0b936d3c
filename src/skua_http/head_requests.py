"""HEAD is answered like GET, without the body."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send


class HeadRequests:
    """Asks as GET, and keeps the body of the answer back.

    Every address that can be read can be asked for its headers (RFC 9110, 9.3.2), and Litestar
    would answer 405.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        # A copy: the server looks at its own to know that no body follows.
        inner: HTTPScope = {**scope, "method": "GET"}

        async def send_bodiless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message["body"] = b""
            else:
                # What was learnt about the request on the way is for those outside too.
                scope.update({**inner, "method": "HEAD"})
            await send(message)

        await self._app(inner, receive, send_bodiless)
