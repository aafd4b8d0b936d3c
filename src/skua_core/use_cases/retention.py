"""Let go of old rows: archive the broadcasts they belong to, then drop them month by month."""

import logging

import msgspec

from skua_core.ids import BotId, BroadcastId
from skua_core.ports.retention import KeptMonths, Retention
from skua_core.ports.tenant_storage import TenantStorage, UnitKind

_log = logging.getLogger(__name__)
_BATCH = 100


class Retained(msgspec.Struct, frozen=True, kw_only=True):
    archived: int
    """Broadcasts of which only the totals are kept from now on."""
    dropped: tuple[str, ...]
    """Months of tables, by name."""


class ApplyRetention:
    """Archive what is over and no longer kept, then drop the months of which nothing is open.

    It may be cut short at any point, and done again by anybody.
    """

    def __init__(self, *, storage: TenantStorage, retention: Retention, keep: KeptMonths) -> None:
        self._storage = storage
        self._retention = retention
        self._keep = keep

    async def __call__(self) -> Retained:
        """Raises StorageUnavailable, also while somebody reads a table for long."""
        archived = await self._archive_all()
        dropped: list[str] = []
        while (name := await self._retention.drop_next(self._keep)) is not None:
            _log.info("Dropped %s, which isn't kept any longer", name)
            dropped.append(name)
        return Retained(archived=archived, dropped=tuple(dropped))

    async def _archive_all(self) -> int:
        archived, after = 0, None
        while batch := await self._retention.to_archive(self._keep, after=after, limit=_BATCH):
            for bot_id, broadcast_id in batch:
                archived += await self._archive(bot_id, broadcast_id)
                after = broadcast_id
        return archived

    async def _archive(self, bot_id: BotId, broadcast_id: BroadcastId) -> bool:
        # Totals are taken from a ledger of its own; no person's doing is to be audited.
        async with self._storage.unit(bot_id, UnitKind.LANE) as unit:
            archived = await unit.broadcasts.archive(broadcast_id)
            await unit.commit()
        if not archived:
            _log.error(
                "Broadcast %s of bot %s can't be archived: it is under way again, or its counters"
                " aren't its rows. Its month is kept.",
                broadcast_id,
                bot_id,
            )
        return archived
