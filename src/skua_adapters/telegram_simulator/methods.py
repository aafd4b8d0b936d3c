"""The Bot API's methods that the simulator has."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from . import shapes
from .copy_message import copy_message
from .limits import RateLimits
from .media_files import MediaKind
from .outgoing import Sent
from .parameters import Parameters
from .refusals import Refusal, bad_request, conflict, not_found, too_many_requests
from .send_media import MEDIA_METHODS, send_media
from .send_media_group import send_media_group
from .send_message import send_message
from .settings import MediaSettings, WebhookSettings
from .update_queue import CALLBACK_LIFE, QueuedUpdate
from .webhook_delivery import WebhookDelivery
from .webhook_rules import check_webhook
from .world import CallbackAnswer, SimulatedBot, Webhook, World

_LONGEST_POLL = 50
_LONGEST_CALLBACK_TEXT = 200
_MOST_CONNECTIONS = 100
_DEFAULT_CONNECTIONS = 40


class Result(msgspec.Struct, frozen=True):
    value: Any
    description: str = ""
    sent: Sent | None = None


class BotApi:
    def __init__(
        self,
        world: World,
        limits: RateLimits,
        settings: WebhookSettings,
        media: MediaSettings,
        *,
        seed: int,
    ) -> None:
        self._world = world
        self._limits = limits
        self._settings = settings
        self._media = media
        self._seed = seed
        self._deliveries: dict[int, WebhookDelivery] = {}
        self._polls: dict[int, asyncio.Future[None]] = {}
        self._next_set_webhook: dict[int, float] = {}
        self._changing_webhook = asyncio.Lock()
        self._methods: dict[str, Callable[[SimulatedBot, Parameters], Awaitable[Result]]] = {
            "getMe": self._get_me,
            "getUpdates": self._get_updates,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._get_webhook_info,
            "sendMessage": self._send_message,
            "sendMediaGroup": self._send_media_group,
            "copyMessage": self._copy_message,
            "answerCallbackQuery": self._answer_callback_query,
            "getMyStarBalance": self._get_my_star_balance,
        }
        self._methods |= {
            method: partial(self._send_media, kind) for method, kind in MEDIA_METHODS.items()
        }
        self._names = {name.lower(): name for name in self._methods}

    def method(self, name: str) -> str:
        """The method's name as the Bot API writes it; any case will do. Raises ``Refusal``."""
        try:
            return self._names[name.lower()]
        except KeyError:
            raise not_found("method not found") from None

    async def call(self, bot: SimulatedBot, method: str, parameters: Parameters) -> Result:
        """Raises ``Refusal``."""
        return await self._methods[method](bot, parameters)

    async def _call_from_webhook(self, bot: SimulatedBot, answer: bytes) -> None:
        """What a webhook answers may be a call; what becomes of it, it never learns.

        Of the calls that Telegram takes there, the simulator knows answerCallbackQuery alone.
        """
        try:
            wanted = msgspec.json.decode(answer, type=dict[str, Any]) if answer else {}
        except msgspec.DecodeError:
            return
        if str(wanted.pop("method", "")).lower() == "answercallbackquery":
            with contextlib.suppress(Refusal):
                await self._answer_callback_query(bot, Parameters(wanted))

    async def close(self) -> None:
        for delivery in self._deliveries.values():
            await delivery.close()
        self._deliveries.clear()
        for poll in self._polls.values():
            poll.cancel()

    async def _get_me(self, bot: SimulatedBot, _: Parameters) -> Result:
        return Result(shapes.bot_about_itself(bot))

    async def _send_message(self, bot: SimulatedBot, parameters: Parameters) -> Result:
        return _sent(send_message(self._world, self._limits, bot, parameters))

    async def _send_media(
        self, kind: MediaKind, bot: SimulatedBot, parameters: Parameters
    ) -> Result:
        return _sent(
            send_media(self._world, self._limits, bot, parameters, kind=kind, settings=self._media)
        )

    async def _send_media_group(self, bot: SimulatedBot, parameters: Parameters) -> Result:
        return _sent(
            send_media_group(self._world, self._limits, bot, parameters, settings=self._media)
        )

    async def _copy_message(self, bot: SimulatedBot, parameters: Parameters) -> Result:
        return _sent(copy_message(self._world, self._limits, bot, parameters))

    async def _get_my_star_balance(self, bot: SimulatedBot, _: Parameters) -> Result:
        return Result(bot.stars.as_amount())

    async def _answer_callback_query(self, bot: SimulatedBot, parameters: Parameters) -> Result:
        text = parameters.text("text")
        if len(text) > _LONGEST_CALLBACK_TEXT:
            raise bad_request("MESSAGE_TOO_LONG")
        pressed = bot.pressed.get(parameters.text("callback_query_id"))
        too_old = pressed and time.monotonic() - pressed.pressed_at > CALLBACK_LIFE
        if pressed is None or pressed.answer is not None or too_old:
            raise bad_request(
                "query is too old and response timeout expired or query ID is invalid"
            )
        pressed.answer = CallbackAnswer(
            text=text, show_alert=parameters.flag("show_alert"), url=parameters.text("url")
        )
        return Result(value=True)

    async def _get_webhook_info(self, bot: SimulatedBot, _: Parameters) -> Result:
        return Result(shapes.webhook_info(bot))

    async def _set_webhook(self, bot: SimulatedBot, parameters: Parameters) -> Result:
        url = parameters.text("url")
        if not url:
            return await self._delete_webhook(bot, parameters)
        now = time.monotonic()
        if now < self._next_set_webhook.get(bot.id, 0.0):
            raise too_many_requests(1, "setWebhook")
        self._next_set_webhook[bot.id] = now + self._settings.set_interval
        if parameters.text("certificate"):
            # Telegram takes one; checking a self-signed chain is no business of a simulator.
            raise bad_request("the simulator takes no certificates")
        wanted = await self._wanted_webhook(url, parameters)
        drop = parameters.flag("drop_pending_updates")
        bot.updates.set_allowed(_allowed_updates(parameters))
        if _same(wanted, bot.webhook) and not drop:
            return Result(value=True, description="Webhook is already set")
        async with self._changing_webhook:
            self._end_poll(bot, "terminated by setWebhook request")
            await self._stop_delivery(bot)
            if drop:
                bot.updates.clear()
            bot.webhook = wanted
            self._deliveries[bot.id] = WebhookDelivery(
                bot, self._settings, call=self._call_from_webhook, seed=self._seed
            )
        return Result(value=True, description="Webhook was set")

    async def _wanted_webhook(self, url: str, parameters: Parameters) -> Webhook:
        secret = parameters.text("secret_token")
        ip_address = parameters.text("ip_address")
        return Webhook(
            url=url,
            secret_token=secret,
            ip_address=await check_webhook(
                url,
                secret=secret,
                ip_address=ip_address,
                allow_local=self._settings.allow_local,
            ),
            max_connections=parameters.integer(
                "max_connections", default=_DEFAULT_CONNECTIONS, low=1, high=_MOST_CONNECTIONS
            ),
        )

    async def _delete_webhook(self, bot: SimulatedBot, parameters: Parameters) -> Result:
        async with self._changing_webhook:
            was_set = bool(bot.webhook.url)
            await self._stop_delivery(bot)
            bot.webhook = Webhook()
            if parameters.flag("drop_pending_updates"):
                bot.updates.clear()
        description = "Webhook was deleted" if was_set else "Webhook is already deleted"
        return Result(value=True, description=description)

    async def _stop_delivery(self, bot: SimulatedBot) -> None:
        delivery = self._deliveries.pop(bot.id, None)
        if delivery is not None:
            await delivery.close()

    async def _get_updates(self, bot: SimulatedBot, parameters: Parameters) -> Result:
        if bot.webhook.url:
            raise conflict(
                "can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first"
            )
        offset = parameters.integer("offset", default=0, low=-(1 << 31), high=(1 << 31) - 1)
        limit = parameters.integer("limit", default=100, low=1, high=100)
        timeout = parameters.integer("timeout", default=0, low=0, high=_LONGEST_POLL)
        bot.updates.set_allowed(_allowed_updates(parameters))
        page = bot.updates.take_page(offset, limit)
        if not page and timeout:
            self._end_poll(
                bot,
                "terminated by other getUpdates request; "
                "make sure that only one bot instance is running",
            )
            await self._wait_for_update(bot, timeout)
            page = bot.updates.take_page(max(offset, 0), limit)
        return Result([msgspec.Raw(update.body) for update in page])

    async def _wait_for_update(self, bot: SimulatedBot, seconds: float) -> None:
        poll = asyncio.get_running_loop().create_future()
        self._polls[bot.id] = poll

        def wake(_: QueuedUpdate) -> None:
            if not poll.done():
                poll.set_result(None)

        bot.updates.on_added = wake
        try:
            await asyncio.wait([poll], timeout=seconds)
            if poll.done():
                poll.result()
        finally:
            if self._polls.get(bot.id) is poll:
                del self._polls[bot.id]
                bot.updates.on_added = None

    def _end_poll(self, bot: SimulatedBot, reason: str) -> None:
        poll = self._polls.pop(bot.id, None)
        if poll is not None and not poll.done():
            bot.updates.on_added = None
            poll.set_exception(conflict(reason))


def _sent(sent: Sent) -> Result:
    return Result(sent.answer, sent=sent)


def _allowed_updates(parameters: Parameters) -> Any:
    return parameters.json("allowed_updates", refusal="can't parse allowed updates JSON object")


def _same(one: Webhook, other: Webhook) -> bool:
    return (one.url, one.secret_token, one.max_connections, one.ip_address) == (
        other.url,
        other.secret_token,
        other.max_connections,
        other.ip_address,
    )
