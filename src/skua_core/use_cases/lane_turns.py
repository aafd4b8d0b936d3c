"""One turn of a lane: a transaction that records what was answered and claims what goes next."""

from collections.abc import Callable

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


class Turn(msgspec.Struct, frozen=True):
    """What a lane wants done."""

    settlements: list[Settlement]
    order: ClaimOrder | None


class TurnResult(msgspec.Struct, frozen=True):
    order: ClaimOrder | None
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

    async def take(self, ask: Callable[[], Turn]) -> TurnResult:
        """``ask`` is called once, when the turn begins; what it took from the sender goes back
        there if the turn fails.

        Raises what the storage raises, LeaseLost among it; nothing learned is lost then.
        """
        asked: list[Turn] = []

        def plain_turn() -> PlainTurn | None:
            asked.append(ask())
            return self._plain(asked[0])

        try:
            claim = None
            if self._may_be_plain():
                claim = await self._gathered.take(plain_turn)
            else:
                asked.append(ask())
            (turn,) = asked
            if claim is not None:
                return TurnResult(turn.order, claim, [])
            return await self._transact(turn)
        except BaseException as error:
            for turn in asked:
                self._sender.give_back(turn.settlements)
            if isinstance(error, StorageUnavailable):
                self._unsure = self._unsure or error.unsure
            raise

    def _plain(self, turn: Turn) -> PlainTurn | None:
        order = turn.order
        plain = (
            order is not None
            and order.broadcast_room is None
            and self._may_be_plain()
            and all(map(is_plain, turn.settlements))
        )
        if order is None or not plain:
            return None
        return PlainTurn(lease=self._lease, settlements=turn.settlements, order=order)

    def _may_be_plain(self) -> bool:
        return not (self._unsure or self.anything_unstored() or self._rate_unstored())

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

    async def _transact(self, turn: Turn) -> TurnResult:
        lessons = self._lessons.take()
        try:
            return await self._commit(turn, lessons)
        except BaseException:
            self._lessons.give_back(lessons)
            raise

    async def _commit(self, turn: Turn, lessons: LaneLessons) -> TurnResult:
        claim: Claim | None = None
        orphans: list[ClaimedDelivery] = []
        pause, rate = self._stored_pause, self._stored_rate
        async with self._storage.unit(self._lease.bot_id, UnitKind.LANE) as unit:
            if self._unsure:
                orphans = await self._orphans(unit, turn.settlements)
            if turn.settlements:
                await unit.lane.settle(self._lease, turn.settlements)
            if lessons:
                await lessons.store(unit, self._lease)
            if self.pause_unstored() or self._rate_unstored():
                # Read here: a 429 may come in while this very turn waits for the database.
                pause, rate = self._budget.pace.held_until, self._learned_rate()
                await self._hold(unit, pause, rate)
            if turn.order is not None:
                claim = await unit.lane.claim(self._lease, turn.order)
            await fault("result.before_commit")
            await unit.commit()
        self._unsure = False
        self._stored_pause, self._stored_rate = pause, rate
        return TurnResult(turn.order, claim, orphans)

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
