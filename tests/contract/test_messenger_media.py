"""What every Messenger has to keep about media, copies, options and payment."""

from collections.abc import AsyncIterator

import pytest

from skua_core.domain.content import (
    EntityType,
    InlineButton,
    LinkPreview,
    MessageEntity,
    RenderedMessage,
    SendOptions,
)
from skua_core.domain.media import CopiedMessage, MediaKind, Medium
from skua_core.domain.secret import BotToken
from skua_core.domain.subscriber import Reach
from skua_core.errors import MediumMissing, StorageUnavailable
from skua_core.ids import ChatId, MediaId
from skua_core.ports.messenger import (
    Blame,
    FileSource,
    NotSent,
    OutboundMessage,
    Refused,
    SendOutcome,
    Sent,
    Throttled,
    Unknown,
    Unreachable,
)
from tests.contract.rigs.media_files import a_failing_file, a_file, a_png, an_upload_id
from tests.contract.rigs.telegram import (
    ANA,
    BEN,
    GONE_URL,
    OTHER_TOKEN,
    TOKEN,
    Arrived,
    MessengerRig,
)
from tests.contract.test_messenger import RIGS

FILES = {
    MediaKind.PHOTO: a_file(a_png()),
    MediaKind.VIDEO: a_file(b"\0\0\0\x18ftypmp42" + b"v" * 5000, "spring.mp4"),
    MediaKind.ANIMATION: a_file(b"GIF89a\x40\x00\x30\x00" + b"g" * 3000, "spring.gif"),
    MediaKind.DOCUMENT: a_file(b"%PDF-1.7\n" + b"d" * 4000, "spring.pdf"),
    MediaKind.AUDIO: a_file(b"ID3" + b"a" * 4000, "song.mp3"),
    MediaKind.VOICE: a_file(b"OggS" + b"o" * 4000, "note.ogg"),
}
URLS = {
    MediaKind.PHOTO: "https://media.example/spring.jpg",
    MediaKind.VIDEO: "https://media.example/spring.mp4",
    MediaKind.ANIMATION: "https://media.example/spring.gif",
    MediaKind.DOCUMENT: "https://media.example/spring.pdf",
    MediaKind.AUDIO: "https://media.example/song.mp3",
    MediaKind.VOICE: "https://media.example/note.ogg",
}
PHOTO, VIDEO = MediaKind.PHOTO, MediaKind.VIDEO
A_PHOTO = Medium(PHOTO, url=URLS[PHOTO])


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[MessengerRig]:
    async with RIGS[request.param]() as rig:
        yield rig


async def send(
    rig: MessengerRig,
    *media: Medium,
    text: str = "Spring",
    to: ChatId = ANA,
    token: BotToken = TOKEN,
    files: dict[MediaId, FileSource] | None = None,
    paid: bool = False,
) -> SendOutcome:
    message = OutboundMessage(to, RenderedMessage(text, media=media), paid, files or {})
    return await rig.messenger.send(token, message)


async def upload(
    rig: MessengerRig, source: FileSource, kind: MediaKind = PHOTO, *, to: ChatId = ANA
) -> SendOutcome:
    media_id = an_upload_id()
    return await send(rig, Medium(kind, upload=media_id), to=to, files={media_id: source})


def file_id_of(outcome: SendOutcome) -> str:
    assert isinstance(outcome, Sent)
    [file_id] = outcome.file_ids
    assert file_id is not None
    return file_id


@pytest.mark.parametrize("kind", MediaKind)
async def test_an_upload_arrives_and_can_be_sent_again_by_its_file_id(
    rig: MessengerRig, kind: MediaKind
) -> None:
    file_id = file_id_of(await upload(rig, FILES[kind], kind))

    again = await send(rig, Medium(kind, file_id=file_id), to=BEN)

    assert file_id_of(again) == file_id
    assert rig.arrived(ANA) == rig.arrived(BEN) == [Arrived("Spring", (kind,))]
    assert rig.uploads() == 1


@pytest.mark.parametrize("kind", MediaKind)
async def test_a_medium_by_its_url_arrives_and_has_a_file_id(
    rig: MessengerRig, kind: MediaKind
) -> None:
    file_id = file_id_of(await send(rig, Medium(kind, url=URLS[kind])))

    assert file_id_of(await send(rig, Medium(kind, file_id=file_id))) == file_id
    assert rig.arrived(ANA) == [Arrived("Spring", (kind,))] * 2
    assert rig.uploads() == 0


