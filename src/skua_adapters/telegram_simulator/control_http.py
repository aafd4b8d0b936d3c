"""How the simulator's own routes read what they are asked and write what they answer."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from skua_core.errors import ErrorKind, SkuaError

from .errors import NotInWorld

_Request = TypeVar("_Request")
Action = Callable[[web.Request], Awaitable[Any]]
_STATUS = {
    ErrorKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorKind.CONFLICT: HTTPStatus.CONFLICT,
}


def handler(action: Action) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Answers what ``action`` gives as JSON; what can't be done ``{"error": …}`` with 400, 404 or
    409."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            answer = await action(request)
        except SkuaError as problem:
            status = _STATUS.get(problem.kind, HTTPStatus.BAD_REQUEST)
            return _json({"error": str(problem)}, status)
        except msgspec.DecodeError as problem:
            return _json({"error": str(problem)}, HTTPStatus.BAD_REQUEST)
        return _json({} if answer is None else answer, HTTPStatus.OK)

    return handle


def _json(content: Any, status: HTTPStatus) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(content), content_type="application/json"
    )


async def read(request: web.Request, kind: type[_Request]) -> _Request:
    return msgspec.json.decode(await request.read(), type=kind)


def number(request: web.Request, name: str) -> int:
    text = request.match_info[name]
    try:
        return int(text)
    except ValueError:
        raise NotInWorld(f"{name.removesuffix('_id')} {text}") from None
