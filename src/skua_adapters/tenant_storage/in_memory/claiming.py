"""One claim: what leaves next, and what doesn't any more."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from skua_adapters._memory.memory import DIRECT, Transaction
from skua_adapters._memory.rows import BEHIND, DeliveryRow, LaneRow
from skua_adapters.tenant_storage.in_memory.moves import delay, finish_if_done, move, skip
from skua_core.domain.broadcast import Broadcast, BroadcastStatus
from skua_core.domain.delivery import (
    Claim,
    ClaimedDelivery,
    DeliveryKey,
    DeliveryKind,
    DeliveryStatus,
    Reason,
)
from skua_core.domain.lane import GROUP_SPACING, ClaimOrder
from skua_core.domain.subscriber import ChatKind, Reach, Subscriber
from skua_core.ids import BroadcastId, SourceId

_BUSY_CHAT_DELAY = timedelta(seconds=1)
"""Until a broadcast's row is looked at again that the cursor passed because its chat was busy."""
_PRIORITY = {kind: place for place, kind in enumerate(DeliveryKind)}


class ClaimRound:
    """One claim, from the first look at the gates to the last mark."""

    def __init__(self, tx: Transaction, lane: LaneRow, order: ClaimOrder) -> None:
        self._tx = tx
        self._lane = lane
        self._order = order
        self._now = tx.now()
        self._busy = set(order.busy_chats)
        self._busy_with_others = set(order.busy_with_others)
        self._taken: list[ClaimedDelivery] = []
        self._last_of_broadcast = order.room
        self._more = False

    def run(self) -> Claim:
        tx = self._tx
        bot = tx.bots.get(tx.bot_id)
        secrets = tx.secrets.get(tx.bot_id)
        if bot is None or bot.closed_gate() or secrets is None or secrets.sealed_token is None:
            return Claim()
        if self._lane.not_before is not None and self._lane.not_before > self._now:
            return Claim(next_due_in=(self._lane.not_before - self._now).total_seconds())
        sending = next(iter(tx.broadcasts.find("status", BroadcastStatus.SENDING)), None)
        frozen = sending if sending is not None and sending.frozen_at is not None else None
        self._claim(frozen)
        if frozen is not None:
            finish_if_done(tx, frozen.id, self._now)
        return Claim(
            deliveries=tuple(self._taken),
            sealed_token=secrets.sealed_token,
            more=self._more,
            next_due_in=self._next_due_in(frozen),
            to_freeze=sending.id if sending is not None and frozen is None else None,
            to_cancel=self._to_cancel(),
            to_resend=frozen.id if frozen is not None and frozen.resending else None,
            received=(tx.received.get(frozen.id) or ()) if frozen is not None else (),
        )

    def _claim(self, broadcast: Broadcast | None) -> None:
        if broadcast is None:
            self._claim_direct(self._order.room)
            return
        room = self._order.room
        own = room if self._order.broadcast_room is None else self._order.broadcast_room
        put_back = self._put_back(broadcast)
        waits = bool(put_back) or self._new_rows(broadcast) > 0
        self._claim_direct(min(room, max(self._order.direct_room, room - own)) if waits else room)
        self._last_of_broadcast = min(room, len(self._taken) + own)
        self._claim_put_back(broadcast, put_back)
        self._claim_new(broadcast)

    def _claim_direct(self, limit: int) -> None:
        for row in self._due(self._tx.deliveries.find("due", DIRECT)):
            self._take(row, self._busy, room=limit - len(self._taken))

    def _put_back(self, broadcast: Broadcast) -> list[DeliveryRow]:
        """What is due of it; what went behind the rest is, once there is no rest."""
        rows = self._tx.deliveries.find("due", SourceId(broadcast.id))
        if self._new_rows(broadcast) or broadcast.resending:
            return self._due(rows)
        only_behind = all(row.due_at == BEHIND for row in rows)
        return sorted(rows, key=_turn) if only_behind else self._due(rows)

    def _claim_put_back(self, broadcast: Broadcast, rows: Sequence[DeliveryRow]) -> None:
        """Ahead of new positions, but with half of the room at most while there are some."""
        left = self._room_left()
        last = len(self._taken) + (-(-left // 2) if self._new_rows(broadcast) else left)
        for row in rows:
            self._take(row, self._busy, room=last - len(self._taken), broadcast=broadcast)

    def _claim_new(self, broadcast: Broadcast) -> None:
        """The next positions, as many as there is room; some may turn out not to leave."""
        progress = self._tx.progress.get(broadcast.id)
        if progress is None:
            return
        end = min(progress.cursor + self._room_left(), broadcast.counts.total)
        for position in range(progress.cursor + 1, end + 1):
            row = self._tx.deliveries.get(DeliveryKey(SourceId(broadcast.id), position))
            if row is None or row.status is not DeliveryStatus.PENDING or row.due_at is not None:
                continue
            if not self._take(row, self._busy_with_others, room=1, broadcast=broadcast):
                later = msgspec.structs.replace(row, due_at=self._now + _BUSY_CHAT_DELAY)
                self._tx.deliveries.put(row.key, later)
        progress.cursor = max(progress.cursor, end)
        progress.served_at = self._now
        self._tx.progress.put(broadcast.id, progress)
        self._more = self._more or progress.cursor < broadcast.counts.total

    def _take(
        self, row: DeliveryRow, busy: set[int], *, room: int, broadcast: Broadcast | None = None
    ) -> bool:
        """Mark it or skip it; False when its chat is busy and it has to wait."""
        subscriber = self._tx.subscribers.get(row.subscriber_id)
        reason = self._reason_to_skip(row, subscriber)
        if reason is not None or subscriber is None:
            skip(self._tx, row, reason or Reason.ERASED)
            return True
        if subscriber.chat_id in busy:
            return False
        next_send_at = self._tx.next_sends.get(subscriber.id)
        if next_send_at is not None and next_send_at > self._now:
            self._tx.deliveries.put(row.key, msgspec.structs.replace(row, due_at=next_send_at))
            return True
        if room <= 0:
            self._more = True
            return True
        revision = broadcast.revision if broadcast else None
        refused = row.reason is not None and row.revision == revision
        marked = msgspec.structs.replace(
            row,
            status=DeliveryStatus.IN_FLIGHT,
            epoch=self._lane.epoch,
            claimed_at=self._now,
            revision=revision,
            reason=row.reason if refused else None,
            detail=row.detail if refused else None,
        )
        move(self._tx, row, marked)
        if subscriber.kind is ChatKind.GROUP:
            delay(self._tx, subscriber.id, GROUP_SPACING)
        self._busy.add(subscriber.chat_id)
        self._busy_with_others.add(subscriber.chat_id)
        claimed = claimed_delivery(self._tx, marked)
        if claimed is not None:
            self._taken.append(claimed)
        return True

    def _reason_to_skip(self, row: DeliveryRow, subscriber: Subscriber | None) -> Reason | None:
        if row.not_after is not None and row.not_after <= self._now:
            return Reason.EXPIRED
        if subscriber is None:
            return Reason.ERASED
        if subscriber.reach is not Reach.REACHABLE:
            return Reason.UNREACHABLE
        if not subscriber.subscribed and row.kind is not DeliveryKind.REPLY:
            return Reason.UNSUBSCRIBED
        return None

    def _due(self, rows: Iterable[DeliveryRow]) -> list[DeliveryRow]:
        due = [row for row in rows if row.due_at is not None and row.due_at <= self._now]
        return sorted(due, key=_turn)

    def _next_due_in(self, broadcast: Broadcast | None) -> float | None:
        rows = self._tx.deliveries.find("due", DIRECT)
        if broadcast is not None:
            if self._put_back(broadcast):
                return 0.0
            rows += self._tx.deliveries.find("due", SourceId(broadcast.id))
        waits = [
            max(0.0, (row.due_at - self._now).total_seconds())
            for row in rows
            if row.due_at is not None and row.due_at != BEHIND
        ]
        return min(waits, default=None)

    def _to_cancel(self) -> BroadcastId | None:
        cancelled = self._tx.broadcasts.find("status", BroadcastStatus.CANCELLED)
        unfinished = (
            row.id
            for row in cancelled
            if row.finished_at is None and (row.counts.pending or not row.counts.in_flight)
        )
        return next(unfinished, None)

    def _new_rows(self, broadcast: Broadcast) -> int:
        progress = self._tx.progress.get(broadcast.id)
        return broadcast.counts.total - progress.cursor if progress else 0

    def _room_left(self) -> int:
        return max(0, self._last_of_broadcast - len(self._taken))


def _turn(row: DeliveryRow) -> tuple[int, datetime | None, SourceId, int]:
    return _PRIORITY[row.kind], row.due_at, row.key.source_id, row.key.position


def claimed_delivery(tx: Transaction, row: DeliveryRow) -> ClaimedDelivery | None:
    """What a holder needs to send it; None when its subscriber is gone."""
    subscriber = tx.subscribers.get(row.subscriber_id)
    if subscriber is None:
        return None
    broadcast = tx.broadcasts.get(BroadcastId(row.key.source_id))
    direct = tx.direct_messages.get(row.key.source_id)
    return ClaimedDelivery(
        key=row.key,
        attempt=row.attempt,
        kind=row.kind,
        subscriber_id=subscriber.id,
        chat_id=subscriber.chat_id,
        values=subscriber.personalisation,
        campaign_id=broadcast.campaign_id if broadcast else None,
        revision=row.revision,
        paid=broadcast.paid if broadcast else False,
        message=direct.content if direct else None,
        migrated=row.migrated,
        refused=row.reason is not None,
        origin=direct.origin if direct else None,
    )
