"""What must hold of a bot's ledger at any moment, and from one moment to the next."""

from collections import Counter

from skua_core.domain.broadcast import BroadcastStatus
from skua_core.domain.delivery import ClaimedDelivery, DeliveryKey, DeliveryKind, DeliveryStatus
from skua_core.ids import BroadcastId, ChatId, SourceId
from skua_core.ports.repositories import Recipient
from skua_core.ports.tenant_storage import TenantUnit
from tests.lane_history.world import LaneWorld

_AFTERWARDS = {
    DeliveryStatus.PENDING: {DeliveryStatus.IN_FLIGHT, DeliveryStatus.SKIPPED},
    DeliveryStatus.IN_FLIGHT: set(DeliveryStatus) - {DeliveryStatus.IN_FLIGHT},
    DeliveryStatus.UNCERTAIN: {DeliveryStatus.SENT, DeliveryStatus.FAILED},
}
_RESENT = {DeliveryStatus.FAILED, DeliveryStatus.UNCERTAIN}


class LedgerWatch:
    """Knows what arrived, and what every row was when it was looked at last."""

    def __init__(self, world: LaneWorld) -> None:
        self._world = world
        self.arrivals = Counter[tuple[SourceId, ChatId]]()
        self._attempts = Counter[tuple[DeliveryKey, int]]()
        self.resends = Counter[SourceId]()
        self._before: dict[DeliveryKey, tuple[DeliveryStatus, int]] = {}
        self.statuses: dict[BroadcastId, BroadcastStatus] = {}

    def arrived(self, delivery: ClaimedDelivery) -> None:
        self.arrivals[delivery.key.source_id, delivery.chat_id] += 1
        self._attempts[delivery.key, delivery.attempt] += 1

    def nobody_got_anything_twice(self) -> None:
        """Unless it was sent again on purpose, and then each attempt arrived once."""
        for (source_id, chat_id), number in self.arrivals.items():
            assert number <= 1 + self.resends[source_id], (source_id, chat_id)
        assert all(number == 1 for number in self._attempts.values()), self._attempts

    def claimed(self, delivery: ClaimedDelivery) -> None:
        """Only from what is being sent; ``statuses`` are those from before the claim."""
        if delivery.kind is not DeliveryKind.BROADCAST:
            return
        broadcast_id = BroadcastId(delivery.key.source_id)
        assert self.statuses[broadcast_id] is BroadcastStatus.SENDING

    def look(self) -> None:
        self._world.with_each(self._look)

    async def _look(self, unit: TenantUnit, broadcast_id: BroadcastId) -> None:
        broadcast = await self._world.broadcast(unit, broadcast_id)
        self.statuses[broadcast_id] = broadcast.status
        assert await unit.deliveries.audit_counts(broadcast_id)
        rows = await self._world.rows(unit, broadcast_id)
        assert broadcast.counts.total == len(rows)
        assert len({row.subscriber_id for row in rows}) == len(rows)
        assert broadcast.frozen_at is not None or not rows
        final = broadcast.finished_at is not None
        assert not (final and broadcast.counts.open)
        assert (broadcast.status is BroadcastStatus.COMPLETED) <= final
        for row in rows:
            self._follow(DeliveryKey(SourceId(broadcast_id), row.position), row)

    def _follow(self, key: DeliveryKey, row: Recipient) -> None:
        status = DeliveryStatus(row.status)
        former, attempt = self._before.get(key, (status, row.attempt))
        if row.attempt == attempt:
            lawful = {former, *_AFTERWARDS.get(former, set())}
            # A late word of the first attempt settles one that was to be sent again.
            if former is DeliveryStatus.PENDING and attempt > 1:
                lawful.add(DeliveryStatus.SENT)
            assert status in lawful, (former, status)
        else:
            assert row.attempt == attempt + 1, "an attempt was left out"
            assert former in _RESENT, (former, status)
            assert status is DeliveryStatus.PENDING, (former, status)
            assert self.resends[key.source_id], "nobody asked for another attempt"
        assert (row.finished_at is not None) == (status not in {"pending", "in_flight"})
        self._before[key] = (status, row.attempt)
