"""From errors to RFC 9457 problems: the one place that knows status codes."""

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.serialization import decode_json
from litestar.types import ASGIApp, ExceptionHandlersMap, Message, Receive, Scope, Send

from skua_core.errors import (
    ErrorKind,
    PasswordCheckBusy,
    SkuaError,
    TelegramUnavailable,
    TooManyRequests,
)
from skua_http.problem_pages import title_of
from skua_http.request_ids import request_id_of

_log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"
STATUS: Mapping[ErrorKind, int] = {
    ErrorKind.INVALID: HTTPStatus.BAD_REQUEST,
    ErrorKind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ErrorKind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorKind.CONFLICT: HTTPStatus.CONFLICT,
    ErrorKind.THROTTLED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorKind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorKind.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}
RETRY_AFTER = 2
"""Seconds after which to come again, where nobody knows better."""
# HTTPStatus calls it otherwise from Python to Python, and a problem's type is an address.
_OWN_CODES = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "content-too-large"}
_BROKEN_OFF = "client disconnected prematurely"
"""How Litestar says that the body never came whole; it counts that among its own failures."""


class FieldError(msgspec.Struct, frozen=True):
    path: str
    """Where in the request, such as ``audience.tags[0]``; empty for the whole of it."""
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every answer that isn't a success."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[FieldError, ...] = ()
    request_id: str | None = None
    """For whoever reports a defect: the log has the rest under this id."""


class Problems:
    """Answers what fails outside Litestar's own routes, such as at a door, in the same way."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def note_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, note_start)
        except Exception as error:
            if started or scope["type"] != ScopeType.HTTP:
                raise
            await answer(error, scope, receive, send)


async def answer(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request with the problem that ``error`` is."""
    request = Request[Any, Any, Any](scope, receive, send)
    if isinstance(error, SkuaError):
        response = deliberate(request, error)
    elif isinstance(error, HTTPException):
        response = framework(request, error)
    else:
        response = bug(request, error)
    await response.to_asgi_response(app=None, request=request)(scope, receive, send)


def deliberate(request: Request[Any, Any, Any], error: SkuaError) -> Response[Problem]:
    """What Skua refuses on purpose."""
    if error.kind is ErrorKind.INTERNAL:
        return bug(request, error)
    timed = TooManyRequests | PasswordCheckBusy | TelegramUnavailable
    retry_after = error.retry_after if isinstance(error, timed) else None
    return _answer(STATUS[error.kind], error.code, str(error), retry_after=retry_after)


def framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """What the framework refuses before or instead of a handler."""
    if isinstance(error, InternalServerException) and error.detail == _BROKEN_OFF:
        return _answer(HTTPStatus.BAD_REQUEST, "bad-request", "The body of the request broke off.")
    if isinstance(error, ValidationException):
        # Its own detail quotes the address, which may hold a secret.
        detail = "The request isn't what this operation takes."
        return _answer(HTTPStatus.BAD_REQUEST, "request-invalid", detail, errors=_fields(error))
    if error.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        return bug(request, error)
    status = HTTPStatus(error.status_code)
    code = _OWN_CODES.get(status) or status.name.lower().replace("_", "-")
    return _answer(status, code, f"{error.detail.rstrip('.')}.", headers=error.headers or {})


def bug(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """What nobody meant to happen. The answer says nothing about it; the log says all."""
    # The template and not the address itself, which may hold a secret.
    place = request.scope.get("path_template", "an unknown path")
    request_id = request_id_of(request.scope)
    facts = {} if request_id is None else {"request_id": request_id}
    _log.error("%s %s failed.", request.method, place, exc_info=error, extra=facts)
    detail = "Something went wrong in Skua. It has been logged."
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _answer(status, "internal-server-error", detail, request_id=request_id)


def recursion(request: Request[Any, Any, Any], error: RecursionError) -> Response[Problem]:
    """A body that is nested too deeply is the caller's fault; any other recursion is ours."""
    if "deserializing" not in str(error):
        return bug(request, error)
    return _answer(HTTPStatus.BAD_REQUEST, "bad-request", "The body is nested too deeply.")


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: tuple[FieldError, ...] = (),
    request_id: str | None = None,
) -> Problem:
    return Problem(
        type=f"/problems/{code}",
        title=title_of(code),
        status=status,
        detail=detail,
        code=code,
        errors=errors,
        request_id=request_id,
    )


def undecodable(request: Request[Any, Any, Any], error: UnicodeDecodeError) -> Response[Problem]:
    """Text in a body that isn't UTF-8 is the caller's fault; any other that can't be read is ours.

    msgspec raises this and no error of its own, so Litestar lets it pass.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_code is not decode_json.__code__:
        return bug(request, error)
    return _answer(HTTPStatus.BAD_REQUEST, "bad-request", "The body isn't UTF-8.")


HANDLERS: ExceptionHandlersMap = {
    SkuaError: deliberate,
    HTTPException: framework,
    RecursionError: recursion,
    UnicodeDecodeError: undecodable,
    Exception: bug,
}
"""For Litestar's ``exception_handlers``; it looks for the nearest base class."""


def _answer(
    status: int,
    code: str,
    detail: str,
    *,
    errors: tuple[FieldError, ...] = (),
    headers: Mapping[str, str] | None = None,
    retry_after: float | None = None,
    request_id: str | None = None,
) -> Response[Problem]:
    headers = dict(headers or {})
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        seconds = RETRY_AFTER if retry_after is None else max(1, math.ceil(retry_after))
        headers.setdefault("Retry-After", str(seconds))
    if status == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="skua"')
    content = problem(status, code, detail, errors=errors, request_id=request_id)
    return Response(content, status_code=status, headers=headers, media_type=PROBLEM_JSON)


def _fields(error: ValidationException) -> tuple[FieldError, ...]:
    if not isinstance(error.extra, list):
        # "Missing required query parameter 'limit' for path /…"
        return (FieldError("", error.detail.partition(" for path ")[0]),)
    return tuple(_field(**one) for one in error.extra)


def _field(message: str, key: str = "", source: str = "") -> FieldError:
    if (key, source) != ("data", "body"):
        return FieldError(key, message)
    # Litestar's name for the whole body, and the KeyError it leaves where there is none.
    return FieldError("", "The body is missing" if message == "'data'" else message)
