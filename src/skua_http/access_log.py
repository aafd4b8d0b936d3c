"""One line of log for each request, with nothing personal and no secret in it."""

import logging
import time

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from skua_http.request_ids import request_id_of

_log = logging.getLogger(__name__)
_QUIET = {"/healthz", "/readyz"}
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class AccessLog:
    """Logs how each request ended, and how many milliseconds its answer took to begin.

    The route's template stands for the address, which may hold a secret; the caller's address, the
    user and the query aren't logged at all. What is asked every few seconds is left out while well.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()

        async def send_logged(message: Message) -> None:
            if message["type"] == "http.response.start":
                _write(scope, message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, send_logged)


def _write(scope: Scope, status: int, seconds: float) -> None:
    route = scope.get("path_template", "")
    if route in _QUIET and status < 400:  # noqa: PLR2004 - where errors begin
        return
    # Whatever was sent as a method would be somebody else's text in the log.
    method = scope["method"] if scope["type"] == ScopeType.HTTP else ""
    _log.info(
        "Answered a request",
        extra={
            "method": method if method in _METHODS else "other",
            "route": route or "none",
            "status": int(status),
            "ms": round(seconds * 1000, 1),
            "request_id": request_id_of(scope),
        },
    )
