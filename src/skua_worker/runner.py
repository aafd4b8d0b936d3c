"""Holds many lanes at once on one event loop, and keeps all their leases alive."""

import asyncio
import contextlib
import logging
from collections import deque

import msgspec

from skua_core.errors import SkuaError, StorageUnavailable
from skua_core.faults import FaultInjected
from skua_core.ids import BotId
from skua_core.ports.clock import Clock
from skua_core.ports.job_queue import JobQueue
from skua_core.ports.platform_storage import LaneRegistry
from skua_core.use_cases.lane_guard import LaneGuard
from skua_core.use_cases.lane_place import LaneEnd, LanePlace, LaneSettings
from skua_core.use_cases.lanes import AcquireLane, ServeLane
from skua_worker.unserved import UnservedBroadcasts

_log = logging.getLogger(__name__)


class RunnerSettings(msgspec.Struct, frozen=True, kw_only=True):
    holder: str
    """Names this process in the lanes it holds; no two processes share it."""
    places: int = 500
    lanes: LaneSettings = LaneSettings()


class LaneRunner:
    """A process's places for lanes.

    A wake-up only names a bot; the runner takes its lane as soon as it has a place. Sweeping finds
    every lane whose wake-up was lost, or whose holder is gone. Each worker sweeps: so those lanes
    are found whichever process is the one that died, and whether or not there is a queue.
    """

    def __init__(
        self,
        *,
        acquire: AcquireLane,
        serve: ServeLane,
        registry: LaneRegistry,
        queue: JobQueue,
        unserved: UnservedBroadcasts,
        clock: Clock,
        settings: RunnerSettings,
    ) -> None:
        self._acquire = acquire
        self._serve = serve
        self._registry = registry
        self._queue = queue
        self._unserved = unserved
        self._clock = clock
        self._settings = settings
        self._times = settings.lanes.times
        self._places: dict[BotId, LanePlace] = {}
        self._guards: dict[BotId, LaneGuard] = {}
        self._waiting: deque[BotId] = deque()
        self._lanes: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def held(self) -> int:
        """Lanes that this process serves now."""
        return len(self._guards)

    def take(self, bot_id: BotId) -> None:
        """See to this bot: wake its lane if it is held here, else acquire it when there's a place.

        Doing so for a lane that another process holds changes nothing.
        """
        if self._stopping:
            return
        place = self._places.get(bot_id)
        if place is not None:
            place.wake()
        elif len(self._places) < self._settings.places:
            self._begin(bot_id)
        elif bot_id not in self._waiting:
            self._waiting.append(bot_id)
            for held in self._places.values():
                held.attention.set()

    def nudge(self, bot_id: BotId) -> None:
        """Wake its lane if it is held here."""
        place = self._places.get(bot_id)
        if place is not None:
            place.wake()

    async def run(self) -> None:
        """Heartbeat, sweep and listen until cancelled; then let every lane go, in good order."""
        async with asyncio.TaskGroup() as lasting:
            beating = lasting.create_task(self._keep_alive())
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._sweep())
                    tasks.create_task(self._hear_nudges())
                    tasks.create_task(self._take_jobs())
            finally:
                # Nobody takes jobs here any more: what is let go is announced to others.
                await self._stop()
                beating.cancel()

    async def _stop(self) -> None:
        self._stopping = True
        for place in self._places.values():
            place.stop()
        while self._waiting:
            # Their jobs were taken, so nobody else knows of them.
            await self._queue.wake(self._waiting.popleft())
        if self._lanes:
            await asyncio.wait(self._lanes)

    # Lanes

    def _begin(self, bot_id: BotId) -> None:
        place = LanePlace(wanted=lambda: bool(self._waiting))
        self._places[bot_id] = place
        task = asyncio.create_task(self._hold(bot_id, place))
        self._lanes.add(task)
        task.add_done_callback(self._lanes.discard)

    async def _hold(self, bot_id: BotId, place: LanePlace) -> None:
        end: LaneEnd | None = None
        try:
            acquired = await self._acquire(bot_id, self._settings.holder)
            if acquired is not None:
                lane, guard = acquired
                if lane.made_uncertain:
                    _log.warning(
                        "Took over the lane of bot %s: %d deliveries are uncertain",
                        bot_id,
                        lane.made_uncertain,
                    )
                self._guards[bot_id] = guard
                end = await self._serve(lane, guard, place)
        except StorageUnavailable as error:
            _log.warning("The lane of bot %s has to wait: %s", bot_id, error)
        except Exception:  # noqa: BLE001 - one bot must not end the others
            # Its lane comes free when its heartbeat is missed.
            _log.exception("Serving the lane of bot %s failed", bot_id)
        finally:
            self._guards.pop(bot_id, None)
            del self._places[bot_id]
            self._next(bot_id, woken=place.woken, end=end)
        if end is LaneEnd.STOPPED:
            # Free now: whoever has room goes on at once instead of after the next sweep.
            await self._queue.wake(bot_id)

    def _next(self, bot_id: BotId, *, woken: bool, end: LaneEnd | None) -> None:
        if self._stopping:
            return
        if end is LaneEnd.YIELDED or (woken and end is LaneEnd.IDLE):
            self._waiting.append(bot_id)
        while self._waiting and len(self._places) < self._settings.places:
            self._begin(self._waiting.popleft())

    # What keeps lanes alive, and finds those that nobody serves

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._times.heartbeat)
            guards = dict(self._guards)
            if not guards:
                continue
            issued_at = self._clock.monotonic()
            try:
                alive = await self._registry.heartbeat([guard.lease for guard in guards.values()])
            except (StorageUnavailable, FaultInjected, ConnectionError) as error:
                _log.warning("A heartbeat of %d lanes failed: %s", len(guards), error)
                continue
            for bot_id, guard in guards.items():
                if bot_id in alive:
                    guard.beat(issued_at)
                else:
                    guard.lose()
                    if (place := self._places.get(bot_id)) is not None:
                        place.attention.set()

    async def _sweep(self) -> None:
        looked = False
        while True:
            try:
                if not looked:
                    # What nobody has served for too long must not go on by itself, not even
                    # before the scheduled job's turn comes.
                    await self._unserved()
                    looked = True
                room = self._settings.places - len(self._places)
                if room > 0:
                    for bot_id in await self._registry.due(limit=room):
                        self.take(bot_id)
            except SkuaError as error:
                _log.warning("A sweep found no answer: %s", error)
            await asyncio.sleep(self._times.sweep)

    async def _hear_nudges(self) -> None:
        async for bot_id in self._queue.nudges():
            self.nudge(bot_id)

    async def _take_jobs(self) -> None:
        async with contextlib.aclosing(self._queue.jobs()) as jobs:
            async for bot_id in jobs:
                self.take(bot_id)
