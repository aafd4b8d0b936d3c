"""What a lane does when Telegram refuses the message itself."""

import pytest

from skua_adapters.messenger.fake import FakeMessenger
from skua_core.domain.broadcast import BroadcastStatus, PauseReason
from skua_core.domain.content import MessageSource
from skua_core.domain.delivery import DeliveryCounts, Reason
from skua_core.domain.secret import BotToken
from skua_core.ports.messenger import Blame, OutboundMessage, Refused, SendOutcome, Unknown
from skua_core.use_cases.lane_place import LaneEnd, LaneSettings, SendRates
from tests.unit.lanes.conftest import SWIFT, TOKEN, Bench

WORDS = "Bad Request: BUTTON_URL_INVALID"


async def test_a_broken_message_pauses_before_anybody_fails(bench: Bench) -> None:
    await bench.subscribe(200)
    broadcast = await bench.broadcast("Broken")
    bench.messenger.refuse_content("Broken", WORDS)
    bench.messenger.latency = 0.005

    end = await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert end is LaneEnd.IDLE
    assert report.broadcast.status is BroadcastStatus.PAUSED
    assert report.broadcast.pause_reason is PauseReason.CONTENT_REFUSED
    assert report.broadcast.pause_detail == WORDS
    assert report.broadcast.counts == DeliveryCounts(pending=200)


async def test_a_broken_message_is_tried_by_no_more_than_a_window(bench: Bench) -> None:
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=50), poll=0.15)
    await bench.subscribe(200)
    broadcast = await bench.broadcast("Broken")
    bench.messenger.refuse_content("Broken", WORDS)

    await (await bench.hold()).end()

    waiting = [row for row in await bench.recipients(broadcast) if row.reason is not None]
    assert 5 <= len(waiting) <= 22  # 50 per second, 0.3 s, and half as much again
    assert {(row.status, row.reason, row.detail) for row in waiting} == {
        ("pending", "content", WORDS)
    }


async def test_an_audience_smaller_than_the_breaker_pauses_at_the_second_refusal(
    bench: Bench,
) -> None:
    await bench.subscribe(2)
    broadcast = await bench.broadcast("Broken")
    bench.messenger.refuse_content("Broken", WORDS)

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.pause_reason is PauseReason.CONTENT_REFUSED
    assert report.broadcast.counts == DeliveryCounts(pending=2)


async def test_recipients_whose_own_values_break_it_fail_alone(bench: Bench) -> None:
    await bench.subscribe(40)
    broadcast = await bench.broadcast()
    for number in (3, 7, 8, 20, 21, 22, 23, 39):
        bench.messenger.refuse_content(f"Hello Ana {number}", WORDS)

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.status is BroadcastStatus.COMPLETED
    assert report.broadcast.counts == DeliveryCounts(sent=32, failed=8)
    assert report.reasons == {Reason.CONTENT: 8}


async def test_whoever_was_refused_gets_it_after_all_the_others(bench: Bench) -> None:
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=200), poll=0.15)
    await bench.subscribe(30)
    await bench.broadcast()
    bench.messenger.refuse_content("Hello Ana 0", WORDS)

    held = await bench.hold()
    await bench.until_sent(5)
    bench.messenger.accept_content("Hello Ana 0")
    await held.end()

    assert len(bench.messenger.sent) == 30
    assert bench.messenger.sent[-1].content.text == "Hello Ana 0"


async def test_a_corrected_wording_reaches_everybody(bench: Bench) -> None:
    await bench.subscribe(60)
    broadcast = await bench.broadcast("Broken")
    bench.messenger.refuse_content("Broken", WORDS)
    await (await bench.hold()).end()

    await bench.edit(broadcast, 2, "Mended")
    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.status is BroadcastStatus.COMPLETED
    assert report.broadcast.counts == DeliveryCounts(sent=60)
    assert {message.content.text for message in bench.messenger.sent} == {"Mended"}


