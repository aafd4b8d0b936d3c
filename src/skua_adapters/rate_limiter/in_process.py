"""Buckets of one process."""

from collections.abc import Sequence

from skua_adapters.rate_limiter.microseconds import SECOND, interval
from skua_core.domain.limits import Permit
from skua_core.ports.clock import Clock
from skua_core.ports.rate_limiter import RateLimiter

_FEWEST_TO_LOOK_THROUGH = 1000

_BucketKey = tuple[str, str]


class InProcessRateLimiter(RateLimiter):
    """Counts what this process does, whatever others do.

    Of each bucket it keeps when it will be full again (GCRA's theoretical arrival time), and
    forgets it some time after that.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._full_at: dict[_BucketKey, int] = {}
        self._look_through_at = _FEWEST_TO_LOOK_THROUGH

    async def take(self, permits: Sequence[Permit]) -> float:
        now = self._now()
        after: dict[_BucketKey, int] = {}
        wait = 0
        for permit in permits:
            key, every = _key(permit), interval(permit.bucket)
            full_at = max(after.get(key, self._full_at.get(key, now)), now) + every
            after[key] = full_at
            wait = max(wait, full_at - every * permit.bucket.burst - now)
        if wait == 0:
            self._full_at.update(after)
            self._forget_full_ones(now)
        return wait / SECOND

    async def give_back(self, permits: Sequence[Permit]) -> None:
        now = self._now()
        for permit in permits:
            key = _key(permit)
            full_at = self._full_at.pop(key, now) - interval(permit.bucket)
            if full_at > now:
                self._full_at[key] = full_at

    async def close(self) -> None:
        self._full_at.clear()

    def _forget_full_ones(self, now: int) -> None:
        if len(self._full_at) < self._look_through_at:
            return
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        # Twice what is in use, so that looking costs each take the same little, however many.
        self._look_through_at = max(_FEWEST_TO_LOOK_THROUGH, 2 * len(self._full_at))

    def _now(self) -> int:
        return int(self._clock.monotonic() * SECOND)


def _key(permit: Permit) -> _BucketKey:
    return permit.bucket.name, permit.key
