"""Broadcasts of one bot, and the slot that one of them may hold."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from skua_adapters._memory.memory import Transaction
from skua_adapters._memory.rows import Progress
from skua_core.domain.broadcast import Broadcast, BroadcastReport, BroadcastStatus
from skua_core.domain.delivery import REASONS
from skua_core.errors import BroadcastAlreadySending, ResourceNotFound
from skua_core.ids import BroadcastId, CampaignId
from skua_core.ports.repositories import BroadcastRepository

_EXPLAINED = REASONS.keys()
"""A row that was refused once keeps the reason while it waits, but that's no outcome."""


class InMemoryBroadcastRepository(BroadcastRepository):
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._rows = transaction.broadcasts

    async def get(
        self,
        broadcast_id: BroadcastId,
        *,
        lock: bool = False,  # noqa: ARG002 - units of a bot take turns
    ) -> Broadcast | None:
        return self._rows.get(broadcast_id)

    async def add(self, broadcast: Broadcast) -> None:
        self._check_slot(broadcast)
        self._rows.put(broadcast.id, broadcast)
        self._transaction.progress.put(broadcast.id, Progress())

    async def save(self, broadcast: Broadcast) -> None:
        stored = self._rows.get(broadcast.id)
        if stored is None:
            raise ResourceNotFound
        self._check_slot(broadcast)
        stored.status = broadcast.status
        stored.pause_reason = broadcast.pause_reason
        stored.pause_detail = broadcast.pause_detail
        stored.revision = broadcast.revision
        stored.former_revisions = broadcast.former_revisions
        stored.resending = broadcast.resending
        stored.blocks = broadcast.blocks
        stored.blocks_since = broadcast.blocks_since
        stored.changed_at = broadcast.changed_at
        stored.finished_at = broadcast.finished_at
        self._rows.put(stored.id, stored)

    async def last_sent(self, campaign_id: CampaignId, revision: int) -> datetime | None:
        return max(
            (
                row.created_at
                for row in self._rows.values()
                if row.campaign_id == campaign_id
                and revision in (row.revision, *row.former_revisions)
            ),
            default=None,
        )

    async def page(
        self, *, before: BroadcastId | None, limit: int, status: BroadcastStatus | None = None
    ) -> Sequence[Broadcast]:
        rows = self._rows.values() if status is None else self._rows.find("status", status)
        newest_first = sorted(rows, key=lambda row: row.id, reverse=True)
        return [row for row in newest_first if before is None or row.id < before][:limit]

    async def report(self, broadcast_id: BroadcastId) -> BroadcastReport | None:
        broadcast = self._rows.get(broadcast_id)
        if broadcast is None:
            return None
        rows = self._transaction.broadcast_rows(broadcast_id)
        reasons = Counter(
            row.reason for row in rows if row.reason is not None and row.status in _EXPLAINED
        )
        return BroadcastReport(broadcast=broadcast, reasons=dict(reasons))

    def _check_slot(self, broadcast: Broadcast) -> None:
        if broadcast.status is not BroadcastStatus.SENDING:
            return
        holders = self._rows.find("status", BroadcastStatus.SENDING)
        if any(holder.id != broadcast.id for holder in holders):
            raise BroadcastAlreadySending
