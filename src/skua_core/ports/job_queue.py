"""Port: wake a worker. Never the source of truth."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

from skua_core.ids import BotId


class JobQueue(Protocol):
    """Carries the word that a lane has new work, in two ways.

    A *nudge* goes to everybody, for whoever holds the lane already. A *job* goes to somebody who
    may have room for the lane, if nobody holds it. Either may be lost, doubled or late: whoever
    relies on them also sweeps. May be shared between tasks. Wake-ups are published after the commit
    that made the work.
    """

    @abstractmethod
    async def wake(self, bot_id: BotId) -> None:
        """Publish a nudge and a job.

        Takes seconds at most, and never raises for a queue that is away: the sweep finds the work.
        """

    @abstractmethod
    def nudges(self) -> AsyncIterator[BotId]:
        """Those of all bots, from now on. Ends when the queue is closed.

        Comes back by itself after a break.
        """

    @abstractmethod
    def jobs(self) -> AsyncGenerator[BotId]:
        """Jobs for this process, until the queue is closed; once for all of its lanes.

        Each reaches at least one of the processes that ask, and perhaps all of them. ``aclose``
        gives back what this one hasn't seen yet. Comes back by itself after a break.
        """

    @abstractmethod
    async def check(self) -> None:
        """Raises QueueUnavailable when nothing can be published now, and QueueUnfit when the queue
        is not one to rely on, which waiting doesn't mend."""

    @abstractmethod
    async def close(self) -> None: ...
