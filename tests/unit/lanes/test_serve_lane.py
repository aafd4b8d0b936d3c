"""What a held lane does with its broadcast, its replies, and Telegram's answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from skua_adapters.tenant_storage.in_memory import InMemoryTenantStorage
from skua_core.domain.broadcast import BroadcastStatus, PauseReason
from skua_core.domain.delivery import Reason, Settlement
from skua_core.domain.lane import Lease
from skua_core.domain.subscriber import SubscriberStatus
from skua_core.ids import BotId, ChatId
from skua_core.ports.tenant_storage import TenantUnit, UnitKind
from skua_core.use_cases.lane_place import LaneEnd, LaneSettings, SendRates
from tests.unit.lanes.conftest import SWIFT, TOKEN, Bench


async def test_everybody_gets_a_broadcast_once_and_the_lane_goes_idle(bench: Bench) -> None:
    await bench.subscribe(50)
    broadcast = await bench.broadcast()

    held = await bench.hold()
    end = await held.end()

    report = await bench.report(broadcast)
    assert end is LaneEnd.IDLE
    assert report.broadcast.status is BroadcastStatus.COMPLETED
    assert report.broadcast.counts.sent == 50
    assert sorted(sent.chat_id for sent in bench.messenger.sent) == list(range(1000, 1050))
    assert bench.messenger.sent[0].content.text == "Hello Ana 0"


async def test_a_blocked_person_fails_and_changes_status(bench: Bench) -> None:
    people = await bench.subscribe(3)
    bench.messenger.block(people[1].chat_id)
    broadcast = await bench.broadcast()

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.counts.sent == 2
    assert report.reasons == {Reason.BLOCKED: 1}
    async with bench.storage.unit(bench.bot_id) as unit:
        assert (await unit.audience.by_status())[SubscriberStatus.BLOCKED] == 1


async def test_no_answer_is_uncertain_and_never_tried_again(bench: Bench) -> None:
    await bench.subscribe(4)
    broadcast = await bench.broadcast()
    bench.messenger.drop_after_accepting()
    bench.messenger.drop_before_accepting()
    bench.messenger.break_down()

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.counts.uncertain == 3
    assert report.reasons == {Reason.NO_ANSWER: 2, Reason.SERVER_ERROR: 1}
    assert len(bench.messenger.sent) == 2


async def test_nothing_leaves_before_a_pause_is_over(bench: Bench) -> None:
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=100), poll=0.15)
    await bench.subscribe(10)
    broadcast = await bench.broadcast()
    bench.messenger.throttle(0.12)

    held = await bench.hold()
    started = bench.clock.monotonic()
    await bench.until(lambda: bool(bench.messenger.sent))
    waited = bench.clock.monotonic() - started
    await held.end()

    assert waited >= 0.12
    assert (await bench.report(broadcast)).broadcast.counts.sent == 10


class SlowStorage(InMemoryTenantStorage):
    """Every transaction takes a while, in which answers come in."""

    @asynccontextmanager
    async def unit(
        self, bot_id: BotId, kind: UnitKind = UnitKind.COMMAND
    ) -> AsyncIterator[TenantUnit]:
        async with super().unit(bot_id, kind) as unit:
            settle = unit.lane.settle

            async def slow_settle(lease: Lease, settlements: Sequence[Settlement]) -> None:
                await settle(lease, settlements)
                await asyncio.sleep(0.03)

            unit.lane.settle = slow_settle  # type: ignore[method-assign]
            yield unit


async def test_a_pause_that_is_asked_for_in_the_middle_of_a_turn_is_obeyed(bench: Bench) -> None:
    bench.storage = SlowStorage(bench.memory, times=SWIFT)
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=200), poll=0.15)
    bench.messenger.latency = 0.01
    await bench.subscribe(120)
    broadcast = await bench.broadcast()

    held = await bench.hold()
    for sent in (20, 40, 60):
        await bench.until_sent(sent)
        bench.messenger.throttle(0.1)
    end = await held.end()

    assert end is LaneEnd.IDLE
    assert (await bench.report(broadcast)).broadcast.counts.sent == 120


async def test_a_pause_is_stored_for_whoever_holds_the_lane_next(bench: Bench) -> None:
    await bench.subscribe(3)
    await bench.broadcast()
    bench.messenger.throttle(30, times=3)

    held = await bench.hold()
    end = await held.end()

    assert end is LaneEnd.HELD_BACK
    assert bench.messenger.sent == []
    lane = bench.memory.lanes.rows[bench.bot_id]
    assert lane.lease_id is None
    assert lane.not_before is not None
    assert 25 < (lane.not_before - bench.clock.now()).total_seconds() <= 30


async def test_pausing_lets_only_what_was_claimed_finish(bench: Bench) -> None:
    await bench.subscribe(200)
    broadcast = await bench.broadcast()
    bench.messenger.latency = 0.02

    held = await bench.hold()
    await bench.until(lambda: len(bench.messenger.sent) >= 5)
    await bench.switch(broadcast, BroadcastStatus.PAUSED)
    paused = await bench.report(broadcast)
    await held.end()

    counts = (await bench.report(broadcast)).broadcast.counts
    assert counts.pending == paused.broadcast.counts.pending
    assert counts.in_flight == 0
    assert len(bench.messenger.sent) == counts.sent

    await bench.switch(broadcast, BroadcastStatus.SENDING)
    await (await bench.hold()).end()

    assert (await bench.report(broadcast)).broadcast.counts.sent == 200
    assert len({message.chat_id for message in bench.messenger.sent}) == 200


async def test_cancelling_skips_the_rest(bench: Bench) -> None:
    await bench.subscribe(400)
    broadcast = await bench.broadcast()
    bench.messenger.latency = 0.02

    held = await bench.hold()
    await bench.until(lambda: len(bench.messenger.sent) >= 5)
    await bench.switch(broadcast, BroadcastStatus.CANCELLED)
    held.place.wake()
    await held.end()

    report = await bench.report(broadcast)
    counts = report.broadcast.counts
    assert counts.open == 0
    assert counts.sent == len(bench.messenger.sent)
    assert report.reasons == {Reason.CANCELLED: 400 - counts.sent}
    assert report.broadcast.finished_at is not None


async def test_a_reply_overtakes_the_broadcast(bench: Bench) -> None:
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=100), poll=0.15)
    people = await bench.subscribe(60)
    await bench.broadcast("Hello")

    held = await bench.hold()
    await bench.until(lambda: len(bench.messenger.sent) >= 10)
    await bench.reply(people[-1], "You won't get messages any more.")
    held.place.wake()
    await bench.until(
        lambda: any(m.content.text.startswith("You won't") for m in bench.messenger.sent)
    )
    overtaken = 61 - len(bench.messenger.sent)
    held.place.stop()
    await held.end()

    assert overtaken > 20


async def test_a_refused_token_stops_the_lane_and_pauses_the_broadcast(bench: Bench) -> None:
    await bench.subscribe(20)
    broadcast = await bench.broadcast()
    bench.messenger.revoke(TOKEN)

    end = await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert end is LaneEnd.TOKEN
    assert report.broadcast.status is BroadcastStatus.PAUSED
    assert report.broadcast.pause_reason is PauseReason.TOKEN_REVOKED
    assert report.broadcast.counts.pending == 20
    assert bench.messenger.sent == []


async def test_stopping_puts_back_what_has_not_left(bench: Bench) -> None:
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=20), poll=0.15)
    await bench.subscribe(40)
    broadcast = await bench.broadcast()

    held = await bench.hold()
    await bench.until(lambda: len(bench.messenger.sent) >= 3)
    held.place.stop()
    end = await held.end()

    counts = (await bench.report(broadcast)).broadcast.counts
    assert end is LaneEnd.STOPPED
    assert counts.in_flight == counts.uncertain == 0
    assert counts.sent == len(bench.messenger.sent)
    assert counts.pending == 40 - counts.sent


async def test_a_holder_whose_lease_is_lost_claims_and_sends_nothing_more(bench: Bench) -> None:
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=200), poll=0.15)
    await bench.subscribe(200)
    broadcast = await bench.broadcast()
    bench.messenger.latency = 0.05

    first = await bench.hold("worker:1")
    await bench.until(lambda: bool(bench.messenger.sent))
    bench.memory.lanes.rows[bench.bot_id].free()
    second = await bench.hold("worker:2")
    assert await first.end() is LaneEnd.LOST
    await second.end()

    counts = (await bench.report(broadcast)).broadcast.counts
    chats = [message.chat_id for message in bench.messenger.sent]
    assert len(chats) == len(set(chats))
    assert counts.open == 0
    assert counts.sent + counts.uncertain == 200
    assert set(chats) <= {ChatId(1000 + index) for index in range(200)}


async def test_a_fenced_holder_sends_nothing(bench: Bench) -> None:
    await bench.subscribe(40)
    broadcast = await bench.broadcast()

    held = await bench.hold()
    held.guard.lose()
    end = await held.end()

    assert end is LaneEnd.LOST
    assert bench.messenger.sent == []
    assert (await bench.report(broadcast)).broadcast.counts.sent == 0


async def test_what_cannot_be_rendered_for_somebody_fails_for_them_alone(bench: Bench) -> None:
    await bench.subscribe(2)
    broadcast = await bench.broadcast("{{ last_name }}")

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.reasons == {Reason.UNRENDERABLE: 2}
    assert bench.messenger.sent == []
