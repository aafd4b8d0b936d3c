"""The tasks that do scheduled jobs: one run at a time, whatever becomes of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from skua_adapters.clock.system import SystemClock
from skua_adapters.scheduled_jobs.in_memory import InMemoryScheduledJobs
from skua_core.errors import StorageUnavailable
from skua_core.ports.scheduled_jobs import JobTurn
from skua_worker.scheduled_jobs import ScheduledJob, ScheduledJobRunner

SOON = 5.0


class Work:
    """A job that counts its runs, and can be made to last or to fail."""

    def __init__(self) -> None:
        self.begun = self.ended = self.together = self.most_together = 0
        self.error: Exception | None = None
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> None:
        self.begun += 1
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        try:
            await self.may_end.wait()
            if self.error is not None:
                raise self.error
        finally:
            self.together -= 1
        self.ended += 1


class BrokenScheduledJobs(InMemoryScheduledJobs):
    """A store that is away for its first calls."""

    def __init__(self, failures: int) -> None:
        super().__init__(SystemClock())
        self.failures = failures

    async def take(self, name: str, *, every: float, hold: float, holder: str) -> JobTurn | None:
        if self.failures:
            self.failures -= 1
            raise StorageUnavailable("no connection")
        return await super().take(name, every=every, hold=hold, holder=holder)


@asynccontextmanager
async def running(
    jobs: InMemoryScheduledJobs, *table: ScheduledJob, workers: int = 1
) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(ScheduledJobRunner(table, jobs, holder=f"worker:{number}").run())
        for number in range(workers)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():  # noqa: ASYNC110 - it looks at what several tasks did
            await asyncio.sleep(0.005)


def in_memory() -> InMemoryScheduledJobs:
    return InMemoryScheduledJobs(SystemClock())


def job(work: Work, *, every: float = 0.05, name: str = "sweep") -> ScheduledJob:
    return ScheduledJob(name=name, every=every, run=work)


async def test_a_job_is_done_again_and_again() -> None:
    work = Work()

    async with running(in_memory(), job(work)):
        await until(lambda: work.ended >= 3)


async def test_several_workers_never_do_a_job_at_the_same_time() -> None:
    work = Work()

    async with running(in_memory(), job(work, every=0.02), workers=4):
        await until(lambda: work.ended >= 10)

    assert work.most_together == 1


async def test_a_job_that_lasts_longer_than_its_hold_stays_one_worker_s() -> None:
    work = Work()
    work.may_end.clear()

    async with running(in_memory(), job(work, every=0.1), workers=3):
        await until(lambda: work.begun == 1)
        await asyncio.sleep(0.4)
        assert work.begun == 1
        work.may_end.set()
        await until(lambda: work.ended >= 2)


async def test_a_stopped_worker_s_job_is_another_s_at_once() -> None:
    jobs, work = in_memory(), Work()
    work.may_end.clear()
    async with running(jobs, job(work, every=3600)):
        await until(lambda: work.begun == 1)

    turn = await jobs.take("sweep", every=3600, hold=30, holder="worker:2")

    assert turn is not None


async def test_a_failed_job_is_tried_again_and_disturbs_no_other() -> None:
    broken, sound = Work(), Work()
    broken.error = RuntimeError("a defect")

    async with running(in_memory(), job(broken, name="broken"), job(sound, name="sound")):
        await until(lambda: broken.begun >= 3 and sound.ended >= 3)


async def test_jobs_go_on_when_the_store_is_back() -> None:
    work = Work()

    async with running(BrokenScheduledJobs(failures=3), job(work)):
        await until(lambda: work.ended >= 1)


async def test_a_daily_job_is_done_once() -> None:
    work = Work()

    async with running(in_memory(), job(work, every=86_400), workers=2):
        await until(lambda: work.ended == 1)
        await asyncio.sleep(0.1)

    assert work.begun == 1
