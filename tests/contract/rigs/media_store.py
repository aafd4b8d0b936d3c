"""Media stores, with the lever that tests need."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._memory import Memory
from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.media_store.in_memory import InMemoryMediaStore
from skua_adapters.media_store.postgres import PostgresMediaStore
from skua_core.ports.media_store import MediaStore
from tests.postgres_cluster import Database


@dataclass
class MediaStoreRig:
    store: MediaStore
    now: Callable[[], datetime]
    let_pass: Callable[[timedelta], Awaitable[None]]
    """Everything that is stored grows older."""


@pytest.fixture
def in_memory_media() -> MediaStoreRig:
    clock = FrozenClock(datetime(2026, 3, 1, 12, tzinfo=UTC))

    async def let_pass(time: timedelta) -> None:
        clock.advance(time.total_seconds())

    return MediaStoreRig(InMemoryMediaStore(Memory(clock)), clock.now, let_pass)


@pytest.fixture
async def postgres_media(
    migrated_database: Database, app_engine: AsyncEngine
) -> AsyncIterator[MediaStoreRig]:
    outside = await asyncpg.connect(migrated_database.dsn)

    async def let_pass(time: timedelta) -> None:
        await outside.execute(
            "UPDATE tenant.media_chunks SET stored_at = stored_at - $1::interval", time
        )

    yield MediaStoreRig(PostgresMediaStore(app_engine), lambda: datetime.now(UTC), let_pass)
    await outside.close()


@pytest.fixture(
    params=["in_memory_media", pytest.param("postgres_media", marks=pytest.mark.external)]
)
def media(request: pytest.FixtureRequest) -> MediaStoreRig:
    rig: MediaStoreRig = request.getfixturevalue(request.param)
    return rig
