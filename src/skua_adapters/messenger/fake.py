"""A Telegram that lives in this process, delivers, remembers, and misbehaves on demand."""

import asyncio
from collections import deque
from itertools import count, repeat

import msgspec

from skua_core.domain.secret import BotToken
from skua_core.domain.subscriber import Reach
from skua_core.ids import ChatId, TelegramId
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
        self._refused_content: dict[str, Refused] = {}
        self._revoked: set[BotToken] = set()
        self._closed = asyncio.Event()

    async def send(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        if self._closed.is_set():
            return NotSent(reason="the messenger is closed")
        outcome = self._answer(token, message)
        if self.latency:
            await self._take_time()
        if self._closed.is_set():
            return Unknown(reason="the messenger was closed", answered=False)
        return outcome

    async def close(self) -> None:
        self._closed.set()

    def sent_by(self, bot: TelegramId) -> list[OutboundMessage]:
        return self._sent_by.get(bot, [])

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

    def _answer(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        if not self._trouble:
            return self._deliver(token, message)
        trouble = self._trouble.popleft()
        if trouble.accepted:
            self._deliver(token, message)
        return trouble.outcome

    def _deliver(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        if token in self._revoked:
            return Unauthorized()
        refusal = (
            self._migrated.get(message.chat_id)
            or self._unreachable.get(message.chat_id)
            or self._refused.get(message.chat_id)
            or self._refused_content.get(message.content.text)
        )
        if refusal is not None:
            return refusal
        self.sent.append(message)
        self._sent_by.setdefault(token.telegram_id, []).append(message)
        return Sent(message_id=next(self._message_ids))

    async def _take_time(self) -> None:
        try:
            async with asyncio.timeout(self.latency):
                await self._closed.wait()
        except TimeoutError:
            pass
