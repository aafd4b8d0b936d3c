"""The simulator's own routes, for those who play Telegram's people: never under ``/bot``."""

import time
from typing import Any

from aiohttp import web

from . import shapes
from .control_http import handler, number, read
from .control_requests import (
    FaultsRequest,
    GroupRequest,
    IdsRequest,
    JoinRequest,
    KickRequest,
    PressRequest,
    RangeRequest,
    ReplyRequest,
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


class Control:
    """Bots, people, groups, faults and limits."""

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
            ("POST", f"{bot}/reply", self._reply),
            ("POST", f"{bot}/press", self._press_button),
            ("GET", f"{bot}/press/{{query_id}}", self._show_press),
            ("POST", f"{bot}/block", self._block),
            ("POST", f"{bot}/unblock", self._unblock),
            ("POST", f"{bot}/throttle", self._throttle),
            ("POST", f"{bot}/groups", self._add_group),
            ("POST", f"{group}/text", self._send_text_to_group),
            ("POST", f"{group}/migrate", self._migrate),
            ("POST", f"{group}/kick", self._kick),
            ("POST", "/simulator/users", self._add_users),
            ("POST", "/simulator/users/deactivate", self._deactivate),
            ("GET", "/simulator/faults", self._list_faults),
            ("PUT", "/simulator/faults", self._set_faults),
            ("PUT", "/simulator/latency", self._set_latency),
        ):
            router.add_route(verb, path, handler(action))

    async def _list_bots(self, _: web.Request) -> Any:
        return {"bots": [self._about(bot) for bot in self._world.bots]}

    async def _show_bot(self, request: web.Request) -> Any:
        return self._about(self._world.bot(number(request, "bot_id")))

    def _about(self, bot: SimulatedBot) -> dict[str, Any]:
        return {
            "id": bot.id,
            "username": bot.username,
            "token_valid": bot.secret is not None,
            "started": len(bot.started),
            "blocked_by": len(bot.blocked_by),
            "joins": self._joins.progress(bot.id),
            "last_message_id": bot.last_message_id,
            "stars": bot.stars.as_amount(),
            "webhook": shapes.webhook_info(bot),
        }

    async def _add_bot(self, request: web.Request) -> Any:
        return shapes.bot_about_itself(self._world.add_bot(await read(request, NewBot)))

    async def _replace_token(self, request: web.Request) -> Any:
        wanted = await read(request, TokenRequest)
        self._world.replace_token(number(request, "bot_id"), wanted.token)

    async def _revoke_token(self, request: web.Request) -> Any:
        self._world.revoke_token(number(request, "bot_id"))

    async def _add_users(self, request: web.Request) -> Any:
        wanted = await read(request, UsersRequest)
        for user in wanted.users:
            self._world.add_user(user)
        if wanted.count:
            self._world.add_users(range(wanted.first_id, wanted.first_id + wanted.count))

    async def _add_audience(self, request: web.Request) -> Any:
        wanted = await read(request, RangeRequest)
        self._people.add_audience(number(request, "bot_id"), wanted.ids)

    async def _begin_joins(self, request: web.Request) -> Any:
        bot_id, wanted = number(request, "bot_id"), await read(request, JoinRequest)
        self._joins.begin(bot_id, wanted.ids, rate=wanted.rate, payload=wanted.payload)

    async def _press_start(self, request: web.Request) -> Any:
        wanted = await read(request, StartRequest)
        bot_id = number(request, "bot_id")
        return {"update_id": self._people.press_start(bot_id, wanted.user_id, wanted.payload)}

    async def _send_text(self, request: web.Request) -> Any:
        wanted = await read(request, TextRequest)
        bot_id = number(request, "bot_id")
        return {"update_id": self._people.send_text(bot_id, wanted.user_id, wanted.text)}

    async def _reply(self, request: web.Request) -> Any:
        wanted = await read(request, ReplyRequest)
        bot_id = number(request, "bot_id")
        update_id = self._people.reply(bot_id, wanted.user_id, wanted.message_id, wanted.text)
        return {"update_id": update_id}

    async def _press_button(self, request: web.Request) -> Any:
        wanted = await read(request, PressRequest)
        query_id = self._people.press_button(
            number(request, "bot_id"),
            wanted.user_id,
            wanted.message_id,
            wanted.data,
            chat_id=wanted.chat_id,
        )
        return {"callback_query_id": query_id}

    async def _show_press(self, request: web.Request) -> Any:
        bot = self._world.bot(number(request, "bot_id"))
        query_id = request.match_info["query_id"]
        if query_id not in bot.pressed:
            raise NotInWorld(f"callback query {query_id}")
        return bot.pressed[query_id]

    async def _block(self, request: web.Request) -> Any:
        bot_id, wanted = number(request, "bot_id"), await read(request, IdsRequest)
        return {"update_ids": [self._people.block(bot_id, user) for user in wanted.user_ids]}

    async def _unblock(self, request: web.Request) -> Any:
        bot_id, wanted = number(request, "bot_id"), await read(request, IdsRequest)
        return {"update_ids": [self._people.unblock(bot_id, user) for user in wanted.user_ids]}

    async def _deactivate(self, request: web.Request) -> Any:
        for user_id in (await read(request, IdsRequest)).user_ids:
            self._people.deactivate(user_id)

    async def _throttle(self, request: web.Request) -> Any:
        bot = self._world.bot(number(request, "bot_id"))
        wanted = await read(request, ThrottleRequest)
        now = time.monotonic()
        if wanted.chat_id is None:
            self._limits.impose_on_token(bot.id, wanted.retry_after, now=now)
        else:
            self._limits.impose_on_chat(bot.id, wanted.chat_id, wanted.retry_after, now=now)

    async def _add_group(self, request: web.Request) -> Any:
        wanted = await read(request, GroupRequest)
        group = self._world.add_group(number(request, "bot_id"), wanted.title, wanted.kind)
        return shapes.group_chat(group)

    async def _send_text_to_group(self, request: web.Request) -> Any:
        wanted = await read(request, TextRequest)
        group_id = number(request, "group_id")
        update_id = self._people.send_text_to_group(group_id, wanted.user_id, wanted.text)
        return {"update_id": update_id}

    async def _migrate(self, request: web.Request) -> Any:
        return {"migrate_to_chat_id": self._people.migrate(number(request, "group_id"))}

    async def _kick(self, request: web.Request) -> Any:
        wanted = await read(request, KickRequest)
        return {"update_id": self._people.kick(number(request, "group_id"), by=wanted.by)}

    async def _list_faults(self, _: web.Request) -> Any:
        return {"rules": self._faults.rules}

    async def _set_faults(self, request: web.Request) -> Any:
        wanted = await read(request, FaultsRequest)
        self._faults.replace(wanted.rules)

    async def _set_latency(self, request: web.Request) -> Any:
        self._latency.settings = await read(request, LatencySettings)
