"""The simulator's own routes, for those who play Telegram's people: never under ``/bot``."""

import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from skua_core.errors import ErrorKind, SkuaError

from . import shapes
from .control_requests import (
    FaultsRequest,
    GroupRequest,
    IdsRequest,
    JoinRequest,
    KickRequest,
    PressRequest,
    RangeRequest,
    StartRequest,
    TextRequest,
    ThrottleRequest,
    TokenRequest,
    UsersRequest,
)
from .errors import NotInWorld
from .faults import FaultPlan
from .joins import Joins
from .latency import Latency
from .limits import RateLimits
from .people import People
from .settings import LatencySettings, NewBot
from .world import SimulatedBot, World

_Request = TypeVar("_Request")
_STATUS = {
    ErrorKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorKind.CONFLICT: HTTPStatus.CONFLICT,
}


class Control:
    """Each method answers JSON. What can't be done is answered ``{"error": …}`` with 400, 404 or
    409."""

    def __init__(
        self,
        *,
        world: World,
        people: People,
        joins: Joins,
        limits: RateLimits,
        faults: FaultPlan,
        latency: Latency,
    ) -> None:
        self._world = world
        self._people = people
        self._joins = joins
        self._limits = limits
        self._faults = faults
        self._latency = latency

    def add_routes(self, router: web.UrlDispatcher) -> None:
        bot = "/simulator/bots/{bot_id}"
        group = "/simulator/groups/{group_id}"
        for verb, path, action in (
            ("GET", "/simulator", self._list_bots),
            ("POST", "/simulator/bots", self._add_bot),
            ("GET", bot, self._show_bot),
            ("PUT", f"{bot}/token", self._replace_token),
            ("DELETE", f"{bot}/token", self._revoke_token),
            ("POST", f"{bot}/audience", self._add_audience),
            ("POST", f"{bot}/joins", self._begin_joins),
            ("POST", f"{bot}/start", self._press_start),
            ("POST", f"{bot}/text", self._send_text),
            ("POST", f"{bot}/press", self._press_button),
            ("GET", f"{bot}/press/{{query_id}}", self._show_press),
            ("POST", f"{bot}/block", self._block),
            ("POST", f"{bot}/unblock", self._unblock),
            ("POST", f"{bot}/throttle", self._throttle),
            ("POST", f"{bot}/groups", self._add_group),
            ("POST", f"{group}/migrate", self._migrate),
            ("POST", f"{group}/kick", self._kick),
            ("POST", "/simulator/users", self._add_users),
            ("POST", "/simulator/users/deactivate", self._deactivate),
            ("GET", "/simulator/faults", self._list_faults),
            ("PUT", "/simulator/faults", self._set_faults),
            ("PUT", "/simulator/latency", self._set_latency),
        ):
            router.add_route(verb, path, _handler(action))

    async def _list_bots(self, _: web.Request) -> Any:
        return {"bots": [self._about(bot) for bot in self._world.bots]}

    async def _show_bot(self, request: web.Request) -> Any:
        return self._about(self._world.bot(_number(request, "bot_id")))

    def _about(self, bot: SimulatedBot) -> dict[str, Any]:
        return {
            "id": bot.id,
            "username": bot.username,
            "token_valid": bot.secret is not None,
            "started": len(bot.started),
            "blocked_by": len(bot.blocked_by),
            "joins": self._joins.progress(bot.id),
            "last_message_id": bot.last_message_id,
            "webhook": shapes.webhook_info(bot),
        }

    async def _add_bot(self, request: web.Request) -> Any:
        return shapes.bot_about_itself(self._world.add_bot(await _read(request, NewBot)))

    async def _replace_token(self, request: web.Request) -> Any:
        wanted = await _read(request, TokenRequest)
        self._world.replace_token(_number(request, "bot_id"), wanted.token)

    async def _revoke_token(self, request: web.Request) -> Any:
        self._world.revoke_token(_number(request, "bot_id"))

    async def _add_users(self, request: web.Request) -> Any:
        wanted = await _read(request, UsersRequest)
        for user in wanted.users:
            self._world.add_user(user)
        if wanted.count:
            self._world.add_users(range(wanted.first_id, wanted.first_id + wanted.count))

    async def _add_audience(self, request: web.Request) -> Any:
        wanted = await _read(request, RangeRequest)
        self._people.add_audience(_number(request, "bot_id"), wanted.ids)

    async def _begin_joins(self, request: web.Request) -> Any:
        bot_id, wanted = _number(request, "bot_id"), await _read(request, JoinRequest)
        self._joins.begin(bot_id, wanted.ids, rate=wanted.rate, payload=wanted.payload)

    async def _press_start(self, request: web.Request) -> Any:
        wanted = await _read(request, StartRequest)
        bot_id = _number(request, "bot_id")
        return {"update_id": self._people.press_start(bot_id, wanted.user_id, wanted.payload)}

    async def _send_text(self, request: web.Request) -> Any:
        wanted = await _read(request, TextRequest)
        bot_id = _number(request, "bot_id")
        return {"update_id": self._people.send_text(bot_id, wanted.user_id, wanted.text)}

    async def _press_button(self, request: web.Request) -> Any:
        wanted = await _read(request, PressRequest)
        query_id = self._people.press_button(
            _number(request, "bot_id"), wanted.user_id, wanted.message_id, wanted.data
        )
        return {"callback_query_id": query_id}

    async def _show_press(self, request: web.Request) -> Any:
        bot = self._world.bot(_number(request, "bot_id"))
        query_id = request.match_info["query_id"]
        if query_id not in bot.pressed:
            raise NotInWorld(f"callback query {query_id}")
        return bot.pressed[query_id]

    async def _block(self, request: web.Request) -> Any:
        bot_id, wanted = _number(request, "bot_id"), await _read(request, IdsRequest)
        return {"update_ids": [self._people.block(bot_id, user) for user in wanted.user_ids]}

    async def _unblock(self, request: web.Request) -> Any:
        bot_id, wanted = _number(request, "bot_id"), await _read(request, IdsRequest)
        return {"update_ids": [self._people.unblock(bot_id, user) for user in wanted.user_ids]}

    async def _deactivate(self, request: web.Request) -> Any:
        for user_id in (await _read(request, IdsRequest)).user_ids:
            self._people.deactivate(user_id)

    async def _throttle(self, request: web.Request) -> Any:
        bot = self._world.bot(_number(request, "bot_id"))
        wanted = await _read(request, ThrottleRequest)
        now = time.monotonic()
        if wanted.chat_id is None:
            self._limits.impose_on_token(bot.id, wanted.retry_after, now=now)
        else:
            self._limits.impose_on_chat(bot.id, wanted.chat_id, wanted.retry_after, now=now)

    async def _add_group(self, request: web.Request) -> Any:
        wanted = await _read(request, GroupRequest)
        group = self._world.add_group(_number(request, "bot_id"), wanted.title, wanted.kind)
        return shapes.group_chat(group)

    async def _migrate(self, request: web.Request) -> Any:
        return {"migrate_to_chat_id": self._people.migrate(_number(request, "group_id"))}

    async def _kick(self, request: web.Request) -> Any:
        wanted = await _read(request, KickRequest)
        return {"update_id": self._people.kick(_number(request, "group_id"), by=wanted.by)}

    async def _list_faults(self, _: web.Request) -> Any:
        return {"rules": self._faults.rules}

    async def _set_faults(self, request: web.Request) -> Any:
        wanted = await _read(request, FaultsRequest)
        self._faults.replace(wanted.rules)

    async def _set_latency(self, request: web.Request) -> Any:
        self._latency.settings = await _read(request, LatencySettings)


def _handler(
    action: Callable[[web.Request], Awaitable[Any]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
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


async def _read(request: web.Request, kind: type[_Request]) -> _Request:
    return msgspec.json.decode(await request.read(), type=kind)


def _number(request: web.Request, name: str) -> int:
    text = request.match_info[name]
    try:
        return int(text)
    except ValueError:
        raise NotInWorld(f"{name.removesuffix('_id')} {text}") from None
