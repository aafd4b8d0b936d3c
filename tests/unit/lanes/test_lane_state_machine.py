"""Histories of a lane over memory; ``tests/contract`` tries some of them on PostgreSQL."""

import asyncio
from datetime import UTC, datetime

from hypothesis import settings

from skua_adapters._memory import Memory
from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.platform_storage.in_memory import InMemoryPlatformStorage
from skua_adapters.tenant_storage.in_memory import InMemoryTenantStorage
from skua_core.domain.lane import LaneTimes
from skua_core.ids import BotId
from tests.lane_history.machine import LaneHistory
from tests.lane_history.world import Ground


class InMemoryLaneHistory(LaneHistory):
    def make_ground(self) -> Ground:
        clock = FrozenClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
        ids, times = CountedIdFactory(), LaneTimes()
        memory = Memory(clock)

        async def let_pass(_: BotId, seconds: float) -> None:
            clock.advance(seconds)

        async def close() -> None:
            """Memory is just forgotten."""

        return Ground(
            loop=asyncio.new_event_loop(),
            tenants=InMemoryTenantStorage(memory, times=times),
            platform=InMemoryPlatformStorage(memory, ids=ids),
            times=times,
            ids=ids,
            now=clock.now,
            let_pass=let_pass,
            close=close,
        )


TestLaneHistory = InMemoryLaneHistory.TestCase
TestLaneHistory.settings = settings(max_examples=40, stateful_step_count=30)
