"""Photos, videos and other files: taken as Telegram takes them, and refused in its words."""

import io
from collections.abc import Awaitable, Callable
from typing import Any

import aiogram
import aiohttp
import pytest
import telegram
from aiogram.types import BufferedInputFile, Message

from skua_adapters.telegram_simulator import (
    MediaSettings,
    MediaSource,
    NewBot,
    SimulatorSettings,
    TelegramSimulator,
    UrlContent,
)
from tests.contract.telegram_simulator.conftest import ANA, BOT, TOKEN, Call
from tests.contract.telegram_simulator.pictures import GIF, JPEG, MP3, MP4, OGG, PDF, png

OTHER_TOKEN = "77:other_secret"
_FILES = {
    "photo": ("cat.png", png()),
    "video": ("cat.mp4", MP4),
    "animation": ("cat.gif", GIF),
    "document": ("cat.pdf", PDF),
    "audio": ("cat.mp3", MP3),
    "voice": ("cat.ogg", OGG),
}
_TOO_BIG = (
    "Bad Request: file of size 200118 bytes is too big for a photo; "
    "the maximum size is 200000 bytes"
)
KINDS = pytest.mark.parametrize("kind", list(_FILES))


def _method(kind: str) -> str:
    return f"send{kind.capitalize()}"


def _file_of(message: dict[str, Any], kind: str) -> dict[str, Any]:
    Message.model_validate(message, extra="forbid")
    shown = message[kind]
    file: dict[str, Any] = shown[-1] if kind == "photo" else shown
    return file


class Sender:
    """Sends file parts as aiohttp's forms do."""

    def __init__(self, base_url: str, http: aiohttp.ClientSession) -> None:
        self._base_url = base_url
        self._http = http

    async def __call__(
        self,
        kind: str,
        content: bytes,
        name: str = "",
        *,
        token: str = TOKEN,
        **parameters: Any,
    ) -> dict[str, Any]:
        form = aiohttp.FormData({"chat_id": str(ANA), **parameters})
        form.add_field(kind, content, filename=name or _FILES[kind][0])
        url = f"{self._base_url}/bot{token}/{_method(kind)}"
        async with self._http.post(url, data=form) as response:
            answer: dict[str, Any] = await response.json()
            assert response.status == answer.get("error_code", 200)
            return answer


@pytest.fixture
def send(simulator: TelegramSimulator, http: aiohttp.ClientSession) -> Sender:
    return Sender(simulator.base_url, http)


@pytest.fixture
def settings(settings: SimulatorSettings) -> SimulatorSettings:
    return SimulatorSettings(
        bots=(*settings.bots, NewBot(token=OTHER_TOKEN)),
        media=MediaSettings(largest_upload=300_000, largest_photo=200_000),
    )


@KINDS
async def test_an_uploaded_file_can_be_sent_again_by_its_id(
    send: Sender, call: Call, simulator: TelegramSimulator, kind: str
) -> None:
    name, content = _FILES[kind]
    first = _file_of((await send(kind, content, name))["result"], kind)
    again = (await call(_method(kind), chat_id=ANA + 1, **{kind: first["file_id"]}))["result"]

    assert _file_of(again, kind) == first
    assert [receipt.media[0].source for receipt in simulator.book] == [
        MediaSource.UPLOAD,
        MediaSource.FILE_ID,
    ]
    assert {receipt.media[0].key for receipt in simulator.book} == {first["file_unique_id"]}
    (arrivals,) = simulator.book.uploads(bot_id=BOT).values()
    assert len(arrivals) == 1


@KINDS
async def test_another_bots_file_id_is_wrong(
    send: Sender, call: Call, simulator: TelegramSimulator, kind: str
) -> None:
    simulator.people.press_start(77, ANA)
    file = _file_of((await send(kind, _FILES[kind][1]))["result"], kind)

    refused = await call(_method(kind), OTHER_TOKEN, chat_id=ANA, **{kind: file["file_id"]})

    assert refused["description"] == "Bad Request: wrong file identifier/HTTP URL specified"


async def test_every_bot_has_its_own_id_of_the_same_file(
    send: Sender, call: Call, simulator: TelegramSimulator
) -> None:
    simulator.people.press_start(77, ANA)
    mine = _file_of((await send("photo", png()))["result"], "photo")
    theirs = _file_of((await send("photo", png(), token=OTHER_TOKEN))["result"], "photo")

    assert mine["file_unique_id"] == theirs["file_unique_id"]
    assert mine["file_id"] != theirs["file_id"]
    assert (await call("sendPhoto", OTHER_TOKEN, chat_id=ANA, photo=theirs["file_id"]))["ok"]
    assert sorted(bot for bot, _ in simulator.book.uploads()) == [BOT, 77]


