"""Which lanes a worker takes, and what it does with them when it ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from skua_adapters._memory import Memory
from skua_adapters.clock.system import SystemClock
from skua_adapters.job_queue.in_process import InProcessJobQueue
from skua_adapters.tenant_storage.in_memory import InMemoryTenantStorage
from skua_core.domain.lane import AcquiredLane, LaneSnapshot, LaneTimes, Lease
from skua_core.errors import StorageUnavailable
from skua_core.ids import BotId, BroadcastId, LeaseId
from skua_core.ports.platform_storage import LaneRegistry
from skua_core.use_cases.broadcasts import InterruptUnserved
from skua_core.use_cases.lane_guard import LaneGuard
from skua_core.use_cases.lane_place import LaneEnd, LanePlace, LaneSettings
from skua_core.use_cases.lanes import AcquireLane, ServeLane
from skua_worker.runner import LaneRunner, RunnerSettings
from skua_worker.unserved import UnservedBroadcasts

SOON = 5.0
TIMES = LaneTimes(heartbeat=0.02, fence=0.5, takeover=1.0, sweep=0.05)


class TwoWords(InProcessJobQueue):
    """Nudges and jobs are sent one by one, and what is woken is remembered."""

    def __init__(self) -> None:
        super().__init__()
        self._jobs = InProcessJobQueue()
        self.woken: list[BotId] = []

    async def wake(self, bot_id: BotId) -> None:
        self.woken.append(bot_id)

    async def send_nudge(self, bot_id: BotId) -> None:
        await super().wake(bot_id)

    async def send_job(self, bot_id: BotId) -> None:
        await self._jobs.wake(bot_id)

    async def jobs(self) -> AsyncGenerator[BotId]:
        async for bot_id in self._jobs.nudges():
            yield bot_id


class Registry(LaneRegistry):
    def __init__(self) -> None:
        self.events: list[str] = []
        self.waiting: list[BotId] = []
        self.beats = 0
        self.away = 0

    async def heartbeat(self, leases: Sequence[Lease]) -> frozenset[BotId]:
        self.beats += 1
        return frozenset(lease.bot_id for lease in leases)

    async def due(self, *, limit: int) -> Sequence[BotId]:
        self.events.append("swept")
        return self.waiting[:limit]

    async def free(self, holder: str) -> int:
        raise NotImplementedError(holder)

    async def unserved(self) -> Sequence[tuple[BotId, BroadcastId]]:
        if self.away:
            self.away -= 1
            raise StorageUnavailable("no connection")
        self.events.append("released")
        return []

    async def snapshot(self, bot_id: BotId) -> LaneSnapshot | None:
        raise NotImplementedError(bot_id)


class FreeLanes(AcquireLane):
    """Each can be had."""

    def __init__(self) -> None:
        """Needs no storage."""

    async def __call__(self, bot_id: BotId, holder: str) -> tuple[AcquiredLane, LaneGuard]:
        lease = Lease(bot_id=bot_id, lease_id=LeaseId(uuid4()), epoch=1, holder=holder)
        clock = SystemClock()
        guard = LaneGuard(lease, TIMES, clock, issued_at=clock.monotonic())
        return AcquiredLane(lease=lease), guard


class ServeUntilStopped(ServeLane):
    """Serves without end, and lets go when it is told to and may."""

    def __init__(self) -> None:
        self.places: dict[BotId, LanePlace] = {}
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self, acquired: AcquiredLane, guard: LaneGuard, place: LanePlace) -> LaneEnd:
        del guard
        self.places[acquired.lease.bot_id] = place
        while not place.stopping:
            place.attention.clear()
            await place.attention.wait()
        await self.may_end.wait()
        return LaneEnd.STOPPED


class Worker:
    def __init__(self, *, places: int = 10) -> None:
        self.queue, self.registry, self.serve = TwoWords(), Registry(), ServeUntilStopped()
        clock = SystemClock()
        interrupt = InterruptUnserved(
            storage=InMemoryTenantStorage(Memory(clock), times=TIMES),
            lanes=self.registry,
            clock=clock,
        )
        self.runner = LaneRunner(
            acquire=FreeLanes(),
            serve=self.serve,
            registry=self.registry,
            queue=self.queue,
            unserved=UnservedBroadcasts(interrupt),
            clock=clock,
            settings=RunnerSettings(
                holder="worker:1", places=places, lanes=LaneSettings(times=TIMES)
            ),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.runner.run())
        await until(lambda: "swept" in self.registry.events)
        try:
            yield task
        finally:
            self.serve.may_end.set()
            task.cancel()
            await asyncio.wait([task])

    async def hold(self, bot_id: BotId) -> None:
        await self.queue.send_job(bot_id)
        await until(lambda: bot_id in self.serve.places)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():  # noqa: ASYNC110 - it looks at what several tasks did
            await asyncio.sleep(0.005)


def a_bot() -> BotId:
    return BotId(uuid4())


async def test_a_job_takes_the_lane() -> None:
    worker, bot_id = Worker(), a_bot()

    async with worker.running():
        await worker.hold(bot_id)

        assert worker.runner.held == 1


async def test_a_nudge_takes_no_lane() -> None:
    worker, nudged, other = Worker(), a_bot(), a_bot()

    async with worker.running():
        await worker.queue.send_nudge(nudged)
        await worker.hold(other)

        assert list(worker.serve.places) == [other]


async def test_a_nudge_wakes_a_lane_that_is_held() -> None:
    worker, bot_id = Worker(), a_bot()

    async with worker.running():
        await worker.hold(bot_id)
        assert not worker.serve.places[bot_id].woken
        await worker.queue.send_nudge(bot_id)

        await until(lambda: worker.serve.places[bot_id].woken)


async def test_a_lane_whose_job_was_lost_is_found() -> None:
    worker, bot_id = Worker(), a_bot()

    async with worker.running():
        worker.registry.waiting = [bot_id]

        await until(lambda: bot_id in worker.serve.places)


async def test_what_nobody_has_served_is_released_before_any_lane_is_taken() -> None:
    worker = Worker()
    worker.registry.away = 2

    async with worker.running():
        pass

    assert worker.registry.events[:2] == ["released", "swept"]
    assert worker.registry.events.count("released") == 1


async def test_a_worker_that_ends_wakes_the_lanes_that_it_let_go() -> None:
    worker, bots = Worker(), [a_bot(), a_bot()]

    async with worker.running() as task:
        for bot_id in bots:
            await worker.hold(bot_id)
        assert worker.queue.woken == []
        task.cancel()
        await asyncio.wait([task])

    assert sorted(worker.queue.woken) == sorted(bots)


async def test_a_worker_that_ends_takes_no_job_and_beats_until_its_lanes_are_free() -> None:
    worker, held, late = Worker(), a_bot(), a_bot()
    worker.serve.may_end.clear()

    async with worker.running() as task:
        await worker.hold(held)
        task.cancel()
        await until(lambda: worker.serve.places[held].stopping)
        await worker.queue.send_job(late)
        beats = worker.registry.beats
        await until(lambda: worker.registry.beats > beats + 2)
        worker.serve.may_end.set()
        await asyncio.wait([task])

    assert list(worker.serve.places) == [held]


async def test_a_lane_waits_for_a_place_and_is_another_worker_s_when_this_one_ends() -> None:
    worker, first, second = Worker(places=1), a_bot(), a_bot()

    async with worker.running():
        await worker.hold(first)
        await worker.queue.send_job(second)

        await until(worker.serve.places[first].wanted)
        assert second not in worker.serve.places

    assert set(worker.queue.woken) == {first, second}
