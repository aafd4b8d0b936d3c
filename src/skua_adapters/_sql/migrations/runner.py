"""Brings a database to a version; two at once wait for each other."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import func

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.errors import translated
from skua_adapters._sql.partitions import ensure_partitions
from skua_core.errors import StorageUnavailable, StorageUnfit

_LOCK = 0x736B7561  # "skua"
_POLL_SECONDS = 0.1


async def migrate(owner_url: str, *, wait: float = 60.0) -> None:
    """Upgrade to the newest version, and make the partitions of the coming months.

    ``owner_url`` is that of skua_owner, not through a pooler. ``wait`` is how many seconds another
    migration may take. Raises StorageUnavailable and StorageUnfit; a version is made whole or not
    at all.
    """
    async with _migrating(owner_url, wait) as connection:
        await connection.run_sync(_apply, lambda settings: command.upgrade(settings, "head"))
        await ensure_partitions(connection)


async def downgrade(owner_url: str, version: str, *, wait: float = 60.0) -> None:
    """Back to ``version`` (``base`` is before the first); what came later is lost with its rows."""
    async with _migrating(owner_url, wait) as connection:
        await connection.run_sync(_apply, lambda settings: command.downgrade(settings, version))


async def current_and_head(url: str) -> tuple[str | None, str]:
    """The database's version, None for an empty one, and the version that this program needs."""
    engine = create_engine(url, pool_size=1)
    try:
        with translated():
            async with engine.connect() as connection:
                return await connection.run_sync(current_version), head_version()
    finally:
        await engine.dispose()


def head_version() -> str:
    version = ScriptDirectory.from_config(config()).get_current_head()
    if version is None:
        raise RuntimeError("the migrations are not part of this installation")
    return version


def current_version(connection: Connection) -> str | None:
    options = {"version_table_schema": "platform"}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def check_known(version: str | None) -> None:
    """Raises StorageUnfit for a version that isn't one of this program's."""
    scripts = ScriptDirectory.from_config(config())
    if version not in {None, *(each.revision for each in scripts.walk_revisions())}:
        problem = f"a newer Skua brought it to version {version}, this one knows {head_version()}"
        raise StorageUnfit((f"{problem}; update Skua",))


def config() -> Config:
    settings = Config()
    settings.set_main_option("script_location", "skua_adapters:_sql/migrations")
    return settings


def _apply(connection: Connection, move: Callable[[Config], None]) -> None:
    settings = config()
    settings.attributes["connection"] = connection
    move(settings)


@asynccontextmanager
async def _migrating(owner_url: str, wait: float) -> AsyncIterator[AsyncConnection]:
    """Alone with the database, as its owner."""
    engine = create_engine(owner_url, pool_size=1)
    try:
        with translated():
            async with engine.connect() as connection:
                await _check_roles(connection)
                await _lock(connection, wait)
                await _begin(connection)
                await connection.commit()
                # The connection's end frees the lock, also after a failure.
                yield connection
    finally:
        await engine.dispose()


async def _begin(connection: AsyncConnection) -> None:
    """Raises StorageUnfit for a database that is ahead of this program."""
    # Asked first, since CREATE … IF NOT EXISTS wants leave to create also when it exists.
    if not await connection.scalar(select(func.to_regnamespace("platform").is_not(None))):
        await connection.exec_driver_sql("CREATE SCHEMA platform")
    check_known(await connection.run_sync(current_version))


async def _check_roles(connection: AsyncConnection) -> None:
    names = ", ".join(f"('{name}')" for name in roles.ALL)
    result = await connection.exec_driver_sql(
        f"SELECT name FROM (VALUES {names}) AS needed (name)"  # noqa: S608 - constants
        " WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)"
    )
    missing = result.scalars().all()
    if missing:
        raise StorageUnfit(
            (f"it has no role {', '.join(missing)}; run `skua migrate --create-roles`",)
        )
    user = await connection.scalar(select(func.current_user()))
    if user != roles.OWNER:
        raise StorageUnfit((f"migrations run as {roles.OWNER}, not as {user}",))
    begun = func.to_regnamespace("platform").is_not(None)
    may_begin = func.has_database_privilege(func.current_database(), "CREATE")
    if not await connection.scalar(select(or_(begun, may_begin))):
        raise StorageUnfit((f"{user} may make nothing in it; run `skua migrate --create-roles`",))


async def _lock(connection: AsyncConnection, wait: float) -> None:
    # Tried again and again, each time in a transaction of its own: one that waits inside would
    # keep a snapshot, for whose end CREATE INDEX CONCURRENTLY of the other one waits in turn.
    deadline = time.monotonic() + wait
    while not await connection.scalar(select(func.pg_try_advisory_lock(_LOCK))):
        await connection.commit()
        if time.monotonic() >= deadline:
            raise StorageUnavailable("another migration is running")
        await asyncio.sleep(_POLL_SECONDS)
    await connection.commit()
