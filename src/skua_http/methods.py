"""What the framework leaves undone about methods: HEAD, and saying which ones there are."""

from collections.abc import Collection, Mapping

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send


class Methods:
    """Asks as GET for HEAD and keeps the body of the answer back; names all methods in ``Allow``.

    Every address that can be read can be asked for its headers (RFC 9110, 9.3.2), and Litestar
    would answer 405. It also forgets methods in its answer to OPTIONS where an address has
    several handlers, so ``routes`` says what each has, by the address's template.
    """

    def __init__(self, app: ASGIApp, routes: Mapping[str, Collection[str]]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        # A copy: the server looks at its own to know that no body follows.
        inner: HTTPScope = {**scope, "method": "GET"} if head else scope

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [self._whole(header, inner) for header in message["headers"]]
                if head:
                    # What was learnt about the request on the way is for those outside too.
                    scope.update({**inner, "method": "HEAD"})
            elif head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        await self._app(inner, receive, send_on)

    def _whole(self, header: tuple[bytes, bytes], scope: Scope) -> tuple[bytes, bytes]:
        name, value = header
        if name.lower() != b"allow":
            return header
        methods = set(value.decode().split(", "))
        methods.update(self._routes.get(scope.get("path_template", ""), ()))
        methods |= {"HEAD"} if "GET" in methods else set()
        return name, ", ".join(sorted(methods)).encode()
