"""What only real partitions can get wrong: their locks, their copies, the ends of months."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql import roles
from skua_adapters._sql.migrations import downgrade, migrate
from skua_adapters.retention.postgres import PostgresRetention
from skua_core.errors import StorageUnavailable
from skua_core.ports.retention import KeptMonths
from skua_core.use_cases.retention import ApplyRetention
from tests.contract.database import make_roles
from tests.contract.rigs.retention import RetentionRig, postgres_retention
from tests.contract.rigs.scene import Scene
from tests.postgres_cluster import Database, PostgresCluster

__all__ = ["postgres_retention"]

pytestmark = pytest.mark.external

KEEP = KeptMonths(deliveries=1, updates=2)
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
MOMENT = timedelta(seconds=1)
RECORD = "SELECT tenant.record_update($1, $2, $3)"


@pytest.fixture
def migrated_database(own_database: Database) -> Database:
    """Months are of all bots: no two tests share them."""
    return own_database


@pytest.fixture
async def outside(own_database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(own_database.dsn)
    yield connection
    await connection.close()


async def partitions(connection: asyncpg.Connection) -> set[str]:
    rows = await connection.fetch(
        "SELECT inhrelid::regclass::text FROM pg_inherits"
        " JOIN pg_class ON pg_class.oid = inhparent"
        " WHERE relnamespace = 'tenant'::regnamespace AND relkind = 'p'"
    )
    return {row[0].removeprefix("tenant.") for row in rows}


async def test_this_month_and_those_to_come_are_never_dropped(
    app_engine: AsyncEngine, outside: asyncpg.Connection
) -> None:
    before = await partitions(outside)

    dropped = await PostgresRetention(app_engine).drop_next(KEEP)

    assert dropped is None
    assert await partitions(outside) == before
    assert len([name for name in before if name.endswith("_default")]) == 5


async def test_nobody_can_ask_for_less_than_a_month(
    postgres_retention: RetentionRig, outside: asyncpg.Connection
) -> None:
    await postgres_retention.make_month(1)

    for keep in (0, -5):
        assert await outside.fetchval("SELECT tenant.drop_old_partition($1, $1)", keep) is None


async def test_a_table_that_somebody_reads_for_long_is_left_until_later(
    postgres_retention: RetentionRig, outside: asyncpg.Connection
) -> None:
    await postgres_retention.make_month(5)
    began = time.monotonic()
    async with outside.transaction():
        await outside.execute("LOCK TABLE tenant.delivery_attempts IN ACCESS SHARE MODE")

        with pytest.raises(StorageUnavailable, match="somebody else holds"):
            await postgres_retention.retention.drop_next(KEEP)

    assert time.monotonic() - began < 10
    name = postgres_retention.name("delivery_attempts", 5)
    assert name in await partitions(outside)
    assert await postgres_retention.retention.drop_next(KEEP) == name


async def test_a_broadcast_whose_counters_are_not_its_rows_is_kept_whole(
    postgres_retention: RetentionRig, outside: asyncpg.Connection
) -> None:
    rig = postgres_retention
    await rig.make_month(5)
    scene = await Scene.set(rig.storage)
    await scene.subscribe(2)
    broadcast = await rig.then(scene, 5).start()
    await scene.send_all(await scene.lease())
    await outside.execute("UPDATE tenant.broadcasts SET sent = 1, failed = 1")

    retained = await ApplyRetention(
        storage=rig.storage.tenants, retention=rig.retention, keep=KEEP
    )()

    assert retained.archived == 0
    assert rig.name("deliveries", 5) not in retained.dropped
    assert len(await scene.recipients(broadcast)) == 2


# The end of a month


@pytest.mark.parametrize("number", [5, -5])
async def test_an_update_is_recorded_once_over_the_end_of_a_month(
    number: int, outside: asyncpg.Connection
) -> None:
    """Also by a clock that was set back."""
    bot, away = uuid4(), number * MOMENT

    assert await outside.fetchval(RECORD, bot, 7, NEW_YEAR - away)
    assert not await outside.fetchval(RECORD, bot, 7, NEW_YEAR + away)
    assert not await outside.fetchval(RECORD, bot, 7, NEW_YEAR - away)
    assert await outside.fetchval(RECORD, bot, 8, NEW_YEAR + away)
    assert await outside.fetchval(RECORD, uuid4(), 7, NEW_YEAR + away)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (NEW_YEAR - MOMENT, NEW_YEAR + MOMENT),
        (NEW_YEAR + MOMENT, NEW_YEAR - MOMENT),
        (NEW_YEAR + MOMENT, NEW_YEAR + MOMENT),
        (NEW_YEAR + timedelta(days=9), NEW_YEAR + timedelta(days=9)),
    ],
)
@pytest.mark.parametrize("kept", [True, False])
async def test_of_two_at_once_one_waits_for_the_other(
    first: datetime,
    second: datetime,
    *,
    kept: bool,
    own_database: Database,
    outside: asyncpg.Connection,
) -> None:
    bot = uuid4()
    transaction = outside.transaction()
    await transaction.start()
    assert await outside.fetchval(RECORD, bot, 7, first)
    other = await asyncpg.connect(own_database.dsn)
    waiting = asyncio.create_task(recorded(other, bot, second))
    await asyncio.sleep(0.2)

    waited = not waiting.done()
    await (transaction.commit() if kept else transaction.rollback())

    assert waited
    assert await waiting is not kept
    await other.close()


async def recorded(connection: asyncpg.Connection, bot: UUID, at: datetime) -> bool:
    async with connection.transaction():
        found: bool = await connection.fetchval(RECORD, bot, 7, at)
    return found


# Migrations


async def test_rows_of_before_come_along_both_ways(
    cluster_with_roles: PostgresCluster, own_database: Database
) -> None:
    owner = own_database.url_of(roles.OWNER)
    await make_roles(cluster_with_roles, own_database)
    await downgrade(owner, "0008")
    connection = await asyncpg.connect(own_database.dsn)
    await connection.execute(_ROWS)
    before = await _rows(connection)

    await migrate(owner)
    after = await _rows(connection)
    parts = {
        table: await connection.fetchval(f"SELECT min(tableoid::regclass::text) FROM {table}")  # noqa: S608 - names of ours
        for table in ("tenant.updates", "tenant.direct_messages", "tenant.delivery_attempts")
    }
    await downgrade(owner, "0008")

    assert after == before
    assert await _rows(connection) == before
    assert parts["tenant.updates"] == f"tenant.updates_{datetime.now(UTC):%Y_%m}"
    assert parts["tenant.direct_messages"] == "tenant.direct_messages_default"
    await connection.close()


_ROWS = """
    INSERT INTO tenant.updates SELECT gen_random_uuid(), n, now() FROM generate_series(1, 3) n;
    INSERT INTO tenant.updates_set_aside
    SELECT gen_random_uuid(), gen_random_uuid(), n, 'raw', 'cut short', now() - interval '90 days'
    FROM generate_series(1, 3) n;
    INSERT INTO tenant.direct_messages (bot_id, id, content, created_at, variant)
    SELECT gen_random_uuid(), gen_random_uuid(), 'content', now(), 'de' FROM generate_series(1, 3);
    INSERT INTO tenant.delivery_attempts
    SELECT gen_random_uuid(), gen_random_uuid(), 1, 1, 'failed', 'refused', 'words', 5, now()
    FROM generate_series(1, 3)
"""


async def _rows(connection: asyncpg.Connection) -> list[str]:
    return [
        row[0]
        for table in ("updates", "updates_set_aside", "direct_messages", "delivery_attempts")
        for row in await connection.fetch(
            f"SELECT (to_jsonb(t) - 'month')::text FROM tenant.{table} t ORDER BY 1"  # noqa: S608 - names of ours
        )
    ]
