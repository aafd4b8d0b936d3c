"""What only the memory does: units of one bot take turns, and two adapters of it see one world."""

from datetime import UTC, datetime

import pytest

from skua_adapters._memory import Memory
from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.tenant_storage.in_memory import InMemoryTenantStorage
from skua_core.domain.lane import LaneTimes
from skua_core.errors import StorageUnavailable
from skua_core.ids import BotId
from skua_core.ports.tenant_storage import UnitKind


@pytest.fixture
def bot_id() -> BotId:
    return BotId(CountedIdFactory().new())


def storage_over(memory: Memory) -> InMemoryTenantStorage:
    return InMemoryTenantStorage(memory, times=LaneTimes())


@pytest.fixture
def memory() -> Memory:
    return Memory(FrozenClock(datetime(2026, 3, 1, tzinfo=UTC)), lock_timeout=0.01)


async def test_a_second_unit_of_a_bot_gives_up_instead_of_waiting_for_ever(
    memory: Memory, bot_id: BotId
) -> None:
    storage = storage_over(memory)
    async with storage.unit(bot_id):
        second = storage.unit(bot_id)
        with pytest.raises(StorageUnavailable, match="still open"):
            await second.__aenter__()

    async with storage.unit(bot_id) as third:
        assert await third.updates.record(1)


async def test_two_storages_of_one_memory_see_the_same_rows(memory: Memory, bot_id: BotId) -> None:
    async with storage_over(memory).unit(bot_id, UnitKind.INBOUND) as unit:
        await unit.updates.record(1)
        await unit.commit()

    async with storage_over(memory).unit(bot_id, UnitKind.INBOUND) as unit:
        assert not await unit.updates.record(1)
