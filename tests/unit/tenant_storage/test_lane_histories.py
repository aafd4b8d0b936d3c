"""Whatever happens in whatever order, the ledger adds up and nobody gets anything twice."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import Enum, auto
from typing import TypeVar

from hypothesis import settings
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

from skua_adapters._memory import Memory
from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.tenant_storage.in_memory import InMemoryTenantStorage
from skua_core.domain.bot import Bot, TokenState
from skua_core.domain.broadcast import Broadcast, BroadcastStatus, PauseReason
from skua_core.domain.content import RenderedMessage
from skua_core.domain.delivery import (
    ClaimedDelivery,
    DeliveryKey,
    DeliveryKind,
    DeliveryStatus,
    Reason,
    Settlement,
)
from skua_core.domain.lane import ClaimOrder, LaneTimes, Lease
from skua_core.domain.secret import SealedSecret
from skua_core.domain.subscriber import Reach, Subscriber
from skua_core.errors import BroadcastAlreadySending, BroadcastStateConflict, LeaseLost
from skua_core.ids import (
    BotId,
    BroadcastId,
    CampaignId,
    ChatId,
    DirectMessageId,
    SourceId,
    SubscriberId,
    UserId,
)
from skua_core.ports.repositories import BotSecrets
from skua_core.ports.tenant_storage import TenantUnit, UnitKind

T = TypeVar("T")
Work = Callable[[TenantUnit], Awaitable[T]]
Snapshot = dict[DeliveryKey, DeliveryStatus]

PEOPLE = 4
MANY = 100
GROUP, SUPERGROUP = ChatId(-1), ChatId(-1001)
AFTERWARDS = {
    DeliveryStatus.PENDING: {DeliveryStatus.IN_FLIGHT, DeliveryStatus.SKIPPED},
    DeliveryStatus.IN_FLIGHT: set(DeliveryStatus) - {DeliveryStatus.IN_FLIGHT},
    DeliveryStatus.UNCERTAIN: {DeliveryStatus.SENT, DeliveryStatus.FAILED},
}


class Fate(Enum):
    SENT = auto()
    NOT_SENT = auto()
    REFUSED = auto()
    UNANSWERED = auto()
    """It arrived, and the answer didn't."""
    SENT_BY_A_DYING_WORKER = auto()
    """It arrived, and nobody is left to say so."""
    STILL_IN_FLIGHT = auto()


OUTCOMES = {
    Fate.SENT: DeliveryStatus.SENT,
    Fate.NOT_SENT: DeliveryStatus.PENDING,
    Fate.REFUSED: DeliveryStatus.FAILED,
    Fate.UNANSWERED: DeliveryStatus.UNCERTAIN,
}


