"""The updates that wait for one bot, as Telegram keeps them for getUpdates and for the webhook."""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

DAY = 86_400.0
CALLBACK_LIFE = 150.0
"""Seconds; an update nobody took by then is gone."""
_FUTURE_OFFSETS = 10
"""An offset further ahead than this is taken for a mistake and answered from the beginning."""

UPDATE_TYPES = (
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
    "message_reaction",
    "message_reaction_count",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "purchased_paid_media",
    "managed_bot",
    "guest_message",
    "subscription",
    "stopped_message_generation",
)
"""Of Bot API 10.3."""
DEFAULT_TYPES = frozenset(UPDATE_TYPES) - {
    "chat_member",
    "message_reaction",
    "message_reaction_count",
}


class QueueName(StrEnum):
    """Updates of one queue and one key are delivered in order; others don't wait for them."""

    CHAT = "chat"
    CALLBACK = "callback"
    MY_CHAT_MEMBER = "my_chat_member"


class QueuedUpdate(msgspec.Struct, frozen=True):
    update_id: int
    queue: tuple[QueueName, int]
    """The second is a chat's id, for callbacks the user's."""
    body: bytes
    """The whole ``Update`` as JSON."""
    created: float
    """Monotonic."""
    life: float


class UpdateQueue:
    def __init__(self, first_id: int) -> None:
        self._next_id = first_id
        self._pending: dict[int, QueuedUpdate] = {}
        self._encoder = msgspec.json.Encoder()
        self.allowed = DEFAULT_TYPES
        self.on_added: Callable[[QueuedUpdate], None] | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def add(
        self, kind: str, content: Any, *, queue: tuple[QueueName, int], life: float = DAY
    ) -> int | None:
        """The new update's id; None when the bot doesn't want updates of this kind."""
        if kind not in self.allowed:
            return None
        update_id = self._next_id
        self._next_id += 1
        body = self._encoder.encode({"update_id": update_id, kind: content})
        update = QueuedUpdate(update_id, queue, body, time.monotonic(), life)
        self._pending[update_id] = update
        if self.on_added is not None:
            self.on_added(update)
        return update_id

    def pending(self) -> list[QueuedUpdate]:
        return list(self._pending.values())

    def forget(self, update_id: int) -> None:
        self._pending.pop(update_id, None)

    def clear(self) -> None:
        self._pending.clear()

    def take_page(self, offset: int, limit: int) -> list[QueuedUpdate]:
        """What getUpdates answers: an offset confirms, and so forgets, all lower ids; a negative
        one forgets all but the last ``-offset``."""
        if offset < 0:
            for update_id in list(self._pending)[:offset]:
                del self._pending[update_id]
        elif 0 < offset <= self._next_id + _FUTURE_OFFSETS:
            self._forget_below(offset)
        now = time.monotonic()
        page: list[QueuedUpdate] = []
        expired: list[QueuedUpdate] = []
        for update in self._pending.values():
            if len(page) == limit:
                break
            alive = update.created + update.life >= now
            (page if alive else expired).append(update)
        for update in expired:
            self.forget(update.update_id)
        return page

    def set_allowed(self, names: object) -> None:
        """``allowed_updates``: anything but a list keeps what was set, an empty one resets it."""
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return
        known = {name.lower() for name in names} & set(UPDATE_TYPES)
        self.allowed = frozenset(known) or DEFAULT_TYPES

    def _forget_below(self, offset: int) -> None:
        while self._pending:
            oldest = next(iter(self._pending))
            if oldest >= offset:
                return
            del self._pending[oldest]
