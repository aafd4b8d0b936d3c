"""A storage in which months have passed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import asyncpg
import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._memory.rows import SetAside, UpdateRow
from skua_adapters._memory.tables import K, Table
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.retention.in_memory import InMemoryRetention
from skua_adapters.retention.postgres import PostgresRetention
from skua_adapters.tenant_storage.in_memory import InMemoryTenantStorage
from skua_core.ids import BotId
from skua_core.ports.retention import Retention
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import StorageRig
from tests.postgres_cluster import Database

# As tenant.ensure_partitions makes the coming months.
_MAKE_MONTH = """
    CREATE TABLE tenant.{name} (LIKE tenant.{parent} INCLUDING DEFAULTS);
    SELECT tenant.protect('{name}');
    ALTER TABLE tenant.{parent} ATTACH PARTITION tenant.{name} FOR VALUES FROM ({first}) TO ({next})
"""
_AGE_UPDATES = """
    UPDATE tenant.{table}
    SET month = month - make_interval(months => $2),
        received_at = received_at - make_interval(months => $2)
    WHERE bot_id = $1
"""


@dataclass
class RetentionRig:
    storage: StorageRig
    retention: Retention
    make_month: Callable[[int], Awaitable[None]]
    """There is a place for what was begun so many months ago."""
    age_updates: Callable[[BotId, int], Awaitable[None]]
    """What a bot took in came so many months earlier."""

    def ago(self, months: int) -> datetime:
        return months_before(self.storage.now(), months)

    def name(self, table: str, months: int) -> str:
        """Of the table's month so many months ago."""
        return f"{table}_{self.ago(months):%Y_%m}"

    def then(self, scene: Scene, months: int) -> Scene:
        """The same bot so many months ago: what is begun there has ids of that time."""
        ids = CountedIdFactory(self.ago(months))
        return Scene(replace(self.storage, ids=ids), scene.bot)


def months_before(moment: datetime, months: int) -> datetime:
    """The same time in the middle of a month."""
    number = moment.year * 12 + moment.month - 1 - months
    return moment.astimezone(UTC).replace(year=number // 12, month=number % 12 + 1, day=15)


@pytest.fixture
def in_memory_retention(in_memory_storage: StorageRig) -> RetentionRig:
    tenants = in_memory_storage.tenants
    assert isinstance(tenants, InMemoryTenantStorage)
    memory = tenants._memory

    async def make_month(months: int) -> None:
        pass  # everything has a place

    async def age_updates(bot_id: BotId, months: int) -> None:
        _age(memory.tenants[bot_id].updates, months)
        _age(memory.tenants[bot_id].updates_set_aside, months)

    return RetentionRig(
        in_memory_storage,
        InMemoryRetention(memory),
        make_month,
        age_updates,
    )


@pytest.fixture
async def postgres_retention(
    own_database: Database, postgres_storage: StorageRig, app_engine: AsyncEngine
) -> AsyncIterator[RetentionRig]:
    outside = await asyncpg.connect(own_database.dsn)

    async def make_month(months: int) -> None:
        starts = months_before(datetime.now(UTC), months).replace(day=1)
        ends = months_before(starts, -1).replace(day=1)
        await outside.execute("SET ROLE skua_owner")
        for parent in ("delivery_attempts", "direct_messages", "deliveries"):
            first, following = (f"'{_first_id(each)}'" for each in (starts, ends))
            name = f"{parent}_{starts:%Y_%m}"
            await outside.execute(
                _MAKE_MONTH.format(parent=parent, name=name, first=first, next=following)
            )
        for parent in ("updates", "updates_set_aside"):
            first, following = (f"'{each:%Y-%m-%d}'" for each in (starts, ends))
            name = f"{parent}_{starts:%Y_%m}"
            await outside.execute(
                _MAKE_MONTH.format(parent=parent, name=name, first=first, next=following)
            )
        await outside.execute("RESET ROLE")

    async def age_updates(bot_id: BotId, months: int) -> None:
        for table in ("updates", "updates_set_aside"):
            await outside.execute(_AGE_UPDATES.format(table=table), bot_id, months)

    yield RetentionRig(
        postgres_storage,
        PostgresRetention(app_engine),
        make_month,
        age_updates,
    )
    await outside.close()


def _age(table: Table[K, UpdateRow] | Table[K, SetAside], months: int) -> None:
    for key, row in table.rows.items():
        received_at = months_before(row.received_at, months)
        table.rows[key] = msgspec.structs.replace(row, received_at=received_at)  # type: ignore[assignment] # the same sort of row


def _first_id(starts: datetime) -> str:
    midnight = starts.replace(hour=0, minute=0, second=0, microsecond=0)
    return f"{int(midnight.timestamp() * 1000):012x}".ljust(32, "0")


@pytest.fixture(
    params=["in_memory_retention", pytest.param("postgres_retention", marks=pytest.mark.external)]
)
def rig(request: pytest.FixtureRequest) -> RetentionRig:
    found: RetentionRig = request.getfixturevalue(request.param)
    return found
