"""Does what has to be done once in a while, each job in one worker at a time."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from skua_core.errors import SkuaError
from skua_core.ports.scheduled_jobs import JobTurn, ScheduledJobs

_log = logging.getLogger(__name__)
_LONGEST_HOLD = 30.0
"""Seconds after which the turn of a worker that died is another's; at most half the job's period,
so that another does it within the period."""


class ScheduledJob(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    every: float
    """Seconds from the end of one run to the next."""
    run: Callable[[], Awaitable[None]]
    """One run. It may be cut short at any point, and done by another worker again."""
    retry_in: float = 60.0
    """Seconds until the next try, at most ``every``, when a run has failed."""

    @property
    def hold(self) -> float:
        return min(self.every / 2, _LONGEST_HOLD)


class ScheduledJobRunner:
    """One task for each job; most of the time it finds that the job isn't due or is another's."""

    def __init__(self, jobs: Sequence[ScheduledJob], turns: ScheduledJobs, *, holder: str) -> None:
        self._jobs = jobs
        self._turns = turns
        self._holder = holder

    async def run(self) -> None:
        """Until cancelled; what is being done then is another worker's at once."""
        async with asyncio.TaskGroup() as tasks:
            for job in self._jobs:
                tasks.create_task(self._repeat(job))

    async def _repeat(self, job: ScheduledJob) -> None:
        wait = job.hold / 2
        while True:
            try:
                turn = await self._turns.take(
                    job.name, every=job.every, hold=job.hold, holder=self._holder
                )
                if turn is not None:
                    await self._do(job, turn)
            except SkuaError as error:
                _log.warning("The scheduled job %s has to wait: %s", job.name, error)
            await asyncio.sleep(wait)

    async def _do(self, job: ScheduledJob, turn: JobTurn) -> None:
        keeping = asyncio.create_task(self._keep(job, turn))
        next_in = 0.0
        try:
            await job.run()
            next_in = job.every
        except SkuaError as error:
            next_in = min(job.retry_in, job.every)
            _log.warning("The scheduled job %s failed: %s", job.name, error)
        except Exception:  # noqa: BLE001 - one job must not end the others
            next_in = min(job.retry_in, job.every)
            _log.exception("The scheduled job %s failed", job.name)
        finally:
            keeping.cancel()
            await self._turns.finish(turn, next_in=next_in)

    async def _keep(self, job: ScheduledJob, turn: JobTurn) -> None:
        kept = True
        while kept:
            await asyncio.sleep(job.hold / 3)
            with contextlib.suppress(SkuaError):  # the next one may come through in time
                kept = await self._turns.keep(turn, hold=job.hold)
