"""One chat may be gone; a row of them is another bot's audience, or the wrong token."""

import asyncio

from skua_core.domain.broadcast import BroadcastStatus, PauseReason
from skua_core.domain.delivery import DeliveryCounts, Reason
from skua_core.domain.subscriber import Subscriber, SubscriberStatus
from skua_core.use_cases.lane_place import LaneEnd, LaneSettings, SendRates
from tests.unit.lanes.conftest import SWIFT, Bench


def forget(bench: Bench, people: list[Subscriber]) -> None:
    for person in people:
        bench.messenger.forget(person.chat_id)


async def test_a_wrong_audience_pauses_with_everybody_still_active(bench: Bench) -> None:
    people = await bench.subscribe(100)
    broadcast = await bench.broadcast()
    forget(bench, people)
    bench.messenger.latency = 0.005

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.status is BroadcastStatus.PAUSED
    assert report.broadcast.pause_reason is PauseReason.CHATS_NOT_FOUND
    assert report.broadcast.pause_detail == "Bad Request: chat not found"
    assert report.broadcast.counts == DeliveryCounts(pending=100)
    assert await bench.statuses() == {SubscriberStatus.ACTIVE: 100}


async def test_a_chat_or_two_that_are_gone_are_marked_once_somebody_got_it(bench: Bench) -> None:
    people = await bench.subscribe(40)
    broadcast = await bench.broadcast()
    gone = [people[0], people[1], people[10], people[39]]
    forget(bench, gone)

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.status is BroadcastStatus.COMPLETED
    assert report.broadcast.counts == DeliveryCounts(sent=36, failed=4)
    assert report.reasons == {Reason.CHAT_NOT_FOUND: 4}
    assert (await bench.statuses())[SubscriberStatus.INVALID] == 4


async def test_a_few_with_nobody_after_them_are_marked_when_nothing_more_can_tell(
    bench: Bench,
) -> None:
    people = await bench.subscribe(3)
    broadcast = await bench.broadcast()
    forget(bench, people)

    end = await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert end is LaneEnd.IDLE
    assert report.broadcast.status is BroadcastStatus.COMPLETED
    assert report.reasons == {Reason.CHAT_NOT_FOUND: 3}
    assert (await bench.statuses())[SubscriberStatus.INVALID] == 3


async def test_what_is_not_known_yet_is_left_to_whoever_holds_the_lane_next(bench: Bench) -> None:
    bench.settings = LaneSettings(times=SWIFT, poll=0.15, withhold=60)
    people = await bench.subscribe(3)
    broadcast = await bench.broadcast()
    forget(bench, people)

    held = await bench.hold()
    await asyncio.sleep(0.1)
    assert (await bench.report(broadcast)).broadcast.counts == DeliveryCounts(in_flight=3)
    held.place.stop()
    end = await held.end()

    assert end is LaneEnd.STOPPED
    assert (await bench.report(broadcast)).broadcast.counts == DeliveryCounts(pending=3)
    assert await bench.statuses() == {SubscriberStatus.ACTIVE: 3}


async def test_whoever_resumes_it_sees_them_fail_after_all_the_others(bench: Bench) -> None:
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=500), poll=0.15, withhold=0.05)
    people = await bench.subscribe(60)
    broadcast = await bench.broadcast()
    forget(bench, people[20:26])
    await (await bench.hold()).end()
    paused = await bench.report(broadcast)

    await bench.switch(broadcast, BroadcastStatus.SENDING)
    await (await bench.hold()).end()

    assert paused.broadcast.pause_reason is PauseReason.CHATS_NOT_FOUND
    report = await bench.report(broadcast)
    assert report.broadcast.status is BroadcastStatus.COMPLETED
    assert report.broadcast.counts == DeliveryCounts(sent=54, failed=6)
    assert (await bench.statuses())[SubscriberStatus.INVALID] == 6


async def test_one_resume_is_enough_however_many_chats_are_gone(bench: Bench) -> None:
    people = await bench.subscribe(60)
    broadcast = await bench.broadcast()
    forget(bench, people[10:50])
    await (await bench.hold()).end()
    paused = await bench.report(broadcast)

    await bench.switch(broadcast, BroadcastStatus.SENDING)
    await (await bench.hold()).end()

    assert paused.broadcast.pause_reason is PauseReason.CHATS_NOT_FOUND
    report = await bench.report(broadcast)
    assert report.broadcast.status is BroadcastStatus.COMPLETED
    assert report.broadcast.counts == DeliveryCounts(sent=20, failed=40)


async def test_a_reply_to_a_chat_that_is_gone_fails_at_once(bench: Bench) -> None:
    people = await bench.subscribe(1)
    forget(bench, people)
    await bench.reply(people[0], "Hello?")

    await (await bench.hold()).end()

    assert await bench.statuses() == {SubscriberStatus.INVALID: 1}
