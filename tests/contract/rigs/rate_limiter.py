"""Rate limiters, and the clocks that their buckets are kept by."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.clock.system import SystemClock
from skua_adapters.rate_limiter.in_process import InProcessRateLimiter
from skua_adapters.rate_limiter.redis import RedisRateLimiter
from skua_core.domain.limits import Permit
from skua_core.ports.rate_limiter import RateLimiter
from tests.redis_server import RedisServer

SECOND = 1_000_000
KEY = bytes(range(32))
PATIENCE = 5.0
"""Seconds. A busy machine must not make these tests count in process."""


@dataclass
class RateLimiterRig:
    limiter: RateLimiter
    elsewhere: RateLimiter
    """The same buckets in another process; in one process, the same limiter."""
    now: Callable[[], int]
    """In microseconds."""
    pass_time: Callable[[float], Awaitable[None]]


@pytest.fixture
def in_process_limiter() -> RateLimiterRig:
    clock = FrozenClock(datetime(2026, 3, 1, tzinfo=UTC))
    # So that a fraction of a microsecond would be seen.
    clock.advance(123_456.7)
    limiter = InProcessRateLimiter(clock)

    async def pass_time(seconds: float) -> None:
        clock.advance(seconds)

    return RateLimiterRig(limiter, limiter, lambda: int(clock.monotonic() * SECOND), pass_time)


@pytest.fixture
async def redis_limiter(redis_server: RedisServer) -> AsyncIterator[RateLimiterRig]:
    limiter, elsewhere = a_redis_limiter(redis_server.url), a_redis_limiter(redis_server.url)
    with closing(redis_server.client()) as client:

        def now() -> int:
            seconds, microseconds = client.time()
            return int(seconds) * SECOND + int(microseconds)

        yield RateLimiterRig(limiter, elsewhere, now, asyncio.sleep)
    await limiter.close()
    await elsewhere.close()


def a_redis_limiter(url: str) -> RedisRateLimiter:
    return RedisRateLimiter(url, key=KEY, clock=SystemClock(), patience=PATIENCE)


@pytest.fixture(
    params=[
        "in_process_limiter",
        pytest.param("redis_limiter", marks=pytest.mark.external),
    ]
)
def rate_limiter(request: pytest.FixtureRequest) -> RateLimiterRig:
    rig: RateLimiterRig = request.getfixturevalue(request.param)
    return rig


def take_in_a_process(url: str, permits: Sequence[Permit], times: int) -> int:
    """What a process of its own gets of a bucket, asking as often at once."""

    async def take_all() -> int:
        limiter = a_redis_limiter(url)
        waits = await asyncio.gather(*(limiter.take(permits) for _ in range(times)))
        await limiter.close()
        return waits.count(0)

    return asyncio.run(take_all())


class ReferenceBucket:
    """A bucket as one would describe it: permits drip in until it is full.

    Credit is counted in microseconds, of which each permit costs as many as it takes to come back.
    When something happened is known only to lie between two readings of the clock, so credit is
    known only to lie between two bounds; where the clock stands still they are one.
    """

    def __init__(self, burst: int, cost: int, now: int) -> None:
        self.cost = cost
        self._whole = burst * cost
        self.least = self.most = self._whole
        self._at = (now, now)

    def refill(self, earliest: int, latest: int) -> None:
        before, after = self._at
        self.least = min(self._whole, self.least + max(0, earliest - after))
        self.most = min(self._whole, self.most + latest - before)
        self._at = (earliest, latest)

    def take(self, permits: int) -> None:
        self.least = max(0, self.least - permits * self.cost)
        self.most -= permits * self.cost

    def give_back(self) -> None:
        self.least = min(self._whole, self.least + self.cost)
        self.most = min(self._whole, self.most + self.cost)
