"""What every request passes before anybody looks at what it asks for."""

from http import HTTPStatus

from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from litestar.utils.path import normalize_path

from skua_core.errors import SkuaError
from skua_http.allowed_ips import AllowedAddresses
from skua_http.client_address import ClientAddress, note_client_address
from skua_http.cors import Cors, RawHeaders
from skua_http.problems import answer
from skua_http.same_origin import SameOrigin


class Doors:
    """Finds out where a request comes from, and answers those that may not come in.

    ``app`` has to answer its own errors: only so does a page of an allowed origin get to read them.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        client_address: ClientAddress,
        allowed_addresses: AllowedAddresses,
        same_origin: SameOrigin,
        cors: Cors,
    ) -> None:
        self._app = app
        self._client_address = client_address
        self._allowed_addresses = allowed_addresses
        self._same_origin = same_origin
        self._cors = cors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        # As it will be routed: //api/… reaches the same as /api/… and must not pass by a door.
        scope["path"] = normalize_path(scope["path"])
        note_client_address(scope, address := self._client_address(scope))
        try:
            self._allowed_addresses.check(scope["path"], address)
        except SkuaError as refusal:
            await answer(refusal, scope, receive, send)
        else:
            await self._let_in(scope, receive, _adding(self._cors.headers(scope), send))

    async def _let_in(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        preflight = self._cors.preflight(scope)
        if preflight is not None:
            await _answer_empty(preflight, send)
            return
        try:
            self._same_origin.check(scope)
        except (SkuaError, HTTPException) as refusal:
            await answer(refusal, scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _adding(headers: RawHeaders, send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return send_with_headers if headers else send


async def _answer_empty(headers: RawHeaders, send: Send) -> None:
    await send({"type": "http.response.start", "status": HTTPStatus.NO_CONTENT, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
