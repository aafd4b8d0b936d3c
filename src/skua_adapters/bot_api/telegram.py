"""Manages bots through Telegram's Bot API, over httpx."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, TypeVar

import httpx
import msgspec

from skua_adapters.bot_api.public_url import check_public_url, shown
from skua_adapters.bot_api.telegram_answers import Refusal, read_answer
from skua_adapters.bot_api.telegram_transport import (
    TOKEN,
    TelegramTransport,
    internal_url,
    read_limited,
)
from skua_adapters.bot_api.updates import read_update
from skua_core.domain.secret import BotToken, WebhookSecret
from skua_core.domain.update import Update
from skua_core.errors import (
    PublicUrlUnfit,
    TelegramRefused,
    TelegramUnavailable,
    TokenOfAnotherBot,
    UpdatesTakenElsewhere,
)
from skua_core.ids import TelegramId
from skua_core.ports.bot_api import BotApi, BotIdentity, FetchedUpdate, UpdateSource, WebhookInfo

ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")
"""Always said: without the list Telegram would keep to whatever was asked for last."""

_LONGEST_POLL = 50
"""Seconds that Telegram holds a getUpdates back at most."""


class TelegramBotApiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    api_base: str = "https://api.telegram.org"
    timeout: float = 30.0
    """Seconds for a whole call; a poll has its waiting time on top."""
    connect_timeout: float = 10.0
    webhook_connections: int = 10
    """At once, from Telegram to one bot's webhook: 1 to 100."""
    allow_local_webhooks: bool = False
    """For a Telegram of one's own, which may call plain http and any port."""


class _NoParameters(msgspec.Struct, frozen=True):
    pass


class _SetWebhook(msgspec.Struct, frozen=True):
    url: str
    secret_token: str
    max_connections: int
    allowed_updates: tuple[str, ...] = ALLOWED_UPDATES

    def __repr__(self) -> str:
        """For reports of errors with their locals."""
        return "_SetWebhook(***)"


class _GetUpdates(msgspec.Struct, frozen=True, omit_defaults=True):
    timeout: int
    allowed_updates: tuple[str, ...]
    offset: int | None = None


class _AnswerCallbackQuery(msgspec.Struct, frozen=True, omit_defaults=True):
    callback_query_id: str
    text: str | None = None
    show_alert: bool = False


class _Me(msgspec.Struct, frozen=True):
    id: int
    is_bot: bool
    first_name: str
    username: str


class _WebhookInfo(msgspec.Struct, frozen=True):
    url: str
    pending_update_count: int = 0
    last_error_date: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)] | None = None
    last_error_message: str | None = None


class _StarAmount(msgspec.Struct, frozen=True):
    amount: int


class _Fetched(msgspec.Struct, frozen=True):
    update_id: int


_Result = TypeVar("_Result")


