"""Buckets that all processes share, in Redis."""

import asyncio
import hmac
import logging
from base64 import urlsafe_b64encode
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError, RedisError  # noqa: A004 - Redis's own, not Python's

from skua_adapters.rate_limiter.in_process import InProcessRateLimiter
from skua_adapters.rate_limiter.microseconds import SECOND, interval
from skua_adapters.rate_limiter.scripts import GIVE_BACK, TAKE
from skua_core.domain.limits import Permit
from skua_core.ports.clock import Clock
from skua_core.ports.rate_limiter import RateLimiter

_log = logging.getLogger(__name__)

T = TypeVar("T")

_PREFIX = "skua:limit:"
_DIGEST_CHARACTERS = 22
"""132 bits."""
_AT_ONCE = 16
"""Calls on their way; more would wait for each other at Redis all the same."""
_LOOKS = 10
_AGAIN_SECONDS = 1.0
"""How often one call looks whether Redis is back, while all others don't wait for it."""


class RedisRateLimiter(RateLimiter):
    """Every process with the same Redis and ``key`` takes from the same buckets.

    Whose buckets they are can't be read in Redis: ``key`` (32 bytes) makes digests of their keys.

    While Redis is away, slow, full or not to be written to, this process counts by itself with a
    quarter of each burst. That is logged when it begins and when it is over. What was taken in
    one place and is given back in the other comes to little: no bucket gets fuller than full.
    """

    def __init__(self, url: str, *, key: bytes, clock: Clock, patience: float = 0.1) -> None:
        """``patience``: how many seconds Redis may take. Raises ValueError for an unfit URL."""
        self._client = Redis.from_url(
            url,
            # Its own would also run out when it is this process that is slow.
            socket_timeout=None,
            socket_connect_timeout=None,
            # Each thing that the two sides tell each other first would take of the patience.
            protocol=2,
            driver_info=None,
            # The first attempt after a restart finds the kept connection dead. At worst the second
            # takes a second permit, which is why one that took too long is no reason for it.
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
        )
        self._take: AsyncScript = self._client.register_script(TAKE)
        self._give_back: AsyncScript = self._client.register_script(GIVE_BACK)
        self._key = key
        self._clock = clock
        self._patience = patience
        self._alone = InProcessRateLimiter(clock)
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._in_trouble = False
        self._again_at = 0.0

    async def take(self, permits: Sequence[Permit]) -> float:
        wait = await self._ask(self._take, permits)
        if wait is None:
            return await self._alone.take(_quarters(permits))
        return wait / SECOND

    async def give_back(self, permits: Sequence[Permit]) -> None:
        if await self._ask(self._give_back, permits) is None:
            await self._alone.give_back(_quarters(permits))

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, script: AsyncScript, permits: Sequence[Permit]) -> int | None:
        """None when Redis is in trouble."""
        keys = [self._name(permit) for permit in permits]
        numbers = [
            number
            for permit in permits
            for number in (interval(permit.bucket), permit.bucket.burst)
        ]
        async with self._turns:
            if not self._may_ask():
                return None
            try:
                answer = int(await _within(self._patience, script(keys=keys, args=numbers)))
            except (RedisError, OSError) as error:
                self._note_trouble(error)
                return None
        self._note_answer()
        return answer

    def _name(self, permit: Permit) -> str:
        digest = hmac.digest(
            self._key, f"{permit.bucket.name}|{permit.key}".encode(errors="surrogatepass"), "sha256"
        )
        return f"{_PREFIX}{urlsafe_b64encode(digest)[:_DIGEST_CHARACTERS].decode()}"

    def _may_ask(self) -> bool:
        now = self._clock.monotonic()
        if self._in_trouble:
            if now < self._again_at:
                return False
            # This one looks; whoever comes meanwhile doesn't.
            self._again_at = now + _AGAIN_SECONDS
        return True

    def _note_trouble(self, error: RedisError | OSError) -> None:
        if not self._in_trouble:
            # Its kind alone: its words may hold an address, or a part of the URL.
            _log.warning(
                "Redis can't count (%s). Until it can, each process keeps limits by itself, with a"
                " quarter of each.",
                type(error).__name__,
            )
        self._in_trouble = True
        self._again_at = self._clock.monotonic() + _AGAIN_SECONDS

    def _note_answer(self) -> None:
        if self._in_trouble:
            _log.warning("Redis counts again: all processes keep limits together")
        self._in_trouble = False


async def _within(patience: float, question: Coroutine[Any, Any, T]) -> T:
    """Wait for the answer, but not for ever. Raises TimeoutError.

    The event loop is looked at in between: when it is late itself, its own timers run out while the
    answer has long arrived, and a server under load would leave Redis just when limits matter.
    """
    asking = asyncio.create_task(question)
    try:
        for _ in range(_LOOKS):
            if (await asyncio.wait({asking}, timeout=patience / _LOOKS))[0]:
                return asking.result()
        raise TimeoutError
    finally:
        if not asking.done():
            asking.cancel()
            # What becomes of it nobody asks any more, and asyncio would call that a defect.
            asking.add_done_callback(lambda done: done.cancelled() or done.exception())


def _quarters(permits: Sequence[Permit]) -> list[Permit]:
    return [Permit(permit.bucket.quarter(), permit.key) for permit in permits]
