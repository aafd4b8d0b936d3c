"""Some histories of a lane on PostgreSQL; unit tests try many more over memory."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters.id_factory.uuid7 import Uuid7IdFactory
from skua_adapters.platform_storage.postgres import PostgresPlatformStorage
from skua_adapters.tenant_storage.postgres import PostgresTenantStorage
from skua_core.domain.lane import LaneTimes
from skua_core.ids import BotId
from tests.contract.rigs.storage import _TIMES
from tests.lane_history.machine import LaneHistory
from tests.lane_history.world import Ground
from tests.postgres_cluster import Database

pytestmark = pytest.mark.external


@pytest.mark.timeout(300)
def test_no_history_breaks_the_ledger(migrated_database: Database) -> None:
    class PostgresLaneHistory(LaneHistory):
        def make_ground(self) -> Ground:
            return _ground(migrated_database)

    run_state_machine_as_test(
        PostgresLaneHistory,
        settings=settings(
            max_examples=6,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def _ground(database: Database) -> Ground:
    loop = asyncio.new_event_loop()
    engine = create_engine(database.url_of(roles.APP))
    outside = loop.run_until_complete(asyncpg.connect(database.dsn))
    ids, times = Uuid7IdFactory(), LaneTimes()

    async def let_pass(bot_id: BotId, seconds: float) -> None:
        for table, columns in _TIMES.items():
            older = ", ".join(f"{name} = {name} - $1::interval" for name in columns)
            await outside.execute(
                f"UPDATE {table} SET {older} WHERE bot_id = $2",  # noqa: S608 - names from a table
                timedelta(seconds=seconds),
                bot_id,
            )

    async def close() -> None:
        await outside.close()
        await engine.dispose()

    return Ground(
        loop=loop,
        tenants=PostgresTenantStorage(engine, times=times, ids=ids),
        platform=PostgresPlatformStorage(engine, ids=ids),
        times=times,
        ids=ids,
        now=lambda: datetime.now(UTC),
        let_pass=let_pass,
        close=close,
    )