class LaneHistory(RuleBasedStateMachine):
    """One bot, its broadcasts, workers that come and go, and a Telegram that keeps count."""

    leases: Bundle[Lease] = Bundle("leases")
    claimed: Bundle[tuple[Lease, ClaimedDelivery]] = Bundle("claimed")
    answered: Bundle[tuple[Lease, Settlement]] = Bundle("answered")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FrozenClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
        self.ids = CountedIdFactory()
        self.times = LaneTimes()
        self.storage = InMemoryTenantStorage(Memory(self.clock), times=self.times)
        self.bot_id = BotId(self.ids.new())
        self.broadcasts: list[BroadcastId] = []
        self.arrivals = Counter[tuple[SourceId, ChatId]]()
        self.before: Snapshot = {}
        self.put_back: list[Settlement] = []
        self.do(self._connect)

    def do(self, work: Work[T]) -> T:
        """In a unit of its own, committed."""

        async def run() -> T:
            async with self.storage.unit(self.bot_id, UnitKind.LANE) as unit:
                result = await work(unit)
                await unit.commit()
                return result

        return self.loop.run_until_complete(run())

    def with_each(self, work: Callable[[TenantUnit, BroadcastId], Awaitable[object]]) -> None:
        async def work_on_each(unit: TenantUnit) -> None:
            for broadcast_id in self.broadcasts:
                await work(unit, broadcast_id)

        self.do(work_on_each)

    async def _connect(self, unit: TenantUnit) -> None:
        now = self.clock.now()
        await unit.bot.add(
            Bot(
                id=self.bot_id,
                slug="pelican-1",
                public_id="p",
                name="Pelican",
                owner_id=UserId(self.ids.new()),
                token_state=TokenState.ACTIVE,
                created_at=now,
                updated_at=now,
            )
        )
        await unit.bot.save_secrets(BotSecrets(sealed_token=SealedSecret("v1.k.s")))
        for chat_id in (GROUP, SUPERGROUP, *range(1, PEOPLE + 1)):
            await unit.subscribers.save(self._person(ChatId(chat_id)))

    def _person(self, chat_id: ChatId) -> Subscriber:
        now = self.clock.now()
        return Subscriber(
            id=SubscriberId(self.ids.new()),
            chat_id=chat_id,
            subscribed_changed_at=now,
            reach_changed_at=now,
            joined_at=now,
        )

    @initialize(target=leases)
    def begin(self) -> Lease:
        self.start_now()
        self.freeze_now()
        self.newest = self.take_over()
        return self.newest

    # What operators do

    @rule()
    def start_broadcast(self) -> None:
        self.start_now()

    def start_now(self) -> None:
        now = self.clock.now()
        broadcast = Broadcast(
            id=BroadcastId(self.ids.new()),
            campaign_id=CampaignId(self.ids.new()),
            revision=1,
            created_at=now,
            changed_at=now,
        )
        try:
            self.do(lambda unit: unit.broadcasts.add(broadcast))
        except BroadcastAlreadySending:
            return
        self.broadcasts.append(broadcast.id)

    @rule()
    def freeze(self) -> None:
        self.freeze_now()

    def freeze_now(self) -> None:
        self.with_each(lambda unit, broadcast_id: unit.deliveries.freeze(broadcast_id))

    @rule(verb=st.sampled_from(["pause", "resume", "cancel"]))
    def switch_newest(self, verb: str) -> None:
        for broadcast_id in self.broadcasts[-1:]:
            self.switch(broadcast_id, verb)

    def switch(self, broadcast_id: BroadcastId, verb: str) -> None:
        async def work(unit: TenantUnit) -> None:
            broadcast = await unit.broadcasts.get(broadcast_id, lock=True)
            assert broadcast is not None
            if verb == "pause":
                broadcast.pause(PauseReason.OPERATOR, now=self.clock.now())
            elif verb == "resume":
                broadcast.resume(now=self.clock.now())
            else:
                broadcast.cancel(now=self.clock.now())
            await unit.broadcasts.save(broadcast)

        try:
            self.do(work)
        except (BroadcastStateConflict, BroadcastAlreadySending):
            return

    @rule(limit=st.integers(1, 3))
    def cancel_pending(self, limit: int) -> None:
        self.cancel_pending_now(limit)

    def cancel_pending_now(self, limit: int) -> None:
        self.with_each(
            lambda unit, broadcast_id: unit.deliveries.cancel_pending(broadcast_id, limit=limit)
        )

    # What people do

    @rule(chat_id=st.integers(1, PEOPLE), subscribed=st.booleans(), blocked=st.booleans())
    def change_mind(self, chat_id: int, *, subscribed: bool, blocked: bool) -> None:
        async def work(unit: TenantUnit) -> None:
            person = await unit.subscribers.by_chat(ChatId(chat_id))
            assert person is not None
            person.subscribed = subscribed
            person.reach = Reach.BLOCKED if blocked else Reach.REACHABLE
            await unit.subscribers.save(person)

        self.do(work)

    @rule(chat_id=st.integers(1, PEOPLE), lifetime=st.sampled_from([2, 600]))
    def ask(self, chat_id: int, lifetime: float) -> None:
        async def work(unit: TenantUnit) -> None:
            person = await unit.subscribers.by_chat(ChatId(chat_id))
            assert person is not None
            await unit.deliveries.enqueue_direct(
                DirectMessageId(self.ids.new()),
                kind=DeliveryKind.REPLY,
                subscriber_id=person.id,
                content=RenderedMessage("Yes?"),
                lifetime=lifetime,
            )

        self.do(work)

    @rule()
    def migrate_group(self) -> None:
        self.do(lambda unit: unit.subscribers.migrate(GROUP, SUPERGROUP))

    @rule()
    def found_group(self) -> None:
        async def work(unit: TenantUnit) -> None:
            if await unit.subscribers.by_chat(GROUP) is None:
                await unit.subscribers.save(self._person(GROUP))

        self.do(work)

    # What workers do

    @rule(seconds=st.sampled_from([0.3, 1.1, 25.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(target=leases, gone=st.booleans())
    def take_lane(self, *, gone: bool) -> Lease | MultipleResults[Lease]:
        """Whether or not its holder is gone."""
        if gone:
            self.clock.advance(self.times.takeover + 1)
        acquired = self.do(lambda unit: unit.lane.acquire("worker"))
        if acquired is None:
            return multiple()
        self.newest = acquired.lease
        return acquired.lease

    def take_over(self) -> Lease:
        self.clock.advance(self.times.takeover + 1)
        acquired = self.do(lambda unit: unit.lane.acquire("worker"))
        assert acquired is not None
        return acquired.lease

    @rule(lease=leases)
    def release(self, lease: Lease) -> None:
        self.do(lambda unit: unit.lane.release(lease))

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
    ) -> MultipleResults[tuple[Lease, ClaimedDelivery]]:
        """Claim, and let each delivery meet its fate; the lane may be lost before that is recorded.

        Some deliveries are still in flight afterwards.
        """
        claimed = self.claim_with(self.newest, room, min(room, direct_room), busy)
        if lost:
            self.newest = self.take_over()
            self.check()
        for (lease, delivery), fate in zip(claimed, fates, strict=False):
            if (answer := self.meet(fate, lease, delivery)) is not None:
                self.record_now(answer)
        fresh = zip(claimed, fates, strict=False)
        return multiple(*(sent for sent, fate in fresh if fate is Fate.STILL_IN_FLIGHT))

    @rule(target=claimed, lease=leases)
    def claim_with_any_lease(self, lease: Lease) -> MultipleResults[tuple[Lease, ClaimedDelivery]]:
        return multiple(*self.claim_with(lease, 2, 1, frozenset()))

    def claim_with(
        self, lease: Lease, room: int, direct_room: int, busy: frozenset[int]
    ) -> list[tuple[Lease, ClaimedDelivery]]:
        order = ClaimOrder(
            room=room, direct_room=direct_room, busy_chats=busy, busy_with_others=busy
        )
        try:
            claim = self.do(lambda unit: unit.lane.claim(lease, order))
        except LeaseLost:
            return []
        chats = [delivery.chat_id for delivery in claim.deliveries]
        assert len(chats) <= room
        assert len(set(chats)) == len(chats)
        assert busy.isdisjoint(chats)
        self.check()
        return [(lease, delivery) for delivery in claim.deliveries]

    @rule(target=answered, sent=consumes(claimed), fate=st.sampled_from(Fate))
    def be_answered(
        self, sent: tuple[Lease, ClaimedDelivery], fate: Fate
    ) -> MultipleResults[tuple[Lease, Settlement]]:
        """Also at a worker that was frozen, thawed, and has lost its lease."""
        answer = self.meet(fate, *sent)
        if answer is None:
            return multiple()
        self.record_now(answer)
        return multiple(answer)

    @rule(answer=answered)
    def record_again(self, answer: tuple[Lease, Settlement]) -> None:
        """As whoever isn't sure of the first time does."""
        self.record_now(answer)

    def meet(
        self, fate: Fate, lease: Lease, delivery: ClaimedDelivery
    ) -> tuple[Lease, Settlement] | None:
        """What its sender can record; None when there is nothing to, or nobody."""
        if fate in {Fate.SENT, Fate.UNANSWERED, Fate.SENT_BY_A_DYING_WORKER}:
            self.arrivals[delivery.key.source_id, delivery.chat_id] += 1
        status = OUTCOMES.get(fate)
        if status is None:
            return None
        moves = fate is Fate.NOT_SENT and delivery.chat_id == GROUP
        return lease, self._settlement(delivery, status, new=SUPERGROUP if moves else None)

    def record_now(self, answer: tuple[Lease, Settlement]) -> None:
        lease, settlement = answer
        if settlement.status is DeliveryStatus.PENDING:
            # Once recorded it may be claimed anew, and its sender knows of that claim.
            if settlement in self.put_back:
                return
            self.put_back.append(settlement)
        self.do(lambda unit: unit.lane.settle(lease, [settlement]))
        self.check()

    def _settlement(
        self, delivery: ClaimedDelivery, status: DeliveryStatus, new: ChatId | None = None
    ) -> Settlement:
        failed = status is DeliveryStatus.FAILED
        return Settlement(
            key=delivery.key,
            attempt=delivery.attempt,
            subscriber_id=delivery.subscriber_id,
            status=status,
            started_at=self.clock.now(),
            reason=Reason.BLOCKED if failed else None,
            reach=Reach.BLOCKED if failed else None,
            new_chat_id=new,
        )

    # What always holds

    @invariant()
    def nobody_got_anything_twice(self) -> None:
        assert all(number == 1 for number in self.arrivals.values()), self.arrivals

    @invariant()
    def counters_equal_rows_and_add_up_to_the_audience(self) -> None:
        self.check()

    def check(self) -> None:
        self.with_each(self._check)

    async def _check(self, unit: TenantUnit, broadcast_id: BroadcastId) -> None:
        broadcast = await unit.broadcasts.get(broadcast_id)
        assert broadcast is not None
        assert await unit.deliveries.audit_counts(broadcast_id)
        rows = [row async for row in unit.deliveries.recipients(broadcast_id)]
        assert broadcast.counts.total == len(rows)
        assert len({row.subscriber_id for row in rows}) == len(rows)
        assert broadcast.frozen_at is not None or not rows
        final = broadcast.finished_at is not None
        assert not (final and broadcast.counts.open)
        assert (broadcast.status is BroadcastStatus.COMPLETED) <= final
        for row in rows:
            key, status = (
                DeliveryKey(SourceId(broadcast_id), row.position),
                DeliveryStatus(row.status),
            )
            former = self.before.get(key, status)
            assert status is former or status in AFTERWARDS.get(former, set()), (former, status)
            assert (row.finished_at is not None) == (status not in {"pending", "in_flight"})
            self.before[key] = status

    def teardown(self) -> None:
        """In the end each recipient has an outcome, without anybody's hand."""
        try:
            self._finish()
        finally:
            self.loop.close()

    def _finish(self) -> None:
        lease = self.take_over()
        self._send_rest(lease)
        for broadcast_id in self.broadcasts:
            self.switch(broadcast_id, "resume")
            self._send_rest(lease)
        self.with_each(self._assert_final)

    def _send_rest(self, lease: Lease) -> None:
        order = ClaimOrder(room=MANY, direct_room=MANY)
        for _ in range(MANY):
            self.freeze_now()
            self.cancel_pending_now(MANY)
            self.check()
            claim = self.do(lambda unit: unit.lane.claim(lease, order))
            self.check()
            if not claim.deliveries and claim.next_due_in is None:
                return
            for delivery in claim.deliveries:
                if (answer := self.meet(Fate.SENT, lease, delivery)) is not None:
                    self.record_now(answer)
            self.clock.advance(2)

    async def _assert_final(self, unit: TenantUnit, broadcast_id: BroadcastId) -> None:
        broadcast = await unit.broadcasts.get(broadcast_id)
        assert broadcast is not None
        assert broadcast.finished_at is not None, broadcast


TestLaneHistories = LaneHistory.TestCase
TestLaneHistories.settings = settings(max_examples=60, stateful_step_count=30)