async def test_every_size_of_a_photo_can_be_sent_again(send: Sender, call: Call) -> None:
    sizes = (await send("photo", png(3000, 2000)))["result"]["photo"]

    assert [(size["width"], size["height"]) for size in sizes] == [
        (90, 60),
        (320, 213),
        (800, 533),
        (1280, 853),
        (2560, 1707),
    ]
    for number, size in enumerate(sizes):
        answer = await call("sendPhoto", chat_id=ANA + number, photo=size["file_id"])
        assert answer["result"]["photo"] == sizes


async def test_a_file_that_telegram_lost_must_be_uploaded_again(
    send: Sender, call: Call, simulator: TelegramSimulator
) -> None:
    file_id = _file_of((await send("document", PDF))["result"], "document")["file_id"]
    simulator.world.forget_file(BOT, file_id)

    lost = await call("sendDocument", chat_id=ANA, document=file_id)
    again = await send("document", PDF)

    assert lost["description"] == "Bad Request: wrong file identifier/HTTP URL specified"
    assert again["ok"]
    assert (await call("sendDocument", chat_id=ANA + 1, document=file_id))["ok"]


@pytest.mark.parametrize(
    ("kind", "named", "words"),
    [
        ("photo", "", "there is no photo in the request"),
        ("voice", "", "there is no voice in the request"),
        ("photo", "attach://nothing", "there is no photo in the request"),
        ("photo", "AgACAgIAAxkBAAIB92VCBA", "wrong file identifier/HTTP URL specified"),
        (
            "photo",
            "my-cat-photo",
            "wrong remote file identifier specified: can't unserialize it. Wrong last symbol",
        ),
        (
            "photo",
            "my cats",
            "wrong remote file identifier specified: Wrong character in the string",
        ),
        ("photo", "my-catz", "wrong remote file identifier specified: Wrong padding in the string"),
        ("photo", "a-cat", "wrong remote file identifier specified: Wrong string length"),
        (
            "photo",
            "file:///etc/cat.png",
            "invalid file HTTP URL specified: Unsupported URL protocol",
        ),
        ("photo", "https://nowhere.invalid/cat.png", "failed to get HTTP URL content"),
        ("photo", "https://cats.example/album", "wrong type of the web page content"),
        ("photo", "https://cats.example/cat.mp4", "wrong type of the web page content"),
        ("document", "https://cats.example/cat.txt", "wrong type of the web page content"),
        ("video", "https://cats.example/cat.mkv", "wrong type of the web page content"),
    ],
)
async def test_what_is_no_file_is_refused(
    call: Call, simulator: TelegramSimulator, kind: str, named: str, words: str
) -> None:
    answer = await call(_method(kind), chat_id=ANA, **{kind: named})

    assert answer["description"] == f"Bad Request: {words}"
    assert simulator.book.accepted() == []


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        ("document", b"", "Bad Request: file must be non-empty"),
        ("photo", b"no picture", "Bad Request: IMAGE_PROCESS_FAILED"),
        ("photo", png()[:20], "Bad Request: IMAGE_PROCESS_FAILED"),
        ("photo", png(9000, 1001), "Bad Request: PHOTO_INVALID_DIMENSIONS"),
        ("photo", png(2100, 100), "Bad Request: PHOTO_INVALID_DIMENSIONS"),
        (
            "photo",
            png() + b"x" * 200_000,
            _TOO_BIG,
        ),
        ("document", b"x" * 300_001, "Request Entity Too Large"),
    ],
)
async def test_uploads_that_telegram_does_not_take_are_refused(
    send: Sender, simulator: TelegramSimulator, kind: str, content: bytes, words: str
) -> None:
    answer = await send(kind, content)

    assert answer["description"] == words
    (receipt,) = simulator.book
    assert not receipt.accepted
    assert receipt.media == ()


async def test_a_body_beyond_all_measure_is_refused_as_too_large(
    simulator: TelegramSimulator, http: aiohttp.ClientSession
) -> None:
    url = f"{simulator.base_url}/bot{TOKEN}/sendDocument"
    form = aiohttp.FormData({"chat_id": str(ANA)})
    form.add_field("document", io.BytesIO(b"x" * 18_000_000), filename="cat.bin")

    async with http.post(url, data=form) as response:
        assert response.status == 413
        assert (await response.json())["description"] == "Request Entity Too Large"


async def test_a_photo_is_no_document_and_the_reverse(send: Sender, call: Call) -> None:
    photo = _file_of((await send("photo", JPEG))["result"], "photo")["file_id"]
    document = _file_of((await send("document", PDF))["result"], "document")["file_id"]

    for kind, file_id, words in (
        ("document", photo, "can't use file of type Photo as Document"),
        ("photo", document, "can't use file of type Document as Photo"),
        ("voice", photo, "can't use file of type Photo as VoiceNote"),
    ):
        answer = await call(_method(kind), chat_id=ANA + 1, **{kind: file_id})
        assert answer["description"] == f"Bad Request: {words}"


