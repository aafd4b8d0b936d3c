"""One connection past SQLAlchemy, for what needs a session of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from skua_adapters._sql.errors import driver_dsn, translated


@asynccontextmanager
async def connect(url: str, *, connect_timeout: float) -> AsyncIterator[asyncpg.Connection]:
    """Raises StorageUnavailable and StorageUnfit, also for what is done with it."""
    with translated():
        connection = await asyncpg.connect(driver_dsn(url), timeout=connect_timeout)
        try:
            yield connection
        finally:
            await connection.close(timeout=connect_timeout)
