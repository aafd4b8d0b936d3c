"""Telegram's rate limits: per token, per chat, per group, and the waits that they impose."""

import math
from collections import deque
from enum import StrEnum

import msgspec

from .settings import RateLimitSettings

_MINUTE = 60.0
_ROUNDING = 1e-6
"""Seconds that adding up many intervals may be off."""
_FORGET_EVERY = 20_000
"""New chats between two sweeps of those whose bucket has filled up again."""


class LimitScope(StrEnum):
    TOKEN = "token"  # noqa: S105 - what a limit holds back, not a secret
    CHAT = "chat"
    GROUP = "group"


class Throttle(msgspec.Struct, frozen=True):
    scope: LimitScope
    retry_after: int
    """Whole seconds."""


class _Bucket:
    """A token bucket kept as one number per key: when it would be full again (GCRA)."""

    def __init__(self, rate: float, size: int) -> None:
        self._interval = 1.0 / rate
        self._slack = (size - 1) / rate
        self._full_at: dict[object, float] = {}
        self._forget_at = _FORGET_EVERY

    def wait(self, key: object, now: float) -> float:
        """Seconds until the next one may come; 0 when it may come now."""
        wait = self._full_at.get(key, 0.0) - self._slack - now
        return wait if wait > _ROUNDING else 0.0

    def take(self, key: object, now: float) -> None:
        self._full_at[key] = max(self._full_at.get(key, 0.0), now) + self._interval
        if len(self._full_at) > self._forget_at:
            self._full_at = {key: full for key, full in self._full_at.items() if full > now}
            self._forget_at = len(self._full_at) + _FORGET_EVERY


class RateLimits:
    """Whoever was told to wait is refused until the wait is over; asking again doesn't extend it.

    ``now`` is a monotonic time in seconds.
    """

    def __init__(self, settings: RateLimitSettings) -> None:
        self._settings = settings
        self._free = _Bucket(settings.token_rate, settings.token_bucket)
        self._paid = _Bucket(settings.paid_rate, settings.paid_bucket)
        self._covered = _Bucket(settings.token_rate, settings.token_bucket)
        """Of the messages that may be paid for, those that the free rate covers."""
        self._chats = _Bucket(settings.chat_rate, settings.chat_bucket)
        self._groups: dict[tuple[int, int], deque[float]] = {}
        self._token_until: dict[int, float] = {}
        self._chat_until: dict[tuple[int, int], float] = {}

    def admit(self, bot_id: int, chat_id: int, *, paid: bool, now: float) -> Throttle | None:
        """Take one permit, or say which limit holds the message back and for how long."""
        chat = (bot_id, chat_id)
        throttle = self._imposed(chat, now) or self._exceeded(chat, paid=paid, now=now)
        if throttle is not None:
            return throttle
        (self._paid if paid else self._free).take(bot_id, now)
        self._chats.take(chat, now)
        if chat_id < 0:
            self._group(chat).append(now)
        return None

    def above_free_rate(self, bot_id: int, messages: int, *, now: float) -> int:
        """How many of so many paid messages cost something."""
        for covered in range(messages):
            if self._covered.wait(bot_id, now) > 0:
                return messages - covered
            self._covered.take(bot_id, now)
        return 0

    def impose_on_token(self, bot_id: int, retry_after: int, *, now: float) -> None:
        until = max(self._token_until.get(bot_id, 0.0), now + retry_after)
        self._token_until[bot_id] = until

    def impose_on_chat(self, bot_id: int, chat_id: int, retry_after: int, *, now: float) -> None:
        chat = (bot_id, chat_id)
        self._chat_until[chat] = max(self._chat_until.get(chat, 0.0), now + retry_after)

    def _imposed(self, chat: tuple[int, int], now: float) -> Throttle | None:
        token_wait = self._token_until.get(chat[0], 0.0) - now
        if token_wait > 0:
            return Throttle(LimitScope.TOKEN, math.ceil(token_wait))
        if chat not in self._chat_until:
            return None
        chat_wait = self._chat_until[chat] - now
        if chat_wait > 0:
            return Throttle(LimitScope.CHAT, math.ceil(chat_wait))
        del self._chat_until[chat]
        return None

    def _exceeded(self, chat: tuple[int, int], *, paid: bool, now: float) -> Throttle | None:
        token_wait = (self._paid if paid else self._free).wait(chat[0], now)
        if token_wait > 0:
            retry_after = self._whole(token_wait)
            self.impose_on_token(chat[0], retry_after, now=now)
            return Throttle(LimitScope.TOKEN, retry_after)
        scope, wait = LimitScope.CHAT, self._chats.wait(chat, now)
        if wait <= 0 and chat[1] < 0:
            scope, wait = LimitScope.GROUP, self._group_wait(chat, now)
        if wait <= 0:
            return None
        retry_after = self._whole(wait)
        self.impose_on_chat(*chat, retry_after, now=now)
        return Throttle(scope, retry_after)

    def _group(self, chat: tuple[int, int]) -> deque[float]:
        return self._groups.setdefault(chat, deque(maxlen=self._settings.group_per_minute))

    def _group_wait(self, chat: tuple[int, int], now: float) -> float:
        times = self._group(chat)
        if len(times) < self._settings.group_per_minute:
            return 0.0
        return times[0] + _MINUTE - now

    def _whole(self, wait: float) -> int:
        return max(self._settings.minimum_retry_after, math.ceil(wait))
