"""The scheduled jobs: what one worker at a time does once in a while, for all."""

import logging
from collections.abc import Sequence

from dishka import AsyncContainer
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql.errors import translated
from skua_adapters._sql.partitions import ensure_partitions
from skua_core.domain.lane import LaneTimes
from skua_core.use_cases.accounts.forgetting import ForgetEnded
from skua_core.use_cases.retention import ApplyRetention
from skua_worker.orphaned_media import OrphanedMedia
from skua_worker.poller import WebhookRepairer
from skua_worker.scheduled_jobs import ScheduledJob
from skua_worker.unserved import UnservedBroadcasts

_log = logging.getLogger(__name__)
_HOUR = 3_600.0
_DAY = 24 * _HOUR


async def scheduled_jobs(container: AsyncContainer) -> Sequence[ScheduledJob]:
    """All of them; a new one is a row here.

    A job's name is its row's in ``platform.scheduled_jobs``, so each process has to use the same.
    """
    engine = await container.get(AsyncEngine)
    times = await container.get(LaneTimes)
    apply_retention = await container.get(ApplyRetention)
    forget_ended = await container.get(ForgetEnded)

    async def make_partitions() -> None:
        await _make_partitions(engine)

    async def retain() -> None:
        await apply_retention()

    async def forget() -> None:
        await forget_ended()

    return (
        ScheduledJob(
            name="interrupt-unserved",
            every=times.sweep,
            run=await container.get(UnservedBroadcasts),
        ),
        ScheduledJob(name="repair-webhooks", every=20.0, run=await container.get(WebhookRepairer)),
        ScheduledJob(name="make-partitions", every=_DAY, run=make_partitions),
        ScheduledJob(
            name="remove-orphaned-media", every=_DAY, run=await container.get(OrphanedMedia)
        ),
        ScheduledJob(name="forget-ended", every=_HOUR, run=forget),
        # Trying to drop what a backup reads makes others wait, so it is tried seldom.
        ScheduledJob(name="apply-retention", every=_DAY, run=retain, retry_in=_HOUR),
    )


async def _make_partitions(engine: AsyncEngine) -> None:
    """Those of the coming months. Raises StorageUnavailable when the tables are too busy."""
    with translated():
        async with engine.connect() as connection:
            made = await ensure_partitions(connection)
    if made:
        _log.info("Made %d partitions for the coming months", made)
