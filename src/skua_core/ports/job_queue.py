"""Port: wake a worker. Never the source of truth."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Protocol

from skua_core.ids import BotId


class JobQueue(Protocol):
    """Carries the word that a lane has new work.

    A wake-up may be lost, doubled or late: whoever relies on it also sweeps. May be shared between
    tasks. Wakes are published after the commit that made the work.
    """

    @abstractmethod
    async def wake(self, bot_id: BotId) -> None:
        """Tell every listener. Never raises for a queue that is away: the sweep finds the work."""

    @abstractmethod
    def wakes(self) -> AsyncIterator[BotId]:
        """Listen from now on. Ends when the queue is closed; comes back by itself after a break."""

    @abstractmethod
    async def close(self) -> None: ...
