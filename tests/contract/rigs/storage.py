"""The storages over one database each, with the levers that tests need."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._memory import Memory
from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.id_factory.uuid7 import Uuid7IdFactory
from skua_adapters.lane_registry.in_memory import InMemoryLaneRegistry
from skua_adapters.lane_registry.postgres import PostgresLaneRegistry
from skua_adapters.platform_storage.in_memory import InMemoryPlatformStorage
from skua_adapters.platform_storage.postgres import PostgresPlatformStorage
from skua_adapters.tenant_storage.in_memory import InMemoryTenantStorage
from skua_adapters.tenant_storage.postgres import PostgresTenantStorage
from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.lane import LaneTimes
from skua_core.domain.user import SYSTEM
from skua_core.ids import BotId, SubscriberId, UserId
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.platform_storage import BotDirectory, LaneRegistry, PlatformStorage
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind
from tests.postgres_cluster import Database

ENTRY = NewAuditEntry(actor=SYSTEM, action="test.prepared", resource="test:1")


@dataclass
class StorageRig:
    """The storages that share one database, and what happens to it from outside."""

    tenants: TenantStorage
    platform: PlatformStorage
    directory: BotDirectory
    registry: LaneRegistry
    times: LaneTimes
    ids: IdFactory
    now: Callable[[], datetime]
    let_pass: Callable[[float], Awaitable[None]]
    """Everything that is stored grows older by so many seconds."""
    shift_heartbeat: Callable[[BotId, float], Awaitable[None]]
    """Date a lane's heartbeat so many seconds from now, as a broken clock would."""
    erase: Callable[[BotId, SubscriberId], Awaitable[None]]
    """The subscriber's row is gone."""
    grant: Callable[[BotId, UserId], Awaitable[None]]
    """Give a user a role on a bot of somebody else's."""
    extras: Callable[[BotId], Awaitable[dict[str, Any]]]
    """What a bot has that no port shows."""

    @asynccontextmanager
    async def changing(self, bot_id: BotId) -> AsyncIterator[TenantUnit]:
        """A unit that is audited and committed at its end."""
        async with self.tenants.unit(bot_id) as unit:
            yield unit
            await unit.audit.append(ENTRY)
            await unit.commit()

    @asynccontextmanager
    async def on_lane(self, bot_id: BotId) -> AsyncIterator[TenantUnit]:
        """A lane's unit that is committed at its end."""
        async with self.tenants.unit(bot_id, UnitKind.LANE) as unit:
            yield unit
            await unit.commit()

    def reading(self, bot_id: BotId) -> AbstractAsyncContextManager[TenantUnit]:
        """A unit whose changes are discarded."""
        return self.tenants.unit(bot_id)


@pytest.fixture
def in_memory_storage() -> StorageRig:
    clock = FrozenClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    memory = Memory(clock)
    times = LaneTimes()
    ids = CountedIdFactory()

    async def let_pass(seconds: float) -> None:
        clock.advance(seconds)

    async def shift_heartbeat(bot_id: BotId, seconds: float) -> None:
        memory.lanes.rows[bot_id].heartbeat_at = clock.now() + timedelta(seconds=seconds)

    async def erase(bot_id: BotId, subscriber_id: SubscriberId) -> None:
        memory.tenants[bot_id].subscribers.delete(subscriber_id)

    async def grant(bot_id: BotId, user_id: UserId) -> None:
        memory.roles.put((bot_id, user_id), "viewer")

    async def extras(bot_id: BotId) -> dict[str, Any]:
        tables = memory.tenants[bot_id]
        return {
            "updates_set_aside": [
                (row.update_id, row.raw, row.problem)
                for row in tables.updates_set_aside.rows.values()
            ],
            "direct_messages": len(tables.direct_messages.rows),
            "former_outcomes": [
                (key.position, attempt, row.status.value, row.reason, row.message_id)
                for (key, attempt), row in tables.delivery_attempts.rows.items()
            ],
        }

    platform = InMemoryPlatformStorage(memory, ids=ids)
    return StorageRig(
        tenants=InMemoryTenantStorage(memory, times=times),
        platform=platform,
        directory=platform,
        registry=InMemoryLaneRegistry(memory, times=times),
        times=times,
        ids=ids,
        now=clock.now,
        let_pass=let_pass,
        shift_heartbeat=shift_heartbeat,
        erase=erase,
        grant=grant,
        extras=extras,
    )


