"""Port: whose turn it is to do what has to be done once in a while."""

from abc import abstractmethod
from typing import Protocol
from uuid import UUID

import msgspec


class JobTurn(msgspec.Struct, frozen=True, kw_only=True):
    """The right to do one job now. It ends when another turn is written over it."""

    name: str
    turn_id: UUID


class ScheduledJobs(Protocol):
    """Gives each job to one process at a time, by the store's clock alone.

    So a process whose own clock is wrong neither starves a job nor doubles it. One that was frozen
    may still go on with a turn that was taken from it: a job must be harmless when it is done
    twice. All durations are in seconds. Shared by all tasks. Any method may raise
    StorageUnavailable.
    """

    @abstractmethod
    async def take(self, name: str, *, every: float, hold: float, holder: str) -> JobTurn | None:
        """A turn at this job, if it is due and nobody alive is at it; its first is due at once.

        A turn that wasn't kept or finished for ``hold`` is anybody's: its holder is gone. What is
        said to be due later than ``every`` from now was written under a broken clock, or under
        another setting, and is due now.
        """

    @abstractmethod
    async def keep(self, turn: JobTurn, *, hold: float) -> bool:
        """Still at it, for ``hold`` more from now; whether the turn is still this one."""

    @abstractmethod
    async def finish(self, turn: JobTurn, *, next_in: float) -> None:
        """Let it be due again so long from now. Changes nothing once somebody else has a turn."""