async def test_a_medium_needs_no_caption(rig: MessengerRig) -> None:
    await send(rig, A_PHOTO, text="")

    assert rig.arrived(ANA) == [Arrived("", (PHOTO,))]


async def test_a_caption_with_entities_buttons_and_options_arrives(rig: MessengerRig) -> None:
    content = RenderedMessage(
        "Spring \N{OWL} sale",
        entities=(MessageEntity(EntityType.BOLD, offset=7, length=2),),
        buttons=((InlineButton("Yes", callback_data="yes"),),),
        media=(Medium(PHOTO, url=URLS[PHOTO], spoiler=True),),
        options=SendOptions(protect=True, silent=True, caption_above=True),
    )

    assert isinstance(await rig.messenger.send(TOKEN, OutboundMessage(ANA, content)), Sent)
    assert rig.arrived(ANA) == [Arrived("Spring \N{OWL} sale", (PHOTO,))]


async def test_a_text_with_options_arrives(rig: MessengerRig) -> None:
    options = SendOptions(
        protect=True,
        silent=True,
        link_preview=LinkPreview(url="https://media.example/", show_above_text=True),
        effect_id="5104841245755180586",
    )
    content = RenderedMessage("See media.example", options=options)

    assert isinstance(await rig.messenger.send(TOKEN, OutboundMessage(ANA, content)), Sent)
    assert rig.arrived(ANA) == [Arrived("See media.example")]


@pytest.mark.parametrize("media", [(), (A_PHOTO,), (A_PHOTO, A_PHOTO)])
async def test_an_effect_is_left_out_in_a_group(
    rig: MessengerRig, media: tuple[Medium, ...]
) -> None:
    group = rig.group()
    options = SendOptions(effect_id="5104841245755180586")
    content = RenderedMessage("Spring", media=media, options=options)

    assert isinstance(await rig.messenger.send(TOKEN, OutboundMessage(group, content)), Sent)


async def test_an_album_arrives_with_a_file_id_for_each_medium(rig: MessengerRig) -> None:
    first, second = an_upload_id(), an_upload_id()
    album = (
        Medium(PHOTO, upload=first),
        Medium(VIDEO, url=URLS[VIDEO]),
        Medium(PHOTO, upload=second),
    )
    files = {first: a_file(a_png(10, 10)), second: a_file(a_png(20, 20))}

    outcome = await send(rig, *album, files=files)

    assert isinstance(outcome, Sent)
    assert len(set(outcome.file_ids) - {None}) == 3
    assert rig.arrived(ANA) == [Arrived("Spring", (PHOTO, VIDEO, PHOTO))]
    again = [
        Medium(medium.kind, file_id=file_id)
        for medium, file_id in zip(album, outcome.file_ids, strict=True)
    ]
    resent = await send(rig, *again, to=BEN)
    assert isinstance(resent, Sent)
    assert resent.file_ids == outcome.file_ids
    assert rig.uploads() == 2


async def test_after_an_album_ids_go_on_behind_its_last_message(rig: MessengerRig) -> None:
    album, single = await send(rig, A_PHOTO, A_PHOTO, A_PHOTO), await send(rig, A_PHOTO)

    assert isinstance(album, Sent)
    assert isinstance(single, Sent)
    assert single.message_id == album.message_id + 3


async def test_a_copied_message_arrives(rig: MessengerRig) -> None:
    original = await send(rig, A_PHOTO)
    assert isinstance(original, Sent)
    copied = CopiedMessage(ANA, original.message_id)
    content = RenderedMessage("Another caption", copied=copied)

    outcome = await rig.messenger.send(TOKEN, OutboundMessage(BEN, content))

    assert isinstance(outcome, Sent)
    assert outcome.message_id > original.message_id
    assert outcome.file_ids == ()
    [arrived] = rig.arrived(BEN)
    assert arrived.text == "Another caption"


async def test_a_medium_that_cannot_be_fetched_is_refused(rig: MessengerRig) -> None:
    outcome = await send(rig, Medium(PHOTO, url=GONE_URL))

    assert isinstance(outcome, Refused)
    assert outcome.blame is Blame.MEDIUM
    assert isinstance(await send(rig, A_PHOTO), Sent)


async def test_another_bot_s_file_id_is_refused(rig: MessengerRig) -> None:
    theirs = file_id_of(await send(rig, A_PHOTO, token=OTHER_TOKEN))

    outcome = await send(rig, Medium(PHOTO, file_id=theirs))

    assert isinstance(outcome, Refused)
    assert outcome.blame is Blame.MEDIUM
    assert file_id_of(await send(rig, A_PHOTO)) != theirs


