"""One turn of a lane: a transaction that records what was answered and claims what goes next."""

import msgspec

from skua_core.domain.delivery import Claim, ClaimedDelivery, Settlement
from skua_core.domain.lane import ClaimOrder, Lease
from skua_core.errors import StorageUnavailable
from skua_core.faults import fault
from skua_core.ports.clock import Clock
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind
from skua_core.ports.turn_groups import PlainTurn, is_plain
from skua_core.use_cases.gathered_turns import GatheredTurns
from skua_core.use_cases.lane_budget import LaneBudget
from skua_core.use_cases.lane_lessons import LaneLessons
from skua_core.use_cases.lane_sender import LaneSender

_RATE_STEP = 0.1
"""Part of the learned rate by which it has to rise before that is stored. A fall is stored at
once: whoever holds the lane next would provoke the same 429."""


class TurnResult(msgspec.Struct, frozen=True):
    claim: Claim | None
    orphans: list[ClaimedDelivery]
    """What an unsure commit claimed: certain not to have left."""


class LaneTurns:
    """Takes turns for one lease, and knows what of its memory the database doesn't have yet."""

    def __init__(
        self,
        *,
        storage: TenantStorage,
        clock: Clock,
        lease: Lease,
        sender: LaneSender,
        budget: LaneBudget,
        lessons: LaneLessons,
        gathered: GatheredTurns,
    ) -> None:
        self._storage = storage
        self._gathered = gathered
        self._clock = clock
        self._lease = lease
        self._sender = sender
        self._budget = budget
        self._lessons = lessons
        self._stored_pause = budget.pace.held_until
        self._stored_rate = self._learned_rate()
        self._unsure = False

    def pause_unstored(self) -> bool:
        return self._budget.pace.held_until > self._stored_pause

    def anything_unstored(self) -> bool:
        """Whether there is something to store beside outcomes."""
        return bool(self._lessons) or self.pause_unstored()

    async def take(self, settlements: list[Settlement], order: ClaimOrder | None) -> TurnResult:
        """Raises what the storage raises, LeaseLost among it; nothing learned is lost then."""
        lessons = self._lessons.take()
        try:
            if order is not None and not lessons and self._is_plain(settlements, order):
                turn = PlainTurn(lease=self._lease, settlements=settlements, order=order)
                claim = await self._gathered.take(turn)
                if claim is not None:
                    return TurnResult(claim, [])
            return await self._transact(settlements, order, lessons)
        except BaseException as error:
            self._lessons.give_back(lessons)
            if isinstance(error, StorageUnavailable):
                self._unsure = self._unsure or error.unsure
            raise

    def _is_plain(self, settlements: list[Settlement], order: ClaimOrder) -> bool:
        return (
            order.broadcast_room is None
            and not self._unsure
            and not self.pause_unstored()
            and not self._rate_unstored()
            and all(map(is_plain, settlements))
        )

    async def release(self) -> None:
        """Hand the lane over, with what was learned in it."""
        try:
            async with self._storage.unit(self._lease.bot_id, UnitKind.LANE) as unit:
                await unit.lane.hold_until(
                    self._lease, wait=None, learned_rate=self._learned_rate()
                )
                await unit.lane.release(self._lease)
                await unit.commit()
        except StorageUnavailable:
            return  # its heartbeat ends with us, so the lane comes free by itself

    async def _transact(
        self, settlements: list[Settlement], order: ClaimOrder | None, lessons: LaneLessons
    ) -> TurnResult:
        claim: Claim | None = None
        orphans: list[ClaimedDelivery] = []
        pause, rate = self._stored_pause, self._stored_rate
        async with self._storage.unit(self._lease.bot_id, UnitKind.LANE) as unit:
            if self._unsure:
                orphans = await self._orphans(unit, settlements)
            if settlements:
                await unit.lane.settle(self._lease, settlements)
            if lessons:
                await lessons.store(unit, self._lease)
            if self.pause_unstored() or self._rate_unstored():
                # Read here: a 429 may come in while this very turn waits for the database.
                pause, rate = self._budget.pace.held_until, self._learned_rate()
                await self._hold(unit, pause, rate)
            if order is not None:
                claim = await unit.lane.claim(self._lease, order)
            await fault("result.before_commit")
            await unit.commit()
        self._unsure = False
        self._stored_pause, self._stored_rate = pause, rate
        return TurnResult(claim, orphans)

    async def _hold(self, unit: TenantUnit, pause: float, rate: float) -> None:
        wait = pause - self._clock.monotonic() if pause > self._stored_pause else None
        await unit.lane.hold_until(self._lease, wait=wait, learned_rate=rate)

    async def _orphans(
        self, unit: TenantUnit, settlements: list[Settlement]
    ) -> list[ClaimedDelivery]:
        """What a commit claimed whose answer never came: nothing of it has left."""
        known = self._sender.open.keys() | {settlement.key for settlement in settlements}
        claimed = await unit.lane.in_flight(self._lease)
        return [delivery for delivery in claimed if delivery.key not in known]

    def _rate_unstored(self) -> bool:
        rate = self._learned_rate()
        return rate < self._stored_rate or rate > self._stored_rate * (1 + _RATE_STEP)

    def _learned_rate(self) -> float:
        return self._budget.learned_rate(self._clock.monotonic())