async def test_a_correction_while_the_lane_is_still_held_goes_on_at_once(bench: Bench) -> None:
    await bench.subscribe(60)
    broadcast = await bench.broadcast("Broken")
    bench.messenger.refuse_content("Broken", WORDS)
    held = await bench.hold()
    await bench.until_paused(broadcast)

    await bench.edit(broadcast, 2, "Mended")
    held.place.wake()
    await held.end()

    assert (await bench.report(broadcast)).broadcast.counts == DeliveryCounts(sent=60)


async def test_only_the_broken_wording_counts(bench: Bench) -> None:
    await bench.subscribe(100)
    await bench.subscribe(6, language="pt-BR", first=5000)
    broadcast = await bench.broadcast(
        MessageSource("Hello", variants={"pt": MessageSource("Quebrado")})
    )
    bench.messenger.refuse_content("Quebrado", WORDS)

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.pause_reason is PauseReason.CONTENT_REFUSED
    assert report.broadcast.counts.failed == 0
    assert report.broadcast.counts.pending >= 6


async def test_replies_go_on_while_a_broadcast_is_stopped(bench: Bench) -> None:
    people = await bench.subscribe(50)
    broadcast = await bench.broadcast("Broken")
    bench.messenger.refuse_content("Broken", WORDS)

    held = await bench.hold()
    await bench.until_paused(broadcast)
    await bench.reply(people[0], "Here you are")
    held.place.wake()
    await bench.until_sent(1)
    await held.end()

    assert [message.content.text for message in bench.messenger.sent] == ["Here you are"]


async def test_a_refused_payment_pauses_with_telegrams_words_and_loses_nobody(
    bench: Bench,
) -> None:
    await bench.subscribe(50)
    broadcast = await bench.broadcast("Hello", paid=True)
    bench.messenger.refuse_payment(TOKEN.telegram_id, "Bad Request: BALANCE_TOO_LOW")
    bench.messenger.latency = 0.005

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.status is BroadcastStatus.PAUSED
    assert report.broadcast.pause_reason is PauseReason.PAYMENT_REFUSED
    assert report.broadcast.pause_detail == "Bad Request: BALANCE_TOO_LOW"
    assert report.broadcast.counts == DeliveryCounts(pending=50)

    bench.messenger.accept_payment(TOKEN.telegram_id)
    await bench.switch(broadcast, BroadcastStatus.SENDING)
    await (await bench.hold()).end()

    assert (await bench.report(broadcast)).broadcast.counts == DeliveryCounts(sent=50)


async def test_an_unknown_refusal_fails_for_its_recipient_alone(bench: Bench) -> None:
    people = await bench.subscribe(20)
    broadcast = await bench.broadcast()
    for person in people[:10]:
        bench.messenger.refuse(person.chat_id)

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.status is BroadcastStatus.COMPLETED
    assert report.reasons == {Reason.REFUSED: 10}


@pytest.mark.parametrize("number", [1, 3])
async def test_a_pause_is_logged_with_its_reason_and_without_names(
    bench: Bench, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.subscribe(number)
    broadcast = await bench.broadcast("Broken")
    bench.messenger.refuse_content("Broken", WORDS)

    await (await bench.hold()).end()

    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert line == f"Paused broadcast {broadcast} of bot {bench.bot_id}: content_refused"


class HalfAnAlbum(FakeMessenger):
    """Some of an album arrives, and then Telegram says what is wrong with it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__()
        self._words = refused

    async def send(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        await super().send(token, message)
        return Unknown("answered 400", answered=True, refused=self._words)


@pytest.mark.parametrize(
    ("blame", "reason"),
    [
        (Blame.CONTENT, PauseReason.CONTENT_REFUSED),
        (Blame.PAYMENT, PauseReason.PAYMENT_REFUSED),
    ],
)
async def test_a_fault_that_leaves_albums_uncertain_pauses_too(
    bench: Bench, blame: Blame, reason: PauseReason
) -> None:
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=50), poll=0.15)
    bench.messenger = HalfAnAlbum(Refused(WORDS, blame))
    await bench.subscribe(100)
    broadcast = await bench.broadcast("Look")

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.pause_reason is reason
    assert report.broadcast.counts.failed == 0
    assert report.broadcast.counts.uncertain <= 22
    assert report.broadcast.counts.pending == 100 - report.broadcast.counts.uncertain
