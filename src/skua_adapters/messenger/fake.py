"""A Telegram that lives in this process, delivers, remembers, and misbehaves on demand."""

import asyncio
from collections import deque
from itertools import count, repeat

import msgspec

from skua_adapters.messenger.fake_files import FakeFiles
from skua_adapters.messenger.telegram_refusals import blame_for
from skua_core.domain.media import CopiedMessage
from skua_core.domain.secret import BotToken
from skua_core.domain.subscriber import Reach
from skua_core.errors import StorageUnavailable
from skua_core.ids import ChatId, MediaId, TelegramId
from skua_core.ports.messenger import (
    Blame,
    Messenger,
    Migrated,
    NotSent,
    OutboundMessage,
    Refused,
    SendOutcome,
    Sent,
    Throttled,
    Unauthorized,
    Unknown,
    Unreachable,
)

_DESCRIPTIONS = {
    Reach.BLOCKED: "Forbidden: bot was blocked by the user",
    Reach.DEACTIVATED: "Forbidden: user is deactivated",
    Reach.INVALID: "Bad Request: chat not found",
}


class _Trouble(msgspec.Struct, frozen=True):
    outcome: SendOutcome
    accepted: bool
    """Whether the message arrives all the same."""


class FakeMessenger(Messenger):
    """Delivers to every chat until told otherwise; no clock and no chance decide anything.

    Trouble for the next sends (``throttle``, ``cut_off``, ``break_down``, ``drop_…``) comes in the
    order in which it was called for, each kind as often as ``times`` says.
    """

    def __init__(self) -> None:
        self.sent: list[OutboundMessage] = []
        """What arrived, also where the sender got no answer."""
        self.latency = 0.0
        """Seconds that each answer takes."""
        self._sent_by: dict[TelegramId, list[OutboundMessage]] = {}
        self._message_ids = count(1)
        self._trouble: deque[_Trouble] = deque()
        self._unreachable: dict[ChatId, Unreachable] = {}
        self._migrated: dict[ChatId, Migrated] = {}
        self._refused: dict[ChatId, Refused] = {}
        self._refused_content: dict[str | CopiedMessage, Refused] = {}
        self._refused_payment: dict[TelegramId, Refused] = {}
        self._files = FakeFiles()
        self._revoked: set[BotToken] = set()
        self._closed = asyncio.Event()

    async def send(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        if self._closed.is_set():
            return NotSent(reason="the messenger is closed")
        outcome = await self._answer(token, message)
        if self.latency:
            await self._take_time()
        if self._closed.is_set():
            return Unknown(reason="the messenger was closed", answered=False)
        return outcome

    async def close(self) -> None:
        self._closed.set()

    def sent_by(self, bot: TelegramId) -> list[OutboundMessage]:
        return self._sent_by.get(bot, [])

    @property
    def uploads(self) -> list[tuple[TelegramId, MediaId]]:
        """Whenever the bytes of a file came whole, and from which bot."""
        return self._files.uploads

    def block(self, chat: ChatId) -> None:
        self._lose(chat, Reach.BLOCKED)

    def deactivate(self, chat: ChatId) -> None:
        self._lose(chat, Reach.DEACTIVATED)

    def forget(self, chat: ChatId) -> None:
        """The chat isn't known to Telegram (any more)."""
        self._lose(chat, Reach.INVALID)

    def unblock(self, chat: ChatId) -> None:
        self._unreachable.pop(chat, None)

    def migrate(self, chat: ChatId, new_chat: ChatId) -> None:
        self._migrated[chat] = Migrated(new_chat_id=new_chat)

    def refuse_content(
        self, text: str, description: str = "Bad Request: BUTTON_URL_INVALID"
    ) -> None:
        """Refuse this very text, whoever it is for."""
        self._refused_content[text] = Refused(description=description, blame=Blame.CONTENT)

    def accept_content(self, text: str) -> None:
        self._refused_content.pop(text, None)

    def refuse_copy(
        self,
        copied: CopiedMessage,
        description: str = "Bad Request: message to copy not found",
    ) -> None:
        """Refuse to copy this message, whoever it is for."""
        self._refused_content[copied] = Refused(description=description, blame=Blame.CONTENT)

    def refuse_medium(
        self, medium: str, description: str = "Bad Request: failed to get HTTP URL content"
    ) -> None:
        """Refuse what has this URL, file id, or id as an upload, in whatever message."""
        self._files.refuse(medium, description)

    def fail_album(self, description: str, *, times: int = 1) -> None:
        """Say this of an album, though a part of it arrived."""
        refused = Refused(description=description, blame=blame_for(description.casefold()))
        outcome = Unknown(reason=description, answered=True, refused=refused)
        self._order(outcome, times, accepted=True)

    def lose_file(self, file_id: str) -> None:
        """Telegram doesn't know the file any more until it gets it again."""
        self._files.lose(file_id)

    def refuse_payment(
        self, bot: TelegramId, description: str = "Bad Request: BALANCE_TOO_LOW"
    ) -> None:
        """Refuse whatever this bot would send above the free rate."""
        self._refused_payment[bot] = Refused(description=description, blame=Blame.PAYMENT)

    def accept_payment(self, bot: TelegramId) -> None:
        self._refused_payment.pop(bot, None)

    def refuse(
        self, chat: ChatId, description: str = "Forbidden: not enough rights to send text messages"
    ) -> None:
        """Refuse everything to this chat, for a reason that isn't the content's."""
        self._refused[chat] = Refused(description=description, blame=Blame.OTHER)

    def revoke(self, token: BotToken) -> None:
        self._revoked.add(token)

    def throttle(self, retry_after: float, *, times: int = 1) -> None:
        self._order(Throttled(retry_after=retry_after), times)

    def cut_off(self, *, times: int = 1) -> None:
        """No connection can be made."""
        self._order(NotSent(reason="the network is cut off"), times)

    def break_down(self, *, times: int = 1) -> None:
        """Answer 502; the message doesn't arrive."""
        self._order(Unknown(reason="answered 502", answered=True), times)

    def drop_before_accepting(self, *, times: int = 1) -> None:
        """Lose the request on its way: no answer, and nothing arrives."""
        self._order(Unknown(reason="the connection was lost", answered=False), times)

    def drop_after_accepting(self, *, times: int = 1) -> None:
        """Lose the answer on its way: the message arrives, unless it would have been refused."""
        outcome = Unknown(reason="the connection was lost", answered=False)
        self._order(outcome, times, accepted=True)

    def _order(self, outcome: SendOutcome, times: int, *, accepted: bool = False) -> None:
        self._trouble.extend(repeat(_Trouble(outcome, accepted), times))

    def _lose(self, chat: ChatId, reach: Reach) -> None:
        self._unreachable[chat] = Unreachable(reach=reach, description=_DESCRIPTIONS[reach])

    async def _answer(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        trouble = self._trouble.popleft() if self._trouble else None
        if trouble is not None and isinstance(trouble.outcome, NotSent):
            return trouble.outcome
        try:
            digests = await self._files.receive(token.telegram_id, message)
        except StorageUnavailable as error:
            return NotSent(reason=type(error).__name__)
        if isinstance(digests, Refused):
            return digests
        if trouble is None:
            return self._deliver(token, message, digests)
        if trouble.accepted:
            self._deliver(token, message, digests)
        if isinstance(trouble.outcome, Throttled) and len(message.content.media) > 1:
            wait = trouble.outcome.retry_after
            return Unknown(reason="answered 429", answered=True, retry_after=wait)
        return trouble.outcome

    def _deliver(
        self, token: BotToken, message: OutboundMessage, digests: dict[MediaId, str]
    ) -> SendOutcome:
        if token in self._revoked:
            return Unauthorized()
        bot, content = token.telegram_id, message.content
        refusal = self._refusal(bot, message)
        if refusal is not None:
            return refusal
        file_ids = self._files.take(bot, content.media, digests)
        if isinstance(file_ids, Refused):
            return file_ids
        self.sent.append(message)
        self._sent_by.setdefault(bot, []).append(message)
        message_id, *_ = [next(self._message_ids) for _ in content.media or [None]]
        return Sent(message_id=message_id, file_ids=file_ids)

    def _refusal(self, bot: TelegramId, message: OutboundMessage) -> SendOutcome | None:
        content = message.content
        return (
            self._migrated.get(message.chat_id)
            or self._unreachable.get(message.chat_id)
            or self._refused.get(message.chat_id)
            or (self._refused_payment.get(bot) if message.paid else None)
            or (self._refused_content.get(content.copied) if content.copied else None)
            or self._refused_content.get(content.text)
        )

    async def _take_time(self) -> None:
        try:
            async with asyncio.timeout(self.latency):
                await self._closed.wait()
        except TimeoutError:
            pass
