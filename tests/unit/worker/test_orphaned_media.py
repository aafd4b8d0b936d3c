"""Clearing up after uploads that ended half-way, over all bots."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from skua_adapters.media_store.in_memory import InMemoryMediaStore
from skua_core.errors import StorageUnavailable
from skua_core.ids import BotId, MediaId
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.media import RemoveOrphanedMedia
from skua_worker.orphaned_media import OrphanedMedia
from tests.unit.use_cases.world import World


class LimpingStore(InMemoryMediaStore):
    """Fails for one bot."""

    lame: BotId | None = None

    async def remove(self, bot_id: BotId, media_id: MediaId) -> None:
        if bot_id == self.lame:
            raise StorageUnavailable("no connection")
        await super().remove(bot_id, media_id)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def store(world: World) -> LimpingStore:
    return LimpingStore(world.memory)


def job(world: World, store: LimpingStore) -> OrphanedMedia:
    remove = RemoveOrphanedMedia(storage=world.storage, media=store, clock=world.clock)
    return OrphanedMedia(world.platform, remove)


async def leave_orphan(world: World, store: LimpingStore, number: int) -> BotAccess:
    access = await world.add_bot(None, slug=f"gulls-{number}")

    async def chunks() -> AsyncIterator[bytes]:
        yield b"half a film"

    await store.put(access.bot_id, MediaId(UUID(int=number)), chunks())
    return access


async def left(world: World, store: LimpingStore, access: BotAccess) -> int:
    return len(await store.stored_before(access.bot_id, world.clock.now()))


async def test_orphans_of_every_bot_are_removed_after_a_day(
    world: World, store: LimpingStore
) -> None:
    bots = [await leave_orphan(world, store, number) for number in range(3)]

    world.clock.advance(timedelta(hours=12).total_seconds())
    await job(world, store)()
    assert [await left(world, store, access) for access in bots] == [1, 1, 1]
    world.clock.advance(timedelta(hours=13).total_seconds())
    await job(world, store)()

    assert [await left(world, store, access) for access in bots] == [0, 0, 0]


async def test_one_bot_s_trouble_is_no_other_s(
    world: World, store: LimpingStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bots = [await leave_orphan(world, store, number) for number in range(3)]
    store.lame = bots[1].bot_id
    world.clock.advance(timedelta(days=2).total_seconds())

    await job(world, store)()

    assert [await left(world, store, access) for access in bots] == [0, 1, 0]
    assert f"Orphaned files of bot {bots[1].bot_id} have to wait" in caplog.text
