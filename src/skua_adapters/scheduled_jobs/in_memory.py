"""Turns among the tasks of one process."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from skua_core.ports.clock import Clock
from skua_core.ports.scheduled_jobs import JobTurn, ScheduledJobs


class InMemoryScheduledJobs(ScheduledJobs):
    """``clock`` is the store's clock of the port's description."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due_at: dict[str, datetime] = {}
        self._turns: dict[str, UUID] = {}

    async def take(self, name: str, *, every: float, hold: float, holder: str) -> JobTurn | None:
        del holder  # one process has nobody to tell it to
        now = self._clock.now()
        latest = now + timedelta(seconds=max(every, hold))
        if name in self._due_at and now < self._due_at[name] <= latest:
            return None
        turn = JobTurn(name=name, turn_id=uuid4())
        self._turns[name] = turn.turn_id
        self._due_at[name] = now + timedelta(seconds=hold)
        return turn

    async def keep(self, turn: JobTurn, *, hold: float) -> bool:
        return self._set(turn, hold)

    async def finish(self, turn: JobTurn, *, next_in: float) -> None:
        self._set(turn, next_in)

    def _set(self, turn: JobTurn, seconds: float) -> bool:
        if self._turns.get(turn.name) != turn.turn_id:
            return False
        self._due_at[turn.name] = self._clock.now() + timedelta(seconds=seconds)
        return True
