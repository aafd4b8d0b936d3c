"""What follows from one outcome."""

from datetime import datetime, timedelta

import msgspec

from skua_adapters._memory.memory import Transaction
from skua_adapters._memory.rows import BEHIND, DeliveryRow
from skua_adapters.tenant_storage.in_memory.moves import delay, move, move_chat, skip
from skua_core.domain.broadcast import BroadcastStatus
from skua_core.domain.delivery import DeliveryKind, DeliveryStatus, Reason, Settlement
from skua_core.ids import BroadcastId

_DEFINITE = frozenset({DeliveryStatus.SENT, DeliveryStatus.FAILED})


def settle_one(tx: Transaction, settlement: Settlement, *, epoch: int | None) -> None:
    """Record it, if its row still waits for it.

    ``epoch`` is the valid lease's; without one only what is uncertain can be settled.
    """
    if settlement.chat_wait is not None:
        delay(tx, settlement.subscriber_id, settlement.chat_wait)
    row = tx.deliveries.get(settlement.key)
    if row is None or not _awaits(row, settlement, epoch):
        return
    if settlement.new_chat_id is not None:
        row = _follow_chat(tx, row, settlement)
        if row is None:
            return
    _learn_reach(tx, row, settlement)
    if settlement.status is DeliveryStatus.PENDING and _cancelled(tx, row):
        skip(tx, row, Reason.CANCELLED)
        return
    if settlement.status is DeliveryStatus.PENDING:
        settled = msgspec.structs.replace(
            row,
            status=DeliveryStatus.PENDING,
            epoch=None,
            claimed_at=None,
            due_at=_due_at(tx, row, settlement),
            reason=settlement.reason or row.reason,
            detail=settlement.detail if settlement.reason else row.detail,
            migrated=row.migrated or settlement.new_chat_id is not None,
        )
    else:
        settled = msgspec.structs.replace(
            row,
            status=settlement.status,
            reason=settlement.reason,
            detail=settlement.detail,
            message_id=settlement.message_id,
            finished_at=tx.now(),
        )
    move(tx, row, settled)


def _awaits(row: DeliveryRow, settlement: Settlement, epoch: int | None) -> bool:
    if row.status is DeliveryStatus.PENDING:
        return settlement.status is DeliveryStatus.SENT and settlement.attempt < row.attempt
    if row.attempt != settlement.attempt:
        return False
    if row.status is DeliveryStatus.IN_FLIGHT:
        return epoch is not None and row.epoch == epoch
    return row.status is DeliveryStatus.UNCERTAIN and settlement.status in _DEFINITE


def _due_at(tx: Transaction, row: DeliveryRow, settlement: Settlement) -> datetime:
    if settlement.behind and row.kind is DeliveryKind.BROADCAST:
        return BEHIND
    return tx.now() + timedelta(seconds=settlement.retry_in)


def _cancelled(tx: Transaction, row: DeliveryRow) -> bool:
    broadcast = tx.broadcasts.get(BroadcastId(row.key.source_id))
    return broadcast is not None and broadcast.status is BroadcastStatus.CANCELLED


def _follow_chat(tx: Transaction, row: DeliveryRow, settlement: Settlement) -> DeliveryRow | None:
    """The row as it is after the move; None when it ended as a duplicate."""
    subscriber = tx.subscribers.get(row.subscriber_id)
    if subscriber is not None and settlement.new_chat_id is not None:
        move_chat(tx, subscriber.chat_id, settlement.new_chat_id)
    followed = tx.deliveries.get(row.key)
    if followed is not None and tx.subscribers.get(followed.subscriber_id) is None:
        skip(tx, followed, Reason.DUPLICATE)
        return None
    return followed


def _learn_reach(tx: Transaction, row: DeliveryRow, settlement: Settlement) -> None:
    subscriber = tx.subscribers.get(row.subscriber_id)
    if settlement.reach is not None and subscriber is not None:
        subscriber.refuse(settlement.reach, settlement.started_at)
        tx.subscribers.put(subscriber.id, subscriber)