class TelegramBotApi(BotApi, UpdateSource):
    """One pool of connections for all bots. ``close`` it in the end."""

    def __init__(self, settings: TelegramBotApiSettings | None = None) -> None:
        self._settings = settings or TelegramBotApiSettings()
        for name in ("httpx", "httpcore"):
            # A line for each call helps nobody; whoever wants them says so before.
            if logging.getLogger(name).level == logging.NOTSET:
                logging.getLogger(name).setLevel(logging.WARNING)
        self._client = httpx.AsyncClient(
            transport=TelegramTransport(self._settings.api_base),
            timeout=httpx.Timeout(None, connect=self._settings.connect_timeout),
            headers={"Accept-Encoding": "identity", "Content-Type": "application/json"},
            follow_redirects=False,
            trust_env=False,
        )

    async def identify(self, token: BotToken) -> BotIdentity:
        me = await self._ask(token, "getMe", _NoParameters(), _Me)
        if not me.is_bot:
            raise TelegramRefused("getMe", "the token belongs to an account that is no bot")
        if me.id != token.telegram_id:
            raise TokenOfAnotherBot(expected=token.telegram_id, actual=me.id)
        return BotIdentity(
            telegram_id=TelegramId(me.id), username=me.username, first_name=me.first_name
        )

    async def set_webhook(self, token: BotToken, url: str, secret: WebhookSecret) -> None:
        check_public_url(url, allow_local=self._settings.allow_local_webhooks)
        wanted = _SetWebhook(url, secret.reveal(), self._settings.webhook_connections)
        answer = await self._call(token, "setWebhook", wanted, bool)
        if isinstance(answer, Refusal):
            if "webhook" in answer.description.casefold():
                raise PublicUrlUnfit(shown(url), answer.description)
            raise TelegramRefused("setWebhook", answer.description)

    async def webhook_info(self, token: BotToken) -> WebhookInfo:
        info = await self._ask(token, "getWebhookInfo", _NoParameters(), _WebhookInfo)
        failed_at = info.last_error_date
        return WebhookInfo(
            url=info.url,
            pending_updates=info.pending_update_count,
            last_error_at=None if failed_at is None else datetime.fromtimestamp(failed_at, UTC),
            last_error=info.last_error_message,
        )

    async def remove_webhook(self, token: BotToken) -> None:
        await self._ask(token, "deleteWebhook", _NoParameters(), bool)

    async def star_balance(self, token: BotToken) -> int:
        balance = await self._ask(token, "getMyStarBalance", _NoParameters(), _StarAmount)
        return balance.amount

    async def fetch_updates(
        self, token: BotToken, *, offset: int | None, wait: float
    ) -> Sequence[FetchedUpdate]:
        seconds = min(int(wait), _LONGEST_POLL)
        wanted = _GetUpdates(timeout=seconds, allowed_updates=ALLOWED_UPDATES, offset=offset)
        answer = await self._call(token, "getUpdates", wanted, list[msgspec.Raw], extra=seconds)
        if isinstance(answer, Refusal):
            if answer.status == HTTPStatus.CONFLICT:
                raise UpdatesTakenElsewhere(answer.description)
            raise TelegramRefused("getUpdates", answer.description)
        return [_fetched(bytes(raw)) for raw in answer]

    def read_update(self, raw: bytes) -> Update:
        return read_update(raw)

    async def answer_callback(
        self, token: BotToken, callback_id: str, *, text: str | None = None, alert: bool = False
    ) -> None:
        wanted = _AnswerCallbackQuery(callback_id, text, alert)
        answer = await self._call(token, "answerCallbackQuery", wanted, bool)
        if isinstance(answer, Refusal) and not _is_too_late(answer.description):
            raise TelegramRefused("answerCallbackQuery", answer.description)

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(
        self, token: BotToken, method: str, parameters: msgspec.Struct, result: type[_Result]
    ) -> _Result:
        answer = await self._call(token, method, parameters, result)
        if isinstance(answer, Refusal):
            raise TelegramRefused(method, answer.description)
        return answer

    async def _call(
        self,
        token: BotToken,
        method: str,
        parameters: msgspec.Struct,
        result: type[_Result],
        *,
        extra: float = 0.0,
    ) -> _Result | Refusal:
        try:
            async with (
                asyncio.timeout(self._settings.timeout + extra),
                self._client.stream(
                    "POST",
                    internal_url(token, method),
                    content=msgspec.json.encode(parameters),
                    extensions={TOKEN: token},
                ) as response,
            ):
                body = await read_limited(response)
        except (httpx.HTTPError, OSError) as error:
            problem = type(error).__name__
        else:
            return read_answer(response.status_code, body, result)
        # Raised out here, so that not even its context leads to what httpx knew.
        raise TelegramUnavailable(problem)


def _fetched(raw: bytes) -> FetchedUpdate:
    try:
        return FetchedUpdate(update_id=msgspec.json.decode(raw, type=_Fetched).update_id, raw=raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise TelegramUnavailable("it answered an update without an id") from None


def _is_too_late(description: str) -> bool:
    words = description.casefold()
    return "query is too old" in words or "query id is invalid" in words