@pytest.mark.parametrize(
    ("asked", "name", "content", "shown"),
    [
        ("video", "notes.txt", b"just text", "document"),
        ("video", "cat.gif", GIF, "animation"),
        ("audio", "cat.ogg", OGG, "document"),
        ("voice", "cat.pdf", PDF, "document"),
        ("document", "cat.gif", GIF, "animation"),
        ("document", "cat.png", png(), "document"),
        ("video", "unknown", b"a stream", "video"),
    ],
)
async def test_a_file_arrives_as_what_it_is(
    send: Sender, asked: str, name: str, content: bytes, shown: str
) -> None:
    message = (await send(asked, content, name))["result"]

    assert _file_of(message, shown)["file_name"] == name


async def test_telegram_fetches_what_a_url_was_said_to_hold(
    call: Call, simulator: TelegramSimulator
) -> None:
    internet = simulator.world.internet
    internet.put("https://shop.test/a?b=1", UrlContent(mime_type="video/mp4", size=7, duration=3))
    internet.put("https://shop.test/large", UrlContent(size=5 * 1024 * 1024 + 1))
    internet.put("https://cats.example/cat.png", UrlContent(gone=True))

    taken = await call("sendVideo", chat_id=ANA, video="https://SHOP.test/a?b=1")
    large = await call("sendPhoto", chat_id=ANA, photo="https://shop.test/large")
    gone = await call("sendPhoto", chat_id=ANA, photo="https://cats.example/cat.png")
    video = _file_of(taken["result"], "video")

    assert (video["file_size"], video["duration"]) == (7, 3)
    assert large["description"] == gone["description"]
    assert gone["description"] == "Bad Request: failed to get HTTP URL content"
    assert simulator.book.receipts[0].media[0].source is MediaSource.URL
    assert internet.fetches()["https://shop.test/a?b=1"] == 1
    again = await call("sendVideo", chat_id=ANA + 1, video=video["file_id"])
    assert _file_of(again["result"], "video") == video


async def test_a_caption_is_parsed_measured_and_shown(call: Call) -> None:
    photo = "https://cats.example/cat.jpg"
    message = (
        await call(
            "sendPhoto",
            chat_id=ANA,
            photo=photo,
            caption="<b>" + "🐦" * 512 + "</b>",
            parse_mode="HTML",
            show_caption_above_media=True,
            has_spoiler=True,
            protect_content=True,
        )
    )["result"]
    too_long = await call("sendPhoto", chat_id=ANA, photo=photo, caption="🐦" * 512 + "x")
    broken = await call("sendPhoto", chat_id=ANA, photo=photo, caption="<b>", parse_mode="HTML")
    blank = await call(
        "sendPhoto", chat_id=ANA + 1, photo=photo, caption=" \n ", show_caption_above_media=True
    )

    Message.model_validate(message, extra="forbid")
    assert message["caption_entities"] == [{"type": "bold", "offset": 0, "length": 1024}]
    assert message["show_caption_above_media"] is message["has_media_spoiler"] is True
    assert message["has_protected_content"] is True
    assert too_long["description"] == "Bad Request: message caption is too long"
    assert broken["description"].startswith("Bad Request: can't parse entities: ")
    assert not {"caption", "show_caption_above_media"} & blank["result"].keys()


async def test_aiogram_uploads_and_sends_again(aiogram_bot: aiogram.Bot) -> None:
    sent = await aiogram_bot.send_video(
        ANA,
        BufferedInputFile(MP4, "cat.mp4"),
        caption="A cat",
        width=320,
        height=240,
        duration=5,
        thumbnail=BufferedInputFile(JPEG, "thumbnail.jpg"),
    )
    assert sent.video is not None
    assert (sent.video.width, sent.video.height, sent.video.duration) == (320, 240, 5)
    assert sent.video.thumbnail is not None

    again = await aiogram_bot.send_video(ANA, sent.video.file_id)

    assert again.video == sent.video
    sends: list[Callable[..., Awaitable[Message]]] = [
        aiogram_bot.send_photo,
        aiogram_bot.send_animation,
        aiogram_bot.send_document,
        aiogram_bot.send_audio,
        aiogram_bot.send_voice,
    ]
    for number, (one, kind) in enumerate(
        zip(sends, ("photo", "animation", "document", "audio", "voice"), strict=True), start=1
    ):
        name, content = _FILES[kind]
        message = await one(ANA + number, BufferedInputFile(content, name))
        assert getattr(message, kind)


async def test_ptb_uploads_and_sends_again(
    ptb_bot: telegram.Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without it the library warns that its durations will be timedeltas one day.
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    sent = await ptb_bot.send_document(ANA, PDF, filename="cat.pdf", caption="A *cat*")
    assert sent.document is not None
    again = await ptb_bot.send_document(ANA, sent.document.file_id)
    photo = await ptb_bot.send_photo(ANA + 1, png())

    assert again.document == sent.document
    assert (photo.photo[-1].width, photo.photo[-1].height) == (640, 480)
