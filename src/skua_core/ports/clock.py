"""Port: what time it is."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time for everything that isn't dated by the database. Shared by all tasks."""

    @abstractmethod
    def now(self) -> datetime:
        """Wall-clock time in UTC. Not monotonic: never measure a duration with it."""

    @abstractmethod
    def monotonic(self) -> float:
        """Seconds that go on counting while the machine sleeps (CLOCK_BOOTTIME).

        Only differences mean anything. A process that was frozen sees that time has passed.
        """
