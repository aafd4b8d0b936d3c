"""All lanes of a memory at once."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from skua_adapters._memory import Memory
from skua_adapters._memory.memory import DIRECT, Transaction
from skua_adapters._memory.rows import LaneRow
from skua_core.domain.broadcast import BroadcastStatus
from skua_core.domain.delivery import DeliveryStatus
from skua_core.domain.lane import LaneSnapshot, LaneTimes, Lease
from skua_core.faults import fault
from skua_core.ids import BotId, BroadcastId
from skua_core.ports.platform_storage import LaneRegistry

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class InMemoryLaneRegistry(LaneRegistry):
    def __init__(self, memory: Memory, *, times: LaneTimes) -> None:
        self._memory = memory
        self._times = times

    async def heartbeat(self, leases: Sequence[Lease]) -> frozenset[BotId]:
        await fault("heartbeat.skip")
        held = set()
        for lease in leases:
            async with self._memory.alone_in(lease.bot_id):
                tx = Transaction(self._memory, lease.bot_id)
                lane = tx.lanes.get(lease.bot_id)
                if lane is not None and lane.lease_id == lease.lease_id:
                    lane.heartbeat_at = tx.now()
                    tx.lanes.put(lease.bot_id, lane)
                    tx.apply()
                    held.add(lease.bot_id)
        return frozenset(held)

    async def due(self, *, limit: int) -> Sequence[BotId]:
        now = self._memory.clock.now()
        waiting = [
            (since, bot_id)
            for bot_id, lane in list(self._memory.lanes.rows.items())
            if not lane.lives(now, self._times)
            and (since := self._waits_since(bot_id, lane)) is not None
        ]
        return [bot_id for _, bot_id in sorted(waiting)[:limit]]

    async def free(self, holder: str) -> int:
        freed = 0
        held = [bot_id for bot_id, lane in self._memory.lanes.rows.items() if lane.holder == holder]
        for bot_id in held:
            async with self._memory.alone_in(bot_id):
                tx = Transaction(self._memory, bot_id)
                lane = tx.lanes.get(bot_id)
                if lane is not None and lane.holder == holder:
                    lane.free()
                    tx.lanes.put(bot_id, lane)
                    tx.apply()
                    freed += 1
        return freed

    async def unserved(self) -> Sequence[tuple[BotId, BroadcastId]]:
        limit = self._memory.clock.now() - timedelta(seconds=self._times.unserved)
        return [
            (bot_id, broadcast_id)
            for bot_id, lane in list(self._memory.lanes.rows.items())
            for broadcast_id, served_at in self._sending(bot_id)
            if max(served_at, self._heard_at(lane), lane.not_before or _LONG_AGO) < limit
        ]

    async def snapshot(self, bot_id: BotId) -> LaneSnapshot | None:
        lane = self._memory.lanes.rows.get(bot_id)
        if lane is None:
            return None
        return LaneSnapshot(
            bot_id=bot_id,
            epoch=lane.epoch,
            holder=lane.holder,
            heartbeat_at=lane.heartbeat_at,
            not_before=lane.not_before,
            learned_rate=lane.learned_rate,
        )

    def _heard_at(self, lane: LaneRow) -> datetime:
        """The last heartbeat, unless only a broken clock can have put it where it is."""
        latest = self._memory.clock.now() + timedelta(seconds=self._times.future_tolerance)
        heartbeat = lane.heartbeat_at
        return heartbeat if heartbeat and heartbeat <= latest else _LONG_AGO

    def _gates_open(self, bot_id: BotId) -> bool:
        bot = self._memory.bots.rows.get(bot_id)
        return bot is not None and bot.closed_gate() is None

    def _sending(self, bot_id: BotId) -> Iterator[tuple[BroadcastId, datetime]]:
        """The sending broadcast, and when it was served last, if the gates are open."""
        if not self._gates_open(bot_id):
            return
        tx = Transaction(self._memory, bot_id)
        for broadcast in tx.broadcasts.find("status", BroadcastStatus.SENDING):
            progress = tx.progress.get(broadcast.id)
            served_at = progress.served_at if progress else None
            yield broadcast.id, served_at or broadcast.created_at

    def _waits_since(self, bot_id: BotId, lane: LaneRow) -> datetime | None:
        """Since when something could be done here; None when nothing can."""
        now = self._memory.clock.now()
        tx = Transaction(self._memory, bot_id)
        in_flight = tx.deliveries.find("status", DeliveryStatus.IN_FLIGHT)
        waits = [row.claimed_at or now for row in in_flight]
        if self._gates_open(bot_id) and (lane.not_before or now) <= now:
            waits += [served_at for _, served_at in self._sending(bot_id)]
            cancelled = tx.broadcasts.find("status", BroadcastStatus.CANCELLED)
            waits += [row.changed_at for row in cancelled if row.finished_at is None]
            direct = (row.due_at for row in tx.deliveries.find("due", DIRECT))
            waits += [due_at for due_at in direct if due_at is not None and due_at <= now]
        return min(waits, default=None)
