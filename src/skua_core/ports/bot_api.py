"""Port: check a token, set, inspect and remove a webhook, fetch and read updates."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from skua_core.domain.secret import BotToken, WebhookSecret
from skua_core.domain.update import Update
from skua_core.ids import TelegramId


class BotIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What Telegram says a token belongs to."""

    telegram_id: TelegramId
    username: str
    first_name: str
    is_bot: bool = True


class WebhookInfo(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    """Empty when no webhook is set."""
    pending_updates: int = 0
    last_error_at: datetime | None = None
    last_error: str | None = None


class FetchedUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """One update as it was fetched: the bytes that a webhook would have got."""

    update_id: int
    raw: bytes


class BotApi(Protocol):
    """Management calls for one bot at a time.

    May be shared between tasks. Nothing is retried. No token shows in a log, an exception or a
    repr. Any method raises TokenRefused when Telegram says that the token doesn't work (401, 404),
    TelegramRefused when it says no to the call, and TelegramUnavailable when it could not be asked:
    no connection, no answer, a 5xx, a 429, or an answer that isn't Telegram's.
    """

    @abstractmethod
    async def identify(self, token: BotToken) -> BotIdentity:
        """Whose token this is (getMe)."""

    @abstractmethod
    async def set_webhook(self, token: BotToken, url: str, secret: WebhookSecret) -> None:
        """Have updates sent to ``url`` with ``secret``; always with an explicit list of kinds.

        Updates that wait are kept. Raises PublicUrlUnfit when Telegram refuses the URL.
        """

    @abstractmethod
    async def webhook_info(self, token: BotToken) -> WebhookInfo: ...

    @abstractmethod
    async def remove_webhook(self, token: BotToken) -> None:
        """Updates that wait are kept. Harmless when none is set."""

    @abstractmethod
    async def star_balance(self, token: BotToken) -> int:
        """Whole Telegram Stars that the bot has, to pay for sending above the free rate."""


class UpdateSource(Protocol):
    """What a bot's people did, fetched or received.

    The rules and errors of ``BotApi`` hold here too.
    """

    @abstractmethod
    async def fetch_updates(
        self, token: BotToken, *, offset: int | None, wait: float
    ) -> Sequence[FetchedUpdate]:
        """Updates from ``offset`` on, oldest first; older ones are thereby confirmed (getUpdates).

        Waits up to ``wait`` seconds for the first. Raises UpdatesTakenElsewhere when another
        program fetches them or a webhook is set.
        """

    @abstractmethod
    def read_update(self, raw: bytes) -> Update:
        """What one update says. Unknown kinds and fields are Ignored, not refused.

        Raises UpdateUnreadable, with the update's id where that could be read.
        """

    @abstractmethod
    async def answer_callback(
        self, token: BotToken, callback_id: str, *, text: str | None = None, alert: bool = False
    ) -> None:
        """Tell Telegram that a button press was seen, and what to show to whoever pressed it.

        Too late an answer is no error.
        """
