"""Albums: which ones Telegram takes, what comes back, and what may go wrong half way."""

import json
from typing import Any

import aiogram
import aiohttp
import pytest
import telegram
from aiogram.types import BufferedInputFile, InputMediaPhoto, InputMediaVideo, Message

from skua_adapters.telegram_simulator import (
    FaultAction,
    FaultMoment,
    FaultRule,
    MediaSource,
    TelegramSimulator,
    UrlContent,
)
from tests.contract.telegram_simulator.conftest import ANA, BOT, TOKEN, Call
from tests.contract.telegram_simulator.pictures import MP4, PDF, png

PHOTO = {"type": "photo", "media": "https://cats.example/1.jpg"}
VIDEO = {"type": "video", "media": "https://cats.example/2.mp4"}
DOCUMENT = {"type": "document", "media": "https://cats.example/3.pdf"}
_WRONG_FILE = (
    'failed to send message #1 with the error message "Wrong file identifier/HTTP URL specified"'
)
AUDIO = {"type": "audio", "media": "https://cats.example/4.mp3"}


async def test_an_album_is_several_messages_and_one_receipt(
    call: Call, simulator: TelegramSimulator
) -> None:
    first = PHOTO | {"caption": "<i>Cats</i>", "parse_mode": "HTML", "has_spoiler": True}
    answer = await call("sendMediaGroup", chat_id=ANA, media=[first, VIDEO], protect_content=True)

    messages = [Message.model_validate(one, extra="forbid") for one in answer["result"]]
    (receipt,) = simulator.book.accepted(bot_id=BOT)

    assert len({message.media_group_id for message in messages}) == 1
    assert messages[0].media_group_id
    assert (messages[0].caption, messages[1].caption) == ("Cats", None)
    assert messages[0].has_media_spoiler
    assert all(message.has_protected_content for message in messages)
    assert receipt.message_ids == tuple(message.message_id for message in messages)
    assert receipt.message_id == messages[0].message_id
    assert [medium.kind for medium in receipt.media] == ["photo", "video"]


async def test_two_albums_are_told_apart(call: Call) -> None:
    albums = [
        (await call("sendMediaGroup", chat_id=ANA + number, media=[PHOTO, VIDEO]))["result"]
        for number in range(2)
    ]

    assert albums[0][0]["media_group_id"] != albums[1][0]["media_group_id"]


async def test_one_item_comes_as_a_message_of_its_own(call: Call) -> None:
    (message,) = (await call("sendMediaGroup", chat_id=ANA, media=[PHOTO]))["result"]

    assert "media_group_id" not in message


