"""Whatever happens in whatever order, the ledger adds up and nobody gets anything twice."""

from abc import abstractmethod

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from skua_core.domain.delivery import Claim, ClaimedDelivery, DeliveryStatus, Settlement
from skua_core.domain.lane import ClaimOrder, Lease
from skua_core.ids import BroadcastId, SourceId
from skua_core.ports.tenant_storage import TenantUnit
from tests.lane_history.fate import Fate, settlement_of
from tests.lane_history.watch import LedgerWatch
from tests.lane_history.world import GROUP, PEOPLE, SUPERGROUP, Ground, LaneWorld

Sending = tuple[Lease, ClaimedDelivery]
Answer = tuple[Lease, Settlement]

MANY = 100


_ENDS = (Fate.SENT, Fate.REFUSED, Fate.UNANSWERED)
_VERBS = ("pause", "interrupt", "resume", "cancel", "resend", "resend failed", "resend uncertain")


class LaneHistory(RuleBasedStateMachine):
    """One bot, its broadcasts, workers that come and go, and a Telegram that keeps count."""

    leases: Bundle[Lease] = Bundle("leases")
    claimed: Bundle[Sending] = Bundle("claimed")
    answered: Bundle[Answer] = Bundle("answered")

    def __init__(self) -> None:
        super().__init__()
        self.world = LaneWorld(self.make_ground())
        self.watch = LedgerWatch(self.world)
        self.put_back: list[Settlement] = []

    @abstractmethod
    def make_ground(self) -> Ground:
        """What this history happens on."""

    @initialize(target=leases)
    def begin(self) -> Lease:
        self.world.start_broadcast()
        self.world.freeze()
        self.newest = self.world.take_over()
        return self.newest

    # What operators do

    @rule()
    def start_broadcast(self) -> None:
        self.world.start_broadcast()

    @rule()
    def freeze(self) -> None:
        self.world.freeze()

    @rule(verb=st.sampled_from(_VERBS))
    def switch_newest(self, verb: str) -> None:
        for broadcast_id in self.world.broadcasts[-1:]:
            self.switch(broadcast_id, verb)

    @rule(fates=st.lists(st.sampled_from(_ENDS), min_size=5, max_size=5), limit=st.integers(1, 9))
    def send_the_rest_and_send_again(self, fates: list[Fate], limit: int) -> None:
        """What chance alone seldom comes to: a broadcast at its end, and outcomes to improve."""
        self.world.freeze()
        for _ in range(3):
            for (lease, delivery), fate in zip(
                self.claim_with(self.newest, 5, 5, frozenset()), fates, strict=False
            ):
                if (answer := self.meet(fate, lease, delivery)) is not None:
                    self.record_now(answer)
        for broadcast_id in self.world.broadcasts[-1:]:
            self.switch(broadcast_id, "resend")
        self.world.resend_next(limit)

    def switch(self, broadcast_id: BroadcastId, verb: str) -> None:
        if self.world.switch(broadcast_id, verb) and verb.startswith("resend"):
            self.watch.resends[SourceId(broadcast_id)] += 1

    @rule(limit=st.integers(1, 3))
    def cancel_pending(self, limit: int) -> None:
        self.world.cancel_pending(limit)

    @rule(limit=st.integers(1, 3))
    def resend_next(self, limit: int) -> None:
        self.world.resend_next(limit)

    # What people do

    @rule(chat_id=st.integers(1, PEOPLE), subscribed=st.booleans(), blocked=st.booleans())
    def change_mind(self, chat_id: int, *, subscribed: bool, blocked: bool) -> None:
        self.world.change_mind(chat_id, subscribed=subscribed, blocked=blocked)

    @rule(chat_id=st.integers(1, PEOPLE), lifetime=st.sampled_from([2, 600]))
    def ask(self, chat_id: int, lifetime: float) -> None:
        self.world.ask(chat_id, lifetime)

    @rule()
    def migrate_group(self) -> None:
        self.world.migrate_group()

    @rule()
    def found_group(self) -> None:
        self.world.found_group()

    # What workers do

    @rule(seconds=st.sampled_from([0.3, 1.1, 25.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule(target=leases, gone=st.booleans())
    def take_lane(self, *, gone: bool) -> Lease | MultipleResults[Lease]:
        """Whether or not its holder is gone."""
        if gone:
            self.world.wait(self.world.times.takeover + 1)
        acquired = self.world.acquire()
        if acquired is None:
            return multiple()
        self.newest = acquired.lease
        return acquired.lease

    @rule(lease=leases)
    def release(self, lease: Lease) -> None:
        self.world.release(lease)

    @rule(
        target=claimed,
        room=st.integers(1, 5),
        direct_room=st.integers(0, 3),
        busy=st.frozensets(st.integers(1, PEOPLE), max_size=2),
        fates=st.lists(st.sampled_from(Fate), min_size=5, max_size=5),
        lost=st.booleans(),
    )
    def take_turn(
        self,
        room: int,
        direct_room: int,
        busy: frozenset[int],
        fates: list[Fate],
        *,
        lost: bool,
    ) -> MultipleResults[Sending]:
        """Claim, and let each delivery meet its fate; the lane may be lost before that is recorded.

        Some deliveries are still in flight afterwards.
        """
        claimed = self.claim_with(self.newest, room, min(room, direct_room), busy)
        if lost:
            self.newest = self.world.take_over()
            self.watch.look()
        for (lease, delivery), fate in zip(claimed, fates, strict=False):
            if (answer := self.meet(fate, lease, delivery)) is not None:
                self.record_now(answer)
        fresh = zip(claimed, fates, strict=False)
        return multiple(*(sent for sent, fate in fresh if fate is Fate.STILL_IN_FLIGHT))

    @rule(target=claimed, lease=leases)
    def claim_with_any_lease(self, lease: Lease) -> MultipleResults[Sending]:
        return multiple(*self.claim_with(lease, 2, 1, frozenset()))

    def claim_with(
        self, lease: Lease, room: int, direct_room: int, busy: frozenset[int]
    ) -> list[Sending]:
        claim = self.whole_claim(lease, room, direct_room, busy)
        return [] if claim is None else [(lease, delivery) for delivery in claim.deliveries]

    def whole_claim(
        self, lease: Lease, room: int, direct_room: int, busy: frozenset[int]
    ) -> Claim | None:
        order = ClaimOrder(
            room=room, direct_room=direct_room, busy_chats=busy, busy_with_others=busy
        )
        self.watch.look()
        claim = self.world.claim(lease, order)
        if claim is None:
            return None
        assert lease == self.newest, "a lease claimed that another one was written over"
        chats = [delivery.chat_id for delivery in claim.deliveries]
        assert len(chats) <= room
        assert len(set(chats)) == len(chats)
        assert busy.isdisjoint(chats)
        for delivery in claim.deliveries:
            self.watch.claimed(delivery)
        self.watch.look()
        return claim

    @rule(target=answered, sent=consumes(claimed), fate=st.sampled_from(Fate))
    def be_answered(self, sent: Sending, fate: Fate) -> MultipleResults[Answer]:
        """Also at a worker that was frozen, thawed, and has lost its lease."""
        answer = self.meet(fate, *sent)
        if answer is None:
            return multiple()
        self.record_now(answer)
        return multiple(answer)

    @rule(answer=answered)
    def record_again(self, answer: Answer) -> None:
        """As whoever isn't sure of the first time does."""
        self.record_now(answer)

    def meet(self, fate: Fate, lease: Lease, delivery: ClaimedDelivery) -> Answer | None:
        """What its sender can record; None when there is nothing to, or nobody."""
        if fate in {Fate.SENT, Fate.UNANSWERED, Fate.SENT_BY_A_DYING_WORKER}:
            self.watch.arrived(delivery)
        moves = fate is Fate.NOT_SENT and delivery.chat_id == GROUP
        settlement = settlement_of(
            delivery, fate, at=self.world.now(), new_chat_id=SUPERGROUP if moves else None
        )
        return None if settlement is None else (lease, settlement)

    def record_now(self, answer: Answer) -> None:
        lease, settlement = answer
        if settlement.status is DeliveryStatus.PENDING:
            # Once recorded it may be claimed anew, and its sender knows of that claim.
            if settlement in self.put_back:
                return
            self.put_back.append(settlement)
        self.world.settle(lease, settlement)
        self.watch.look()

    # What always holds

    @invariant()
    def nobody_got_anything_twice(self) -> None:
        self.watch.nobody_got_anything_twice()

    @invariant()
    def counters_equal_rows_and_add_up_to_the_audience(self) -> None:
        self.watch.look()

    def teardown(self) -> None:
        """In the end each recipient has an outcome, without anybody's hand."""
        try:
            self._finish()
            self.watch.nobody_got_anything_twice()
        finally:
            self.world.close()

    def _finish(self) -> None:
        self.newest = self.world.take_over()
        self._send_rest()
        for broadcast_id in self.world.broadcasts:
            self.switch(broadcast_id, "resume")
            self._send_rest()
        self.world.with_each(self._assert_final)

    def _send_rest(self) -> None:
        for _ in range(MANY):
            self.world.freeze()
            self.world.cancel_pending(MANY)
            self.world.resend_next(MANY)
            claim = self.whole_claim(self.newest, MANY, MANY, frozenset())
            assert claim is not None
            for delivery in claim.deliveries:
                if (answer := self.meet(Fate.SENT, self.newest, delivery)) is not None:
                    self.record_now(answer)
            # One that has expired is skipped, and its chat's next comes with the next claim.
            if not claim.deliveries and not claim.more and claim.next_due_in is None:
                return
            self.world.wait(2)

    async def _assert_final(self, unit: TenantUnit, broadcast_id: BroadcastId) -> None:
        broadcast = await self.world.broadcast(unit, broadcast_id)
        assert broadcast.finished_at is not None, broadcast