async def test_a_file_that_telegram_lost_is_refused_until_it_is_carried_again(
    rig: MessengerRig,
) -> None:
    file_id = file_id_of(await upload(rig, FILES[PHOTO]))
    rig.lose_file(file_id)

    outcome = await send(rig, Medium(PHOTO, file_id=file_id))

    assert isinstance(outcome, Refused)
    assert outcome.blame is Blame.MEDIUM
    assert file_id_of(await upload(rig, FILES[PHOTO]))


@pytest.mark.parametrize("album", [False, True])
async def test_a_file_that_is_not_handed_over_is_refused(rig: MessengerRig, *, album: bool) -> None:
    media = [Medium(PHOTO, upload=an_upload_id()), *([A_PHOTO] if album else [])]

    outcome = await send(rig, *media)

    assert isinstance(outcome, Refused)
    assert outcome.blame is Blame.MEDIUM
    assert rig.arrived(ANA) == []


async def test_a_file_that_vanished_is_refused_and_nothing_arrives(rig: MessengerRig) -> None:
    missing = MediumMissing(an_upload_id())

    outcome = await upload(rig, a_failing_file(missing))

    assert outcome == Refused(str(missing), Blame.MEDIUM)
    assert rig.arrived(ANA) == []
    assert isinstance(await upload(rig, FILES[PHOTO]), Sent)


async def test_a_file_that_cannot_be_read_now_leaves_the_message_unsent(rig: MessengerRig) -> None:
    outcome = await upload(rig, a_failing_file(StorageUnavailable("no connection")))

    assert isinstance(outcome, NotSent)
    assert rig.arrived(ANA) == []
    assert isinstance(await upload(rig, FILES[PHOTO]), Sent)


async def test_an_unreachable_chat_is_unreachable_for_media_too(rig: MessengerRig) -> None:
    rig.block(ANA)

    for media in ([A_PHOTO], [A_PHOTO, A_PHOTO]):
        outcome = await send(rig, *media)
        assert isinstance(outcome, Unreachable)
        assert outcome.reach is Reach.BLOCKED
    blocked = await upload(rig, FILES[PHOTO])
    assert isinstance(blocked, Unreachable)


async def test_a_throttled_medium_waits(rig: MessengerRig) -> None:
    rig.throttle(3)

    assert await upload(rig, FILES[PHOTO]) == Throttled(3)
    assert rig.arrived(ANA) == []


async def test_a_throttled_album_may_have_arrived_and_says_how_long_to_wait(
    rig: MessengerRig,
) -> None:
    rig.throttle(3)

    outcome = await send(rig, A_PHOTO, A_PHOTO)

    assert isinstance(outcome, Unknown)
    assert outcome.answered
    assert outcome.retry_after == 3


async def test_an_album_that_arrived_in_part_is_unknown_with_what_telegram_said(
    rig: MessengerRig,
) -> None:
    words = 'Bad Request: failed to send message #2 with the error message "WEBPAGE_CURL_FAILED"'
    rig.fail_album(words)

    outcome = await send(rig, A_PHOTO, A_PHOTO)

    assert isinstance(outcome, Unknown)
    assert outcome.answered
    assert outcome.refused == Refused(words, Blame.MEDIUM)


async def test_an_upload_without_an_answer_is_unknown(rig: MessengerRig) -> None:
    rig.drop_after_accepting()

    outcome = await upload(rig, FILES[PHOTO])

    assert isinstance(outcome, Unknown)
    assert not outcome.answered
    assert rig.arrived(ANA) == [Arrived("Spring", (PHOTO,))]


async def test_without_a_connection_no_upload_was_sent(rig: MessengerRig) -> None:
    await rig.cut_off()

    assert isinstance(await upload(rig, FILES[PHOTO]), NotSent)


async def test_who_may_not_pay_is_refused_for_the_payment(rig: MessengerRig) -> None:
    rig.impoverish()

    for media in ([], [A_PHOTO], [A_PHOTO, A_PHOTO]):
        outcome = await send(rig, *media, paid=True)
        assert isinstance(outcome, Refused)
        assert outcome.blame is Blame.PAYMENT
    assert isinstance(await send(rig), Sent)


async def test_who_can_pay_is_served(rig: MessengerRig) -> None:
    rig.enrich()

    for media in ([], [A_PHOTO], [A_PHOTO, A_PHOTO]):
        assert isinstance(await send(rig, *media, paid=True), Sent)
    assert [arrived.paid for arrived in rig.arrived(ANA)] == [True] * 3