async def test_a_keyboard_is_ignored(call: Call) -> None:
    keyboard = {"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]}
    answer = await call("sendMediaGroup", chat_id=ANA, media=[PHOTO, VIDEO], reply_markup=keyboard)

    assert all("reply_markup" not in message for message in answer["result"])


@pytest.mark.parametrize(
    ("media", "words"),
    [
        ("", 'parameter "media" is required'),
        ("[", "can't parse media JSON object"),
        ({}, "expected an Array of InputMedia"),
        ([], "there are no messages to send"),
        ([PHOTO] * 11, "too many messages to send as an album"),
        ([1], "can't parse InputMedia: expected an Object"),
        ([{"media": "x"}], "can't parse InputMedia: Can't find field \"type\""),
        ([{"type": "photo"}], "can't parse InputMedia: media not found"),
        ([PHOTO | {"media": "attach://x"}], "can't parse InputMedia: media not found"),
        (
            [PHOTO, PHOTO | {"type": "animation"}],
            "can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup",
        ),
        (
            [PHOTO, PHOTO | {"type": "voice"}],
            'can\'t parse InputMedia: type "voice" is unsupported',
        ),
        ([PHOTO, DOCUMENT], "document can't be mixed with other media types"),
        ([AUDIO, VIDEO], "audio can't be mixed with other media types"),
        ([AUDIO, DOCUMENT], "audio can't be mixed with other media types"),
        ([PHOTO, VIDEO | {"caption": "x" * 1025}], "message caption is too long"),
        (
            [PHOTO, PHOTO | {"show_caption_above_media": True}],
            "parameter show_caption_above_media must be the same for all messages",
        ),
        (
            [PHOTO, PHOTO | {"media": "https://cats.test/gone.jpg"}],
            'failed to send message #2 with the error message "WEBPAGE_CURL_FAILED"',
        ),
        (
            [PHOTO | {"media": "https://cats.example/page"}, PHOTO],
            'failed to send message #1 with the error message "WEBPAGE_MEDIA_EMPTY"',
        ),
        (
            [PHOTO | {"media": "AgACAgIAAxkBAAIB92VCBA"}, PHOTO],
            _WRONG_FILE,
        ),
    ],
)
async def test_what_is_no_album_is_refused_whole(
    call: Call, simulator: TelegramSimulator, media: object, words: str
) -> None:
    answer = await call("sendMediaGroup", chat_id=ANA, media=media)

    assert answer["description"] == f"Bad Request: {words}"
    assert simulator.book.accepted() == []


async def test_a_broken_caption_says_which_kind_of_thing_is_broken(call: Call) -> None:
    broken = PHOTO | {"caption": "<b>", "parse_mode": "HTML"}
    answer = await call("sendMediaGroup", chat_id=ANA, media=[broken, PHOTO])

    assert answer["description"].startswith(
        "Bad Request: can't parse InputMedia: Can't parse entities: "
    )


@pytest.mark.parametrize("item", [DOCUMENT, AUDIO])
async def test_documents_and_audio_go_with_their_own_kind(call: Call, item: Any) -> None:
    assert (await call("sendMediaGroup", chat_id=ANA, media=[item, item]))["ok"]


async def test_files_come_attached_and_are_sent_again_by_id(
    simulator: TelegramSimulator, http: aiohttp.ClientSession, call: Call
) -> None:
    media = [{"type": "document", "media": f"attach://{name}"} for name in "ab"]
    form = aiohttp.FormData({"chat_id": str(ANA), "media": json.dumps(media)})
    form.add_field("a", PDF, filename="a.pdf")
    form.add_field("b", PDF + b"b", filename="b.pdf")
    async with http.post(f"{simulator.base_url}/bot{TOKEN}/sendMediaGroup", data=form) as response:
        first = (await response.json())["result"]

    again = [{"type": "document", "media": message["document"]["file_id"]} for message in first]
    second = (await call("sendMediaGroup", chat_id=ANA + 1, media=again))["result"]

    assert [message["document"] for message in first] == [message["document"] for message in second]
    assert [upload.file_name for upload in simulator.book.receipts[0].uploads] == ["a.pdf", "b.pdf"]
    assert {one.source for one in simulator.book.receipts[1].media} == {MediaSource.FILE_ID}


async def test_an_animations_id_fits_into_no_album(
    call: Call, simulator: TelegramSimulator
) -> None:
    simulator.world.internet.put("https://cats.test/a.gif", UrlContent(mime_type="image/gif"))
    sent = await call("sendAnimation", chat_id=ANA, animation="https://cats.test/a.gif")
    file_id = sent["result"]["animation"]["file_id"]

    answer = await call("sendMediaGroup", chat_id=ANA, media=[VIDEO, VIDEO | {"media": file_id}])

    assert answer["description"] == (
        'Bad Request: failed to send message #2 with the error message "MEDIA_GROUPED_INVALID"'
    )


async def test_an_album_can_be_answered_with_a_failure_after_a_part_arrived(
    call: Call, simulator: TelegramSimulator
) -> None:
    words = 'Bad Request: failed to send message #2 with the error message "INTERNAL"'
    simulator.faults.add(
        FaultRule(
            action=FaultAction.REFUSE,
            when=FaultMoment.AFTER,
            method="sendMediaGroup",
            description=words,
            parts=1,
            times=1,
        )
    )

    answer = await call("sendMediaGroup", chat_id=ANA, media=[PHOTO, PHOTO])
    (receipt,) = simulator.book

    assert (answer["error_code"], answer["description"]) == (400, words)
    assert receipt.accepted
    assert (receipt.error_code, len(receipt.message_ids), len(receipt.media)) == (400, 1, 1)


@pytest.mark.parametrize("when", list(FaultMoment))
async def test_an_album_can_be_answered_429_whether_it_arrived_or_not(
    call: Call, simulator: TelegramSimulator, when: FaultMoment
) -> None:
    rule = FaultRule(
        action=FaultAction.REFUSE, when=when, method="sendMediaGroup", error_code=429, retry_after=4
    )
    simulator.faults.add(rule)

    answer = await call("sendMediaGroup", chat_id=ANA, media=[PHOTO, PHOTO])
    (receipt,) = simulator.book

    assert answer["description"] == "Too Many Requests: retry after 4"
    assert answer["parameters"] == {"retry_after": 4}
    assert receipt.accepted is (when is FaultMoment.AFTER)


async def test_aiogram_sends_an_album_of_uploads(aiogram_bot: aiogram.Bot) -> None:
    messages = await aiogram_bot.send_media_group(
        ANA,
        [
            InputMediaPhoto(media=BufferedInputFile(png(), "cat.png"), caption="Cats"),
            InputMediaVideo(media=BufferedInputFile(MP4, "cat.mp4"), width=320, height=240),
        ],
    )

    assert messages[0].photo
    assert messages[0].caption == "Cats"
    assert messages[1].video is not None
    assert messages[1].video.width == 320


async def test_ptb_sends_an_album_of_uploads(ptb_bot: telegram.Bot) -> None:
    messages = await ptb_bot.send_media_group(
        ANA, [telegram.InputMediaPhoto(png()), telegram.InputMediaPhoto(png(320, 240))]
    )

    assert [message.photo[-1].width for message in messages] == [640, 320]
