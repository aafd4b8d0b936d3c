"""What has to be done once in a while; that several processes do it is harmless."""

import asyncio
import logging

from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql.partitions import ensure_partitions
from skua_core.errors import StorageUnavailable

_log = logging.getLogger(__name__)
_DAY = 86_400.0
_SOON = 60.0
"""Seconds until another try, when the tables were busy or the database away."""


async def keep_partitions(engine: AsyncEngine) -> None:
    """Have the coming months' partitions made, for as long as this process runs."""
    while True:
        wait = _DAY
        try:
            async with engine.begin() as connection:
                made = await ensure_partitions(connection)
            if made:
                _log.info("Made %d partitions for the coming months", made)
        except StorageUnavailable as error:
            _log.warning("Partitions for the coming months have to wait: %s", error)
            wait = _SOON
        await asyncio.sleep(wait)