@pytest.fixture
async def postgres_storage(
    migrated_database: Database, app_engine: AsyncEngine
) -> AsyncIterator[StorageRig]:
    times = LaneTimes()
    ids = Uuid7IdFactory()
    outside = await asyncpg.connect(migrated_database.dsn)

    async def let_pass(seconds: float) -> None:
        for table, columns in _TIMES.items():
            older = ", ".join(f"{name} = {name} - $1::interval" for name in columns)
            await outside.execute(
                f"UPDATE {table} SET {older}",  # noqa: S608 - names from the table below
                timedelta(seconds=seconds),
            )

    async def shift_heartbeat(bot_id: BotId, seconds: float) -> None:
        await outside.execute(
            "UPDATE platform.lanes SET heartbeat_at = clock_timestamp() + $2 WHERE bot_id = $1",
            bot_id,
            timedelta(seconds=seconds),
        )

    async def erase(bot_id: BotId, subscriber_id: SubscriberId) -> None:
        await outside.execute(
            "DELETE FROM tenant.subscribers WHERE bot_id = $1 AND id = $2", bot_id, subscriber_id
        )

    async def grant(bot_id: BotId, user_id: UserId) -> None:
        await outside.execute(
            "INSERT INTO platform.bot_permissions VALUES ($1, $2, 'viewer')",
            bot_id,
            user_id,
        )

    async def extras(bot_id: BotId) -> dict[str, Any]:
        set_aside = await outside.fetch(
            "SELECT update_id, raw, problem FROM tenant.updates_set_aside WHERE bot_id = $1", bot_id
        )
        return {
            "updates_set_aside": [tuple(row) for row in set_aside],
            "direct_messages": await outside.fetchval(
                "SELECT count(*) FROM tenant.direct_messages WHERE bot_id = $1", bot_id
            ),
            "former_outcomes": [
                tuple(row)
                for row in await outside.fetch(
                    "SELECT position, attempt, status::text, reason, message_id"
                    " FROM tenant.delivery_attempts WHERE bot_id = $1 ORDER BY position, attempt",
                    bot_id,
                )
            ],
        }

    platform = PostgresPlatformStorage(app_engine, ids=ids)
    yield StorageRig(
        tenants=PostgresTenantStorage(app_engine, times=times, ids=ids),
        platform=platform,
        directory=platform,
        registry=PostgresLaneRegistry(app_engine, times=times),
        times=times,
        ids=ids,
        now=lambda: datetime.now(UTC),
        let_pass=let_pass,
        shift_heartbeat=shift_heartbeat,
        erase=erase,
        grant=grant,
        extras=extras,
    )
    await outside.close()


_TIMES = {
    "platform.lanes": ["heartbeat_at", "not_before"],
    "tenant.subscribers": [
        "subscribed_changed_at",
        "reach_changed_at",
        "next_send_at",
        "joined_at",
    ],
    "tenant.broadcasts": ["frozen_at", "served_at", "created_at", "changed_at"],
    "tenant.deliveries": ["due_at", "not_after", "claimed_at", "finished_at"],
}


@pytest.fixture(
    params=["in_memory_storage", pytest.param("postgres_storage", marks=pytest.mark.external)]
)
def storage(request: pytest.FixtureRequest) -> StorageRig:
    rig: StorageRig = request.getfixturevalue(request.param)
    return rig
