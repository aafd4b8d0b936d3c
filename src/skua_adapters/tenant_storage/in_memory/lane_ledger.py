"""One bot's lane in memory: who holds it, what it may send, what became of it."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import msgspec

from skua_adapters._memory.memory import Transaction
from skua_adapters._memory.rows import DeliveryRow, LaneRow
from skua_adapters.tenant_storage.in_memory.claiming import ClaimRound, claimed_delivery
from skua_adapters.tenant_storage.in_memory.moves import finish_if_done, move
from skua_adapters.tenant_storage.in_memory.settling import settle_one
from skua_core.domain.delivery import (
    Claim,
    ClaimedDelivery,
    DeliveryKind,
    DeliveryStatus,
    Reason,
    Settlement,
)
from skua_core.domain.lane import AcquiredLane, ClaimOrder, LaneTimes, Lease
from skua_core.errors import LeaseLost
from skua_core.ids import BroadcastId, LeaseId
from skua_core.ports.lane_ledger import LaneLedger


class InMemoryLaneLedger(LaneLedger):
    def __init__(self, transaction: Transaction, times: LaneTimes) -> None:
        self._transaction = transaction
        self._times = times

    async def acquire(self, holder: str) -> AcquiredLane | None:
        tx = self._transaction
        lane = tx.lanes.get(tx.bot_id)
        now = tx.now()
        if lane is None or lane.lives(now, self._times):
            return None
        lane.lease_id = LeaseId(uuid4())
        lane.epoch += 1
        lane.holder = holder
        lane.heartbeat_at = now
        tx.lanes.put(tx.bot_id, lane)
        wait = (lane.not_before - now).total_seconds() if lane.not_before else 0.0
        return AcquiredLane(
            lease=Lease(bot_id=tx.bot_id, lease_id=lane.lease_id, epoch=lane.epoch, holder=holder),
            wait=max(0.0, wait),
            learned_rate=lane.learned_rate,
            made_uncertain=self._give_up_in_flight(),
        )

    async def claim(self, lease: Lease, order: ClaimOrder) -> Claim:
        lane = self._held(lease)
        if lane is None:
            raise LeaseLost(lease.bot_id)
        return ClaimRound(self._transaction, lane, order).run()

    async def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> None:
        tx = self._transaction
        epoch = lease.epoch if self._held(lease) else None
        for settlement in settlements:
            settle_one(tx, settlement, epoch=epoch)
        for source_id in {settlement.key.source_id for settlement in settlements}:
            finish_if_done(tx, BroadcastId(source_id), tx.now())

    async def note_received(self, lease: Lease, item_id: UUID, wording: str) -> None:  # noqa: ARG002 - it counts whoever holds the lane
        received = self._transaction.received
        received.put(item_id, tuple(sorted({*(received.get(item_id) or ()), wording})))

    async def in_flight(self, lease: Lease) -> Sequence[ClaimedDelivery]:
        return [
            claimed
            for row in self._rows_in_flight()
            if row.epoch == lease.epoch
            and (claimed := claimed_delivery(self._transaction, row)) is not None
        ]

    async def hold_until(
        self, lease: Lease, *, wait: float | None, learned_rate: float | None
    ) -> None:
        tx = self._transaction
        lane = tx.lanes.get(tx.bot_id)
        if lane is None:
            return
        if wait is not None:
            # Whoever heard it: Telegram's word is about the token, not about a lease.
            until = tx.now() + timedelta(seconds=wait)
            lane.not_before = max(lane.not_before or until, until)
        if learned_rate is not None and lane.lease_id == lease.lease_id:
            lane.learned_rate = learned_rate
        tx.lanes.put(tx.bot_id, lane)

    async def release(self, lease: Lease) -> None:
        lane = self._held(lease)
        if lane is not None:
            lane.free()
            self._transaction.lanes.put(self._transaction.bot_id, lane)

    def _held(self, lease: Lease) -> LaneRow | None:
        lane = self._transaction.lanes.get(self._transaction.bot_id)
        return lane if lane is not None and lane.lease_id == lease.lease_id else None

    def _rows_in_flight(self) -> list[DeliveryRow]:
        return self._transaction.deliveries.find("status", DeliveryStatus.IN_FLIGHT)

    def _give_up_in_flight(self) -> int:
        """Nobody can tell any more whether these have left."""
        tx = self._transaction
        rows = self._rows_in_flight()
        for row in rows:
            given_up = msgspec.structs.replace(
                row,
                status=DeliveryStatus.UNCERTAIN,
                reason=Reason.LANE_TAKEN_OVER,
                detail=None,
                finished_at=tx.now(),
            )
            move(tx, row, given_up)
        for row in rows:
            if row.kind is DeliveryKind.BROADCAST:
                finish_if_done(tx, BroadcastId(row.key.source_id), tx.now())
        return len(rows)
