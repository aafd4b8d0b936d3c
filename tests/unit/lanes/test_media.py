"""Until Telegram has a medium, one delivery carries it and the others wait."""

import asyncio

import msgspec
import pytest

from skua_adapters.messenger.fake import FakeMessenger
from skua_core.domain.broadcast import BroadcastStatus, PauseReason
from skua_core.domain.content import MessageSource, RenderedMessage
from skua_core.domain.delivery import DeliveryCounts, DeliveryStatus, Reason
from skua_core.domain.media import MediaKind, Medium
from skua_core.domain.secret import BotToken
from skua_core.ids import MediaId
from skua_core.ports.messenger import OutboundMessage, SendOutcome, Sent
from skua_core.use_cases.lane_place import LaneSettings, SendRates
from tests.unit.lanes.conftest import SWIFT, TOKEN, Bench

BOT = TOKEN.telegram_id
PATIENT = LaneSettings(
    times=msgspec.structs.replace(SWIFT, patience=1.5), rates=SendRates(free=5000), poll=0.15
)
URL = "https://cdn.example.org/cat.jpg"
BY_URL = Medium(MediaKind.PHOTO, url=URL)


def sent_by(bench: Bench, *, url: str = URL) -> int:
    """How many messages had Telegram fetch the address."""
    return sum(any(each.url == url for each in m.content.media) for m in bench.messenger.sent)


async def remembered(bench: Bench, medium: Medium) -> str | None:
    assert medium.key is not None
    async with bench.storage.unit(bench.bot_id) as unit:
        return (await unit.media.file_ids([medium.key])).get(medium.key)


async def test_an_upload_is_carried_once_and_reaches_everybody(bench: Bench) -> None:
    await bench.subscribe(60)
    photo = await bench.upload()
    broadcast = await bench.broadcast(MessageSource("Hi {{ first_name }}", media=(photo,)))
    bench.messenger.latency = 0.01

    await (await bench.hold()).end()

    assert (await bench.report(broadcast)).broadcast.counts == DeliveryCounts(sent=60)
    assert bench.messenger.uploads == [(BOT, photo.upload)]
    assert {m.content.text for m in bench.messenger.sent} == {f"Hi Ana {n}" for n in range(60)}
    assert await remembered(bench, photo) is not None


async def test_no_more_than_the_carrier_is_under_way_until_telegram_has_it(bench: Bench) -> None:
    await bench.subscribe(60)
    photo = await bench.upload()
    broadcast = await bench.broadcast(MessageSource(media=(photo,)))
    bench.messenger.latency = 0.3

    held = await bench.hold()
    await asyncio.sleep(0.15)
    counts = (await bench.report(broadcast)).broadcast.counts
    held.place.stop()
    await held.end()

    assert counts == DeliveryCounts(pending=59, in_flight=1)


async def test_an_address_is_fetched_once(bench: Bench) -> None:
    await bench.subscribe(40)
    await bench.broadcast(MessageSource(media=(BY_URL,)))

    await (await bench.hold()).end()

    assert len(bench.messenger.sent) == 40
    assert sent_by(bench) == 1


async def test_the_next_broadcast_and_the_next_holder_send_it_by_its_name(bench: Bench) -> None:
    await bench.subscribe(3)
    photo = await bench.upload()
    await bench.broadcast(MessageSource(media=(photo,)))
    await (await bench.hold()).end()

    await bench.broadcast(MessageSource("Once more", media=(photo,)))
    await (await bench.hold()).end()

    assert len(bench.messenger.sent) == 6
    assert bench.messenger.uploads == [(BOT, photo.upload)]


async def test_an_album_is_carried_whole_and_each_part_remembered(bench: Bench) -> None:
    await bench.subscribe(20)
    first, second = await bench.upload(b"one"), await bench.upload(b"two")
    given = Medium(MediaKind.PHOTO, file_id="known-already")
    broadcast = await bench.broadcast(MessageSource("Look", media=(first, given, second)))

    await (await bench.hold()).end()

    assert (await bench.report(broadcast)).broadcast.counts == DeliveryCounts(sent=20)
    assert bench.messenger.uploads == [(BOT, first.upload), (BOT, second.upload)]
    last = [each.file_id for each in bench.messenger.sent[-1].content.media]
    assert last == [
        await remembered(bench, first),
        "known-already",
        await remembered(bench, second),
    ]


