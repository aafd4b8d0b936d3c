"""Port: take permits from buckets that refill."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from skua_core.domain.limits import Permit


class RateLimiter(Protocol):
    """The generic cell rate algorithm over named buckets, one bucket per key.

    Shared by all tasks, and, where the adapter says so, by all processes. It never raises for
    being unable to count: it then counts in this process, with a quarter of each burst.
    """

    @abstractmethod
    async def take(self, permits: Sequence[Permit]) -> float:
        """Take all of them, or none: seconds until it is worth trying again, 0 when taken.

        One step: whoever takes at the same time can't take the same permits.
        """

    @abstractmethod
    async def give_back(self, permits: Sequence[Permit]) -> None:
        """Undo a ``take``. A bucket never holds more than its burst."""

    @abstractmethod
    async def close(self) -> None: ...
