"""Units over PostgreSQL in few words, and what may happen to their connections."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.tables import UpdateRow
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.tenant_storage.postgres import PostgresTenantStorage, PostgresTenantUnit
from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.lane import LaneTimes
from skua_core.domain.user import SYSTEM
from skua_core.ids import BotId
from skua_core.ports.tenant_storage import UnitKind
from tests.postgres_cluster import Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ENTRY = NewAuditEntry(actor=SYSTEM, action="test.done", resource="test:1")
WHOSE = text("SELECT current_setting('skua.bot_id', true)")


def a_bot() -> BotId:
    return BotId(uuid4())


def storage_over(engine: AsyncEngine, times: LaneTimes | None = None) -> PostgresTenantStorage:
    return PostgresTenantStorage(engine, times=times or LaneTimes(), ids=CountedIdFactory())


@asynccontextmanager
async def pool_of_one(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database.url_of(roles.APP), pool_size=1, connect_timeout=1)
    yield engine
    await engine.dispose()


@asynccontextmanager
async def unit_of(
    storage: PostgresTenantStorage, bot_id: BotId, kind: UnitKind = UnitKind.INBOUND
) -> AsyncIterator[PostgresTenantUnit]:
    async with storage.unit(bot_id, kind) as unit:
        assert isinstance(unit, PostgresTenantUnit)
        yield unit


async def take_in(unit: PostgresTenantUnit, *numbers: int) -> None:
    unit.session.add_all(
        UpdateRow(bot_id=unit.bot_id, update_id=number, received_at=NOW) for number in numbers
    )
    await unit.session.flush()


async def taken_in(storage: PostgresTenantStorage, bot_id: BotId) -> list[int]:
    async with unit_of(storage, bot_id) as unit:
        return list(await unit.session.scalars(select(UpdateRow.update_id).order_by("update_id")))


async def as_superuser(database: Database, statement: str, *arguments: Any) -> Any:
    connection = await asyncpg.connect(database.dsn)
    try:
        return await connection.fetchval(statement, *arguments)
    finally:
        await connection.close()


async def kill_connections(database: Database) -> None:
    """As a crash of the server, or of the network, ends them."""
    await as_superuser(
        database,
        "SELECT count(pg_terminate_backend(pid, 1000)) FROM pg_stat_activity"
        " WHERE usename = 'skua_app' AND datname = current_database()",
    )
