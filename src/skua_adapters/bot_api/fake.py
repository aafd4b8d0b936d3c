"""Telegram's side of bot management, in this process, with levers."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import msgspec

from skua_adapters.bot_api.public_url import check_public_url, shown
from skua_adapters.bot_api.updates import read_update
from skua_core.domain.secret import BotToken, WebhookSecret
from skua_core.domain.update import Update
from skua_core.errors import (
    PublicUrlUnfit,
    TelegramUnavailable,
    TokenRefused,
    UpdatesTakenElsewhere,
)
from skua_core.ports.bot_api import BotApi, BotIdentity, FetchedUpdate, UpdateSource, WebhookInfo


class FakeWebhook(msgspec.Struct, frozen=True):
    url: str
    secret: WebhookSecret


class FakeBotApi(BotApi, UpdateSource):
    """Knows the tokens that ``add_bot`` was told of, and refuses every other."""

    def __init__(self) -> None:
        self.webhooks: dict[BotToken, FakeWebhook] = {}
        self.answered_callbacks: list[str] = []
        self.callback_texts: dict[str, tuple[str, bool]] = {}
        """What was shown to whoever pressed, and whether as an alert."""
        self._bots: dict[BotToken, BotIdentity] = {}
        self._waiting: defaultdict[BotToken, dict[int, bytes]] = defaultdict(dict)
        self._arrived: defaultdict[BotToken, asyncio.Event] = defaultdict(asyncio.Event)
        self._update_ids = count(1)
        self._failure: TelegramUnavailable | None = None
        self._taken_elsewhere: set[BotToken] = set()
        self._unfit_urls: dict[str, str] = {}
        self._stars: defaultdict[BotToken, int] = defaultdict(int)

    def add_bot(self, token: BotToken, *, username: str = "skua_bot") -> BotIdentity:
        self._bots[token] = BotIdentity(
            telegram_id=token.telegram_id, username=username, first_name="Skua test bot"
        )
        return self._bots[token]

    def revoke(self, token: BotToken) -> None:
        del self._bots[token]

    def cut_off(self) -> None:
        """No call gets through, until ``restore``."""
        self._failure = TelegramUnavailable("the network is cut off")

    def throttle(self, retry_after: float) -> None:
        """Every call is answered 429, until ``restore``."""
        self._failure = TelegramUnavailable("it asks for patience", retry_after=retry_after)

    def restore(self) -> None:
        self._failure = None

    def refuse_webhook(self, url: str, problem: str) -> None:
        """Refuse this URL for what only Telegram can see, say a name that it can't resolve."""
        self._unfit_urls[url] = problem

    def give_stars(self, token: BotToken, number: int) -> None:
        self._stars[token] += number

    def take_elsewhere(self, token: BotToken) -> None:
        """Another program fetches this bot's updates from now on."""
        self._taken_elsewhere.add(token)

    def add_update(self, token: BotToken, update: Mapping[str, Any]) -> int:
        """Queue an update of Telegram's shape; its id is made here."""
        update_id = next(self._update_ids)
        self._waiting[token][update_id] = msgspec.json.encode({**update, "update_id": update_id})
        self._arrived[token].set()
        return update_id

    async def identify(self, token: BotToken) -> BotIdentity:
        self._check(token)
        return self._bots[token]

    async def set_webhook(self, token: BotToken, url: str, secret: WebhookSecret) -> None:
        check_public_url(url)
        self._check(token)
        if url in self._unfit_urls:
            raise PublicUrlUnfit(shown(url), self._unfit_urls[url])
        self.webhooks[token] = FakeWebhook(url, secret)

    async def webhook_info(self, token: BotToken) -> WebhookInfo:
        self._check(token)
        webhook = self.webhooks.get(token)
        return WebhookInfo(
            url=webhook.url if webhook else "", pending_updates=len(self._waiting[token])
        )

    async def remove_webhook(self, token: BotToken) -> None:
        self._check(token)
        self.webhooks.pop(token, None)

    async def star_balance(self, token: BotToken) -> int:
        self._check(token)
        return self._stars[token]

    async def fetch_updates(
        self, token: BotToken, *, offset: int | None, wait: float
    ) -> Sequence[FetchedUpdate]:
        self._check(token)
        if token in self._taken_elsewhere or token in self.webhooks:
            raise UpdatesTakenElsewhere("Conflict: terminated by other getUpdates request")
        waiting = self._waiting[token]
        for confirmed in [known for known in waiting if offset is not None and known < offset]:
            del waiting[confirmed]
        if not waiting:
            await self._wait_for_update(token, wait)
        return [FetchedUpdate(update_id=update_id, raw=raw) for update_id, raw in waiting.items()]

    def read_update(self, raw: bytes) -> Update:
        return read_update(raw)

    async def answer_callback(
        self, token: BotToken, callback_id: str, *, text: str | None = None, alert: bool = False
    ) -> None:
        self._check(token)
        self.answered_callbacks.append(callback_id)
        if text is not None:
            self.callback_texts[callback_id] = (text, alert)

    def _check(self, token: BotToken) -> None:
        if self._failure is not None:
            raise TelegramUnavailable(self._failure.reason, retry_after=self._failure.retry_after)
        if token not in self._bots:
            raise TokenRefused

    async def _wait_for_update(self, token: BotToken, seconds: float) -> None:
        arrived = self._arrived[token]
        arrived.clear()
        try:
            async with asyncio.timeout(seconds):
                await arrived.wait()
        except TimeoutError:
            return
