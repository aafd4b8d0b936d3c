"""Broadcasts of one bot, and the slot that one of them may hold."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from skua_adapters._memory.memory import Transaction
from skua_adapters._memory.rows import DeliveryRow, Progress
from skua_adapters.tenant_storage.in_memory.moves import counters_hold
from skua_core.domain.broadcast import Broadcast, BroadcastReport, BroadcastStatus
from skua_core.domain.delivery import DeliveryStatus, Reason
from skua_core.errors import BroadcastAlreadySending, ResourceNotFound
from skua_core.ids import BroadcastId, CampaignId, ChatId, SourceId
from skua_core.ports.repositories import BroadcastRepository

_OVER = frozenset({BroadcastStatus.COMPLETED, BroadcastStatus.CANCELLED})
_A_DAY = timedelta(days=1)
_A_SECOND = timedelta(seconds=1)
"""Telegram's dates are whole seconds."""


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
        stored.unknown_chats_accepted = broadcast.unknown_chats_accepted
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
        archived = self._transaction.archived_reasons.get(broadcast_id)
        reasons = self._reasons(broadcast_id) if archived is None else archived
        return BroadcastReport(broadcast=broadcast, reasons=reasons)

    async def archive(self, broadcast_id: BroadcastId) -> bool:
        broadcast = self._rows.get(broadcast_id)
        if broadcast is None or broadcast.archived_at is not None:
            return False
        if broadcast.status not in _OVER or broadcast.finished_at is None:
            return False
        if not counters_hold(self._transaction, broadcast):
            return False
        self._transaction.archived_reasons.put(broadcast_id, self._reasons(broadcast_id))
        broadcast.archived_at = self._transaction.now()
        self._rows.put(broadcast_id, broadcast)
        return True

    async def note_block(self, chat_id: ChatId, at: datetime) -> Broadcast | None:
        received = self._received_last(chat_id, before=at + _A_SECOND)
        if received is None or received[1].reason is not None:
            return None
        broadcast, row = received
        marked = msgspec.structs.replace(row, reason=Reason.BLOCKED_AFTER)
        self._transaction.deliveries.put(row.key, marked)
        broadcast.blocks += 1
        self._rows.put(broadcast.id, broadcast)
        return broadcast

    def _reasons(self, broadcast_id: BroadcastId) -> dict[Reason, int]:
        rows = self._transaction.broadcast_rows(broadcast_id)
        return dict(
            Counter(
                row.reason for row in rows if row.reason is not None and row.finished_at is not None
            )
        )

    def _received_last(
        self, chat_id: ChatId, *, before: datetime
    ) -> tuple[Broadcast, DeliveryRow] | None:
        now = self._transaction.now()
        recent = [
            each
            for each in self._rows.values()
            if each.finished_at is None or each.finished_at > now - _A_DAY
        ]
        recent.sort(
            key=lambda each: (each.status is BroadcastStatus.SENDING, each.id), reverse=True
        )
        for broadcast in recent:
            row = self._transaction.delivery_to(SourceId(broadcast.id), chat_id)
            if row is None or row.status is not DeliveryStatus.SENT or row.finished_at is None:
                continue
            if row.finished_at <= before:
                return broadcast, row
        return None

    def _check_slot(self, broadcast: Broadcast) -> None:
        if broadcast.status is not BroadcastStatus.SENDING:
            return
        holders = self._rows.find("status", BroadcastStatus.SENDING)
        if any(holder.id != broadcast.id for holder in holders):
            raise BroadcastAlreadySending