async def test_a_carrier_that_fails_is_followed_by_another(bench: Bench) -> None:
    people = await bench.subscribe(20)
    for person in people[:3]:
        bench.messenger.block(person.chat_id)
    bench.messenger.drop_before_accepting()
    photo = await bench.upload()
    broadcast = await bench.broadcast(MessageSource(media=(photo,)))

    await (await bench.hold()).end()

    counts = (await bench.report(broadcast)).broadcast.counts
    assert counts == DeliveryCounts(sent=16, failed=3, uncertain=1) or counts == DeliveryCounts(
        sent=17, failed=2, uncertain=1
    )
    assert len([m for m in bench.messenger.sent if m.files]) == 1


async def test_a_file_that_telegram_has_forgotten_is_carried_again_once(bench: Bench) -> None:
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=300), poll=0.15)
    await bench.subscribe(60)
    photo = await bench.upload()
    broadcast = await bench.broadcast(MessageSource(media=(photo,)))
    bench.messenger.latency = 0.01

    held = await bench.hold()
    await bench.until_sent(10)
    file_id = bench.messenger.sent[-1].content.media[0].file_id
    assert file_id is not None
    bench.messenger.lose_file(file_id)
    await held.end()

    report = await bench.report(broadcast)
    assert report.broadcast.status is BroadcastStatus.COMPLETED
    assert report.broadcast.counts == DeliveryCounts(sent=60)
    assert bench.messenger.uploads == [(BOT, photo.upload)] * 2


async def test_a_name_that_was_remembered_wrongly_is_replaced(bench: Bench) -> None:
    await bench.subscribe(10)
    photo = await bench.upload()
    async with bench.changing() as unit:
        assert photo.key is not None
        await unit.media.remember({photo.key: "lost"})
    bench.messenger.lose_file("lost")
    broadcast = await bench.broadcast(MessageSource(media=(photo,)))

    await (await bench.hold()).end()

    assert (await bench.report(broadcast)).broadcast.counts == DeliveryCounts(sent=10)
    assert await remembered(bench, photo) not in {None, "lost"}


async def test_a_medium_that_telegram_refuses_pauses_with_its_words(bench: Bench) -> None:
    await bench.subscribe(30)
    broadcast = await bench.broadcast(MessageSource("Look", media=(BY_URL,)))
    bench.messenger.refuse_medium(URL, "Bad Request: failed to get HTTP URL content")

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.pause_reason is PauseReason.CONTENT_REFUSED
    assert report.broadcast.pause_detail == "Bad Request: failed to get HTTP URL content"
    assert report.broadcast.counts == DeliveryCounts(pending=30)


@pytest.mark.parametrize("left", ["its row", "nothing"])
async def test_an_upload_that_vanished_pauses_and_says_what_to_do(bench: Bench, left: str) -> None:
    await bench.subscribe(30)
    photo = Medium(MediaKind.PHOTO, upload=MediaId(bench.ids.new()))
    if left == "its row":
        photo = await bench.upload()
        assert photo.upload is not None
        await bench.media_store.remove(bench.bot_id, photo.upload)
    broadcast = await bench.broadcast(MessageSource("Look", media=(photo,)))

    await (await bench.hold()).end()

    report = await bench.report(broadcast)
    assert report.broadcast.pause_reason is PauseReason.CONTENT_REFUSED
    assert report.broadcast.pause_detail == (
        f"The file of medium {photo.upload} is gone. Upload it again."
    )
    assert report.broadcast.counts == DeliveryCounts(pending=30)


