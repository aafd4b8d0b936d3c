"""Freezing audiences, queueing single messages, cancelling what waits."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from itertools import islice

import msgspec

from skua_adapters._memory.memory import Transaction
from skua_adapters._memory.rows import DeliveryRow, DirectMessage, FormerOutcome
from skua_adapters.tenant_storage.in_memory.moves import counters_hold, finish_if_done, move, skip
from skua_core.domain.broadcast import BroadcastStatus
from skua_core.domain.content import RenderedMessage
from skua_core.domain.delivery import (
    DeliveryCounts,
    DeliveryKey,
    DeliveryKind,
    DeliveryStatus,
    DirectOrigin,
    Reason,
)
from skua_core.domain.subscriber import SubscriberStatus
from skua_core.ids import BroadcastId, ChatId, DirectMessageId, SourceId, SubscriberId
from skua_core.ports.repositories import DeliveryRepository, Recipient, Unproven

_UNPROVEN_SOURCES = 20


class InMemoryDeliveryRepository(DeliveryRepository):
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def freeze(self, broadcast_id: BroadcastId) -> int:
        tx = self._transaction
        broadcast = tx.broadcasts.get(broadcast_id)
        if broadcast is None or broadcast.frozen_at is not None:
            return 0
        if broadcast.status is not BroadcastStatus.SENDING:
            return 0
        subscribers = sorted(tx.subscribers.values(), key=lambda row: row.id)
        active = [row for row in subscribers if row.status is SubscriberStatus.ACTIVE]
        for position, subscriber in enumerate(active, start=1):
            row = DeliveryRow(
                key=DeliveryKey(SourceId(broadcast_id), position),
                subscriber_id=subscriber.id,
                kind=DeliveryKind.BROADCAST,
            )
            tx.deliveries.put(row.key, row)
        excluded = Counter(row.status for row in subscribers)
        del excluded[SubscriberStatus.ACTIVE]
        broadcast.excluded = dict(excluded)
        broadcast.counts = DeliveryCounts(pending=len(active))
        broadcast.frozen_at = tx.now()
        tx.broadcasts.put(broadcast_id, broadcast)
        finish_if_done(tx, broadcast_id, tx.now())
        return len(active)

    async def enqueue_direct(
        self,
        message_id: DirectMessageId,
        *,
        kind: DeliveryKind,
        subscriber_id: SubscriberId,
        content: RenderedMessage,
        lifetime: float,
        origin: DirectOrigin | None = None,
    ) -> None:
        now = self._transaction.now()
        source_id = SourceId(message_id)
        row = DeliveryRow(
            key=DeliveryKey(source_id, 1),
            subscriber_id=subscriber_id,
            kind=kind,
            due_at=now,
            not_after=now + timedelta(seconds=lifetime),
        )
        self._transaction.direct_messages.put(source_id, DirectMessage(content, origin))
        self._transaction.deliveries.put(row.key, row)

    async def cancel_pending(self, broadcast_id: BroadcastId, *, limit: int = 10_000) -> int:
        tx = self._transaction
        broadcast = tx.broadcasts.get(broadcast_id)
        if broadcast is None or broadcast.status is not BroadcastStatus.CANCELLED:
            return 0
        waiting = (
            row for row in tx.broadcast_rows(broadcast_id) if row.status is DeliveryStatus.PENDING
        )
        cancelled = list(islice(waiting, limit))
        for row in cancelled:
            skip(tx, row, Reason.CANCELLED)
        finish_if_done(tx, broadcast_id, tx.now())
        return len(cancelled)

    async def resend_next(self, broadcast_id: BroadcastId, *, limit: int = 10_000) -> bool:
        tx = self._transaction
        broadcast = tx.broadcasts.get(broadcast_id)
        progress = tx.progress.get(broadcast_id)
        if broadcast is None or progress is None or not broadcast.resending:
            return False
        last = min(progress.resend_cursor + limit, broadcast.counts.total)
        for position in range(progress.resend_cursor + 1, last + 1):
            row = tx.deliveries.get(DeliveryKey(SourceId(broadcast_id), position))
            if row is not None and row.status in broadcast.resending:
                _send_again(tx, row)
        more = last < broadcast.counts.total
        progress.resend_cursor = last if more else 0
        tx.progress.put(broadcast_id, progress)
        if not more:
            _end_resending(tx, broadcast_id)
        return more

    async def recipients(self, broadcast_id: BroadcastId) -> AsyncIterator[Recipient]:
        for row in self._transaction.broadcast_rows(broadcast_id):
            subscriber = self._transaction.subscribers.get(row.subscriber_id)
            yield Recipient(
                position=row.key.position,
                subscriber_id=row.subscriber_id,
                chat_id=subscriber.chat_id if subscriber else None,
                status=row.status,
                reason=row.reason,
                detail=row.detail,
                attempt=row.attempt,
                message_id=row.message_id,
                finished_at=row.finished_at,
            )

    async def unproven(self, chat_id: ChatId) -> Sequence[Unproven]:
        tx = self._transaction
        unsure = [
            each
            for each in tx.broadcasts.values()
            if each.counts.uncertain and each.archived_at is None
        ]
        unsure.sort(key=lambda each: each.id, reverse=True)
        subscriber = next(iter(tx.subscribers.find("chat", chat_id)), None)
        found: list[Unproven] = []
        for broadcast in unsure[:_UNPROVEN_SOURCES]:
            row = tx.delivery_to(SourceId(broadcast.id), chat_id)
            if subscriber is None or row is None or row.status is not DeliveryStatus.UNCERTAIN:
                continue
            if row.revision is None or row.claimed_at is None or row.finished_at is None:
                continue
            found.append(
                Unproven(
                    source_id=row.key.source_id,
                    campaign_id=broadcast.campaign_id,
                    revision=row.revision,
                    attempt=row.attempt,
                    claimed_at=row.claimed_at,
                    finished_at=row.finished_at,
                )
            )
        return found

    async def prove(self, source_id: SourceId, chat_id: ChatId, message_id: int) -> bool:
        tx = self._transaction
        row = tx.delivery_to(source_id, chat_id)
        broadcast = tx.broadcasts.get(BroadcastId(source_id))
        if broadcast is not None and broadcast.archived_at is not None:
            return False
        if row is None or not _can_be_proven(row):
            return False
        proven = msgspec.structs.replace(
            row,
            status=DeliveryStatus.SENT,
            reason=None,
            detail=None,
            message_id=message_id,
            finished_at=tx.now(),
        )
        move(tx, row, proven)
        finish_if_done(tx, BroadcastId(source_id), tx.now())
        return True

    async def audit_counts(self, broadcast_id: BroadcastId) -> bool:
        broadcast = self._transaction.broadcasts.get(broadcast_id)
        if broadcast is None:
            return False
        return broadcast.archived_at is not None or counters_hold(self._transaction, broadcast)


def _can_be_proven(row: DeliveryRow) -> bool:
    if row.status is DeliveryStatus.PENDING:
        return row.attempt > 1
    return row.status is DeliveryStatus.UNCERTAIN


def _send_again(tx: Transaction, row: DeliveryRow) -> None:
    former = FormerOutcome(
        status=row.status,
        reason=row.reason,
        detail=row.detail,
        message_id=row.message_id,
        finished_at=row.finished_at,
    )
    tx.delivery_attempts.put((row.key, row.attempt), former)
    again = msgspec.structs.replace(
        row,
        status=DeliveryStatus.PENDING,
        attempt=row.attempt + 1,
        migrated=False,
        reason=None,
        detail=None,
        message_id=None,
        finished_at=None,
        due_at=tx.now(),
    )
    move(tx, row, again)


def _end_resending(tx: Transaction, broadcast_id: BroadcastId) -> None:
    broadcast = tx.broadcasts.get(broadcast_id)
    if broadcast is not None:
        broadcast.resending = ()
        tx.broadcasts.put(broadcast_id, broadcast)
        finish_if_done(tx, broadcast_id, tx.now())
