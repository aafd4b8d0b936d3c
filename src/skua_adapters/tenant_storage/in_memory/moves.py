"""How a delivery's row moves: its broadcast's counters follow, and the last one ends it."""

from collections import Counter
from datetime import datetime, timedelta

import msgspec

from skua_adapters._memory.memory import Transaction
from skua_adapters._memory.rows import DeliveryRow
from skua_core.domain.broadcast import Broadcast, BroadcastStatus
from skua_core.domain.delivery import (
    DeliveryCounts,
    DeliveryKind,
    DeliveryStatus,
    Reason,
)
from skua_core.ids import BroadcastId, ChatId, SubscriberId


def move(tx: Transaction, old: DeliveryRow, new: DeliveryRow) -> None:
    tx.deliveries.put(new.key, new)
    if new.kind is not DeliveryKind.BROADCAST or old.status is new.status:
        return
    broadcast = tx.broadcasts.get(BroadcastId(new.key.source_id))
    if broadcast is not None:
        broadcast.counts = _moved(broadcast.counts, old.status, new.status)
        tx.broadcasts.put(broadcast.id, broadcast)


def skip(tx: Transaction, row: DeliveryRow, reason: Reason) -> None:
    skipped = msgspec.structs.replace(
        row, status=DeliveryStatus.SKIPPED, reason=reason, detail=None, finished_at=tx.now()
    )
    move(tx, row, skipped)


def finish_if_done(tx: Transaction, broadcast_id: BroadcastId, now: datetime) -> None:
    """Date the end of a broadcast whose last outcome is known."""
    broadcast = tx.broadcasts.get(broadcast_id)
    if broadcast is None or broadcast.finished_at is not None or broadcast.counts.open:
        return
    frozen = broadcast.frozen_at is not None
    if broadcast.status is BroadcastStatus.SENDING and frozen and not broadcast.resending:
        broadcast.status = BroadcastStatus.COMPLETED
        broadcast.changed_at = now
    elif broadcast.status is not BroadcastStatus.CANCELLED:
        return
    broadcast.finished_at = now
    tx.broadcasts.put(broadcast_id, broadcast)


def counters_hold(tx: Transaction, broadcast: Broadcast) -> bool:
    """Whether they equal its rows."""
    rows = Counter(row.status.value for row in tx.broadcast_rows(broadcast.id))
    return msgspec.structs.asdict(broadcast.counts) == {
        status.value: rows[status.value] for status in DeliveryStatus
    }


def delay(tx: Transaction, subscriber_id: SubscriberId, seconds: float) -> None:
    """Nothing more to this chat for so long; what it waits for already is never shortened."""
    until = tx.now() + timedelta(seconds=seconds)
    tx.next_sends.put(subscriber_id, max(tx.next_sends.get(subscriber_id) or until, until))


def move_chat(tx: Transaction, old: ChatId, new: ChatId) -> None:
    """The chat got another id; two subscribers that turn out to be one merge into the newer id's.

    Where only one of the two was in an audience, the survivor takes over its row. Where both were,
    what was still pending of the other is skipped, and what was done stays as it is.
    """
    moved = next(iter(tx.subscribers.find("chat", old)), None)
    if moved is None or old == new:
        return
    survivor = next(iter(tx.subscribers.find("chat", new)), None)
    if survivor is None:
        moved.chat_id = new
        tx.subscribers.put(moved.id, moved)
        return
    survivor.absorb(moved)
    tx.subscribers.put(survivor.id, survivor)
    tx.subscribers.delete(moved.id)
    already = {row.key.source_id for row in tx.deliveries.find("subscriber", survivor.id)}
    for row in tx.deliveries.find("subscriber", moved.id):
        if row.key.source_id not in already:
            tx.deliveries.put(row.key, msgspec.structs.replace(row, subscriber_id=survivor.id))
        elif row.status is DeliveryStatus.PENDING:
            skip(tx, row, Reason.DUPLICATE)
            finish_if_done(tx, BroadcastId(row.key.source_id), tx.now())


def _moved(counts: DeliveryCounts, old: DeliveryStatus, new: DeliveryStatus) -> DeliveryCounts:
    return msgspec.structs.replace(
        counts,
        **{old.value: getattr(counts, old.value) - 1, new.value: getattr(counts, new.value) + 1},
    )