async def test_each_wording_carries_its_own_medium(bench: Bench) -> None:
    await bench.subscribe(20)
    await bench.subscribe(20, language="pt", first=5000)
    photo, foto = await bench.upload(b"one"), await bench.upload(b"two")
    broadcast = await bench.broadcast(
        MessageSource(media=(photo,), variants={"pt": MessageSource(media=(foto,))})
    )

    await (await bench.hold()).end()

    assert (await bench.report(broadcast)).broadcast.counts == DeliveryCounts(sent=40)
    assert bench.messenger.uploads == [(BOT, photo.upload), (BOT, foto.upload)]


async def test_a_wording_that_nobody_gets_holds_nobody_up(bench: Bench) -> None:
    await bench.subscribe(40)
    foto = await bench.upload()
    broadcast = await bench.broadcast(
        MessageSource("Hi", variants={"pt": MessageSource(media=(foto,))})
    )
    bench.messenger.latency = 0.05

    started = bench.clock.monotonic()
    await (await bench.hold()).end()

    assert bench.clock.monotonic() - started < 1
    assert (await bench.report(broadcast)).broadcast.counts == DeliveryCounts(sent=40)
    assert bench.messenger.uploads == []


async def test_replies_obey_the_same_gate(bench: Bench) -> None:
    people = await bench.subscribe(5)
    photo = await bench.upload()
    for person in people:
        await bench.reply(person, RenderedMessage("Here", media=(photo,)))
    bench.messenger.latency = 0.02
    bench.settings = PATIENT

    held = await bench.hold()
    await bench.until_sent(5)
    held.place.stop()
    await held.end()

    assert bench.messenger.uploads == [(BOT, photo.upload)]


async def test_text_goes_on_leaving_to_people_while_a_photo_is_carried(bench: Bench) -> None:
    people = await bench.subscribe(30)
    photo = await bench.upload()
    await bench.broadcast(MessageSource(media=(photo,)))
    bench.messenger.latency = 0.2

    held = await bench.hold()
    await asyncio.sleep(0.05)
    await bench.reply(people[-1], "Done")
    held.place.wake()
    await bench.until(lambda: any(m.content.text == "Done" for m in bench.messenger.sent))
    carried = len(bench.messenger.sent)
    held.place.stop()
    await held.end()

    assert carried <= 2


async def test_a_refused_reply_with_a_medium_fails_after_a_second_try(bench: Bench) -> None:
    people = await bench.subscribe(1)
    bench.messenger.refuse_medium(URL)
    await bench.reply(people[0], RenderedMessage("Here", media=(BY_URL,)))
    bench.settings = PATIENT

    await bench.serve_until(lambda: bench.replies() == [(DeliveryStatus.FAILED, Reason.CONTENT)])


async def test_a_lane_is_not_given_up_while_a_medium_is_on_its_way(bench: Bench) -> None:
    await bench.subscribe(5)
    photo = await bench.upload()
    broadcast = await bench.broadcast(MessageSource(media=(photo,)))
    bench.messenger.latency = 0.6

    held = await bench.hold()
    held.place.wanted = lambda: True  # and patience is far shorter than the upload
    await bench.until_sent(1)
    await held.end()

    assert (await bench.report(broadcast)).broadcast.counts.uncertain == 0
    assert bench.messenger.uploads == [(BOT, photo.upload)]
    assert await remembered(bench, photo) is not None


class Taciturn(FakeMessenger):
    """Takes media and doesn't say by what it has them."""

    async def send(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        outcome = await super().send(token, message)
        return Sent(outcome.message_id) if isinstance(outcome, Sent) else outcome


async def test_media_whose_name_nobody_learns_are_carried_by_everybody(bench: Bench) -> None:
    bench.messenger = Taciturn()
    bench.messenger.latency = 0.02
    await bench.subscribe(60)
    broadcast = await bench.broadcast(MessageSource(media=(BY_URL,)))

    started = bench.clock.monotonic()
    await (await bench.hold()).end()

    assert bench.clock.monotonic() - started < 1
    assert (await bench.report(broadcast)).broadcast.counts == DeliveryCounts(sent=60)
    assert sent_by(bench) == 60
