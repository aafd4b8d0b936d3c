"""Whether a database may be used: the role, the version, and every lock in its catalogue."""

from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from skua_adapters._sql import boot_queries
from skua_adapters._sql.errors import translated
from skua_adapters._sql.migrations.runner import (
    check_known,
    current_version,
    head_version,
)
from skua_adapters._sql.tables import PlatformBase
from skua_core.errors import StorageUnfit

_WITHOUT_ROW_SECURITY = sorted(table.name for table in PlatformBase.metadata.tables.values())


async def check_storage(engine: AsyncEngine) -> None:
    """Raises StorageUnfit with all that is wrong, StorageUnavailable when nobody answers.

    ``engine`` is the one that the program will use, with its role.
    """
    with translated():
        async with engine.connect() as connection:
            # One after the other, since each would make noise about what the one before says.
            for problems in (_wrong_role, _wrong_version, _open_locks):
                found = await problems(connection)
                if found:
                    raise StorageUnfit(tuple(found))


async def _wrong_role(connection: AsyncConnection) -> list[str]:
    for query in boot_queries.ROLE:
        found = await _ask(connection, query)
        if found:
            return found
    return []


async def _wrong_version(connection: AsyncConnection) -> list[str]:
    try:
        version = await connection.run_sync(current_version)
    except ProgrammingError:
        # It may not look; whoever migrates gives it leave.
        await connection.rollback()
        version = None
    head = head_version()
    if version == head:
        return []
    if version is None:
        return ["it has no tables of Skua's; run `skua migrate`"]
    check_known(version)
    return [f"it is at version {version}, this program needs {head}; run `skua migrate`"]


async def _open_locks(connection: AsyncConnection) -> list[str]:
    queries = [*boot_queries.SERVER, *(boot_queries.TENANT_TABLES + q for q in boot_queries.LOCKS)]
    found = [problem for query in queries for problem in await _ask(connection, query)]
    return found + await _ask(
        connection, boot_queries.PLATFORM, [*_WITHOUT_ROW_SECURITY, "alembic_version"]
    )


async def _ask(connection: AsyncConnection, query: str, *parameters: object) -> list[str]:
    result = await connection.exec_driver_sql(query, parameters or None)
    return list(result.scalars())
