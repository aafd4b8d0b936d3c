"""P10: rows never cross bots. Every shape of access, against both locks and each of them alone.

A last run has no lock at all and must find the other bot's rows, so that none of the others passes
for want of anything to find.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.exc import DBAPIError, InvalidRequestError, SAWarning
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.orm_lock import UnscopedStatement
from skua_adapters._sql.tenancy import BotSession, TenantSession
from skua_core.errors import ForeignRow
from tests.contract.tenancy import reading, writing
from tests.contract.tenancy.shape import Shape
from tests.contract.tenancy.world import TABLES, World
from tests.postgres_cluster import PostgresCluster

pytestmark = [
    pytest.mark.external,
    pytest.mark.promise("P10"),
    pytest.mark.asyncio(loop_scope="module"),
]

SHAPES = [*reading.SHAPES, *writing.SHAPES]
REFUSALS = (
    ForeignRow,
    UnscopedStatement,
    DBAPIError,  # a grant or a key
    InvalidRequestError,  # the object to refresh isn't there
    StaleDataError,  # the row to change isn't there
    SAWarning,  # the row to delete isn't there
)
NO_ROW_SECURITY = [
    f"ALTER TABLE tenant.{name} DISABLE ROW LEVEL SECURITY"
    for name in (*TABLES, "deliveries_default")
]
# Grants spare the bot's column, and keys begin with it: two more things that keep rows apart.
NO_GRANTS_OR_KEYS = [
    "GRANT ALL ON ALL TABLES IN SCHEMA tenant TO skua_app",
    "ALTER TABLE tenant.broadcasts DROP CONSTRAINT broadcasts_revision",
]


class UnlockedSession(BotSession):
    """Tells PostgreSQL the bot, and is otherwise any session."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._changeable = dict(super().info)

    @property
    def info(self) -> dict[str, Any]:
        return self._changeable


@dataclass
class Ground:
    """A database and a kind of session: which locks there are."""

    superuser: asyncpg.Connection
    engine: AsyncEngine
    session_class: type[BotSession]

    async def leaks(self, shape: Shape) -> list[object]:
        """What one bot gets, and does, of another's when it tries this."""
        world = await World.make(self.superuser)
        return await self._attempt(shape, world) + await world.damage(self.superuser)

    async def _attempt(self, shape: Shape, world: World) -> list[object]:
        bot_id = world.mine.bot_id
        session = AsyncSession(self.engine, sync_session_class=self.session_class, bot_id=bot_id)
        async with session:
            try:
                found = world.foreign(await shape.access(session, world))
                await session.commit()
            except REFUSALS:
                return []
            return found


@asynccontextmanager
async def ground(
    cluster: PostgresCluster, template: str, session_class: type[BotSession], *without: str
) -> AsyncIterator[Ground]:
    database = cluster.create_database(template)
    async with AsyncExitStack() as cleanup:
        cleanup.callback(cluster.drop_database, database)
        superuser = await asyncpg.connect(database.dsn)
        cleanup.push_async_callback(superuser.close)
        for statement in without:
            await superuser.execute(statement)
        engine = create_engine(database.url_of(roles.APP), pool_size=1)
        cleanup.push_async_callback(engine.dispose)
        yield Ground(superuser, engine, session_class)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both_locks(
    cluster_with_roles: PostgresCluster, migrated_template: str
) -> AsyncIterator[Ground]:
    async with ground(cluster_with_roles, migrated_template, TenantSession) as it:
        yield it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def orm_lock(
    cluster_with_roles: PostgresCluster, migrated_template: str
) -> AsyncIterator[Ground]:
    async with ground(cluster_with_roles, migrated_template, TenantSession, *NO_ROW_SECURITY) as it:
        yield it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def row_security(
    cluster_with_roles: PostgresCluster, migrated_template: str
) -> AsyncIterator[Ground]:
    async with ground(cluster_with_roles, migrated_template, UnlockedSession) as it:
        yield it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def no_lock(
    cluster_with_roles: PostgresCluster, migrated_template: str
) -> AsyncIterator[Ground]:
    nothing = (*NO_ROW_SECURITY, *NO_GRANTS_OR_KEYS)
    async with ground(cluster_with_roles, migrated_template, UnlockedSession, *nothing) as it:
        yield it


async def test_the_shapes_are_numbered() -> None:
    assert [shape.number for shape in SHAPES] == list(range(1, len(SHAPES) + 1))
    assert len(SHAPES) >= 44


@pytest.mark.parametrize("shape", SHAPES, ids=str)
async def test_both_locks_hold(shape: Shape, both_locks: Ground) -> None:
    assert await both_locks.leaks(shape) == []


@pytest.mark.parametrize("shape", SHAPES, ids=str)
async def test_the_orm_lock_holds_alone(shape: Shape, orm_lock: Ground) -> None:
    """Or is known not to, where only row security can."""
    leaked = await orm_lock.leaks(shape)

    assert bool(leaked) is not shape.orm_lock


@pytest.mark.parametrize("shape", SHAPES, ids=str)
async def test_row_security_holds_alone(shape: Shape, row_security: Ground) -> None:
    """Or is known not to, where no statement is sent at all."""
    leaked = await row_security.leaks(shape)

    assert bool(leaked) is not shape.row_security


@pytest.mark.parametrize("shape", SHAPES, ids=str)
async def test_without_any_lock_rows_cross(shape: Shape, no_lock: Ground) -> None:
    assert await no_lock.leaks(shape) != []
