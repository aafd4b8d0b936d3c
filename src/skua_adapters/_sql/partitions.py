"""Monthly partitions of the ledger and of the audit log, made ahead."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import func

MONTHS_AHEAD = 3


async def ensure_partitions(connection: AsyncConnection, months_ahead: int = MONTHS_AHEAD) -> int:
    """Make what is missing up to ``months_ahead``; how many that were.

    Each is committed by itself, so that nobody who uses two tables meets one who locks both.

    Raises StorageUnavailable when the tables are too busy: try again later.
    """
    made = 0
    for function in (func.tenant.ensure_partitions, func.audit.ensure_partitions):
        while now_made := (await connection.execute(select(function(months_ahead)))).scalar_one():
            await connection.commit()
            made += now_made
    await connection.commit()
    return made
