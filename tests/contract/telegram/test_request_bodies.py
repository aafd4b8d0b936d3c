"""Each request of ours is one that the Bot API knows: by aiogram's types, and as published."""

import json
from pathlib import Path
from typing import Any

import aiogram.methods
import pytest
from aiogram.methods.base import TelegramMethod

from skua_adapters.bot_api.telegram import TelegramBotApi, TelegramBotApiSettings
from skua_adapters.messenger.telegram import TelegramMessenger, TelegramMessengerSettings
from skua_core.domain.content import (
    CopyText,
    EntityType,
    InlineButton,
    LinkPreview,
    MessageEntity,
    RenderedMessage,
    SendOptions,
)
from skua_core.domain.media import CopiedMessage, MediaKind, Medium
from skua_core.domain.secret import WebhookSecret
from skua_core.ids import ChatId
from skua_core.ports.messenger import OutboundMessage
from tests.contract.rigs.media_files import a_file, an_upload_id
from tests.contract.rigs.telegram import ANA, TOKEN
from tests.contract.rigs.telegram_form import body_of
from tests.contract.rigs.telegram_wire import bytes_of, says, wire

_PUBLISHED = Path(__file__).parents[4] / "shared/data/telegram/api.json"
_SIMPLE = {"Integer": int, "String": str, "Boolean": bool, "True": bool, "Float": float}
ENTITIES = (
    *(
        MessageEntity(kind, offset=0, length=1)
        for kind in EntityType
        if kind not in {EntityType.TEXT_LINK, EntityType.CUSTOM_EMOJI, EntityType.DATE_TIME}
    ),
    MessageEntity(EntityType.PRE, offset=0, length=1, language="python"),
    MessageEntity(EntityType.TEXT_LINK, offset=0, length=1, url="https://skua.example"),
    MessageEntity(
        EntityType.CUSTOM_EMOJI, offset=0, length=1, custom_emoji_id="5368324170671202286"
    ),
    MessageEntity(
        EntityType.DATE_TIME, offset=0, length=1, unix_time=1_795_449_600, date_time_format="wDT"
    ),
)
BUTTONS = (
    (InlineButton("Site", url="https://skua.example"), InlineButton("Yes", callback_data="yes")),
    (InlineButton("No", callback_data="no"),),
    (InlineButton("Code", copy_text=CopyText("SPRING")),),
)
GROUP = ChatId(-1_001_234_567_890)
FILE = a_file(b"a file")
UPLOADS = (an_upload_id(), an_upload_id())
PREVIEW = LinkPreview(url="https://skua.example", prefer_large_media=True, prefer_small_media=True)
OPTIONS = SendOptions(
    protect=True, silent=True, link_preview=PREVIEW, effect_id="5104841245755180586"
)
LOOKS = SendOptions(caption_above=True, silent=True, effect_id="5104841245755180586")
TEXT = "Grüße \N{OWL} \x00 \u2028"
COPIED = CopiedMessage(GROUP, 77)


def media_of(kind: MediaKind) -> list[Medium]:
    """One medium in each way in which it can be named."""
    return [
        Medium(kind, file_id="AgACAgIAAxk", spoiler=True),
        Medium(kind, url="https://media.example/spring", spoiler=True),
        Medium(kind, upload=UPLOADS[0], spoiler=True),
    ]


MESSAGES = [
    RenderedMessage("Hello"),
    RenderedMessage(TEXT, ENTITIES, BUTTONS, options=OPTIONS),
    *(
        RenderedMessage(TEXT, ENTITIES, BUTTONS, media=(medium,), options=LOOKS)
        for kind in MediaKind
        for medium in media_of(kind)
    ),
    RenderedMessage(media=(Medium(MediaKind.PHOTO, upload=UPLOADS[0]),)),
    *(
        RenderedMessage(TEXT, ENTITIES, media=tuple(media_of(kind)), options=LOOKS)
        for kind in (MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.DOCUMENT, MediaKind.AUDIO)
    ),
    RenderedMessage(
        media=(*(Medium(MediaKind.PHOTO, upload=each) for each in UPLOADS),), options=OPTIONS
    ),
    RenderedMessage(copied=COPIED),
    RenderedMessage(TEXT, ENTITIES, BUTTONS, copied=COPIED, options=LOOKS),
]


async def recorded() -> list[tuple[str, dict[str, Any]]]:
    """Method and body of a call of every kind."""
    accepted = says(bytes_of("200 OK", b'{"ok":true,"result":true}'))
    async with wire(accepted) as other_end:
        messenger = TelegramMessenger(TelegramMessengerSettings(api_base=other_end.base))
        for content in MESSAGES:
            files = dict.fromkeys(UPLOADS, FILE)
            await messenger.send(TOKEN, OutboundMessage(ANA, content, files=files))
            await messenger.send(TOKEN, OutboundMessage(GROUP, content, paid=True, files=files))
        await messenger.close()
        api = TelegramBotApi(TelegramBotApiSettings(api_base=other_end.base))
        await api.set_webhook(TOKEN, "https://skua.example/hook", WebhookSecret("a" * 43))
        await api.remove_webhook(TOKEN)
        await api.answer_callback(TOKEN, "77")
        for call in (
            api.identify(TOKEN),
            api.webhook_info(TOKEN),
            api.star_balance(TOKEN),
            api.fetch_updates(TOKEN, offset=None, wait=0),
            api.fetch_updates(TOKEN, offset=5, wait=30),
        ):
            with pytest.raises(Exception, match="Telegram"):
                await call
        await api.close()
    return [(request.path.rpartition("/")[2], body_of(request)) for request in other_end.requests]


async def sent(content: RenderedMessage, to: ChatId = ANA) -> dict[str, Any]:
    """The body with which it leaves."""
    async with wire(says(bytes_of("200 OK", b"{}"))) as other_end:
        messenger = TelegramMessenger(TelegramMessengerSettings(api_base=other_end.base))
        await messenger.send(
            TOKEN, OutboundMessage(to, content, files=dict.fromkeys(UPLOADS, FILE))
        )
        await messenger.close()
    [request] = other_end.requests
    return body_of(request)


async def test_every_body_fits_aiogram_s_method() -> None:
    requests = await recorded()

    assert {method for method, _ in requests} == {
        *("sendMessage", "getMe", "setWebhook", "deleteWebhook", "getWebhookInfo", "getUpdates"),
        *("answerCallbackQuery", "getMyStarBalance"),
        *("sendPhoto", "sendVideo", "sendAnimation", "sendDocument", "sendAudio", "sendVoice"),
        *("sendMediaGroup", "copyMessage"),
    }
    for name, body in requests:
        method: type[TelegramMethod[Any]] = getattr(aiogram.methods, name[0].upper() + name[1:])
        method.model_validate(body)
        assert without_files(body).keys() <= method.model_fields.keys()


async def test_every_body_fits_the_published_api() -> None:
    if not _PUBLISHED.exists():
        pytest.skip("Telegram's API as JSON is not beside the project (../shared/data)")
    published = json.loads(_PUBLISHED.read_text())

    for name, body in await recorded():
        shape = published["methods"][name]
        assert problems(published["types"], shape, without_files(body), name) == []


def without_files(body: dict[str, Any]) -> dict[str, Any]:
    """Without the parts that an album's items refer to."""
    return {name: value for name, value in body.items() if not name.startswith("file")}


def test_a_body_that_does_not_fit_would_be_found() -> None:
    shape = {"fields": [{"name": "a", "types": ["Integer"], "required": True}]}

    assert problems({}, shape, {}, "m") == ["m.a is missing"]
    assert problems({}, shape, {"a": "1"}, "m") == ["m.a is no Integer"]
    assert problems({}, shape, {"a": 1, "b": 2}, "m") == ["m.b is not known"]


def problems(
    types: dict[str, Any], shape: dict[str, Any], value: dict[str, Any], path: str
) -> list[str]:
    """Where ``value`` isn't of ``shape``, a method or a type of the published API."""
    fields = {field["name"]: field for field in shape.get("fields", [])}
    found = [f"{path}.{name} is not known" for name in value.keys() - fields.keys()]
    for name, field in fields.items():
        place = f"{path}.{name}"
        if name in value:
            attempts = [unfit(types, kind, value[name], place) for kind in field["types"]]
            best = min(attempts, key=len)
            found += best
        elif field["required"]:
            found.append(f"{place} is missing")
    return found


def unfit(types: dict[str, Any], kind: str, value: Any, path: str) -> list[str]:
    if kind in _SIMPLE:
        return [] if type(value) is _SIMPLE[kind] else [f"{path} is no {kind}"]
    if kind.startswith("Array of "):
        if not isinstance(value, list):
            return [f"{path} is no array"]
        inner = kind.removeprefix("Array of ")
        return [each for item in value for each in unfit(types, inner, item, f"{path}[]")]
    if not isinstance(value, dict):
        return [f"{path} is no {kind}"]
    return problems(types, types[kind], value, path)


async def test_what_a_plain_message_does_not_need_is_not_sent() -> None:
    assert await sent(RenderedMessage("Hello")) == {"chat_id": ANA, "text": "Hello"}


@pytest.mark.parametrize("kind", MediaKind)
async def test_a_medium_is_named_in_the_field_of_its_kind(kind: MediaKind) -> None:
    by_id, by_url, upload = [
        await sent(RenderedMessage(media=(medium,))) for medium in media_of(kind)
    ]

    looks = {"has_spoiler": True} if kind in {"photo", "video", "animation"} else {}
    assert by_id == {"chat_id": ANA, kind.value: "AgACAgIAAxk"} | looks
    assert by_url == {"chat_id": ANA, kind.value: "https://media.example/spring"} | looks
    assert upload == {"chat_id": ANA, kind.value: "a file"} | looks


async def test_options_have_telegram_s_names() -> None:
    common = {
        "chat_id": ANA,
        "disable_notification": True,
        "protect_content": True,
        "message_effect_id": "5104841245755180586",
    }
    preview = {"prefer_large_media": True, "prefer_small_media": True}
    photo = Medium(MediaKind.PHOTO, file_id="AgAC")

    text = await sent(RenderedMessage("Hello", options=OPTIONS))
    medium = await sent(RenderedMessage(media=(photo,), options=OPTIONS))
    copy = await sent(RenderedMessage(copied=COPIED, options=OPTIONS))

    assert text == common | {
        "text": "Hello",
        "link_preview_options": preview | {"url": "https://skua.example"},
    }
    assert medium == common | {"photo": "AgAC"}
    assert copy == common | {"from_chat_id": GROUP, "message_id": 77}


async def test_an_effect_goes_to_private_chats_only() -> None:
    photo = Medium(MediaKind.PHOTO, file_id="AgAC")

    for content in (
        RenderedMessage("Hello", options=OPTIONS),
        RenderedMessage(media=(photo,), options=OPTIONS),
        RenderedMessage(media=(photo, photo), options=OPTIONS),
        RenderedMessage(copied=COPIED, options=OPTIONS),
    ):
        assert "message_effect_id" in await sent(content)
        assert "message_effect_id" not in await sent(content, to=GROUP)


async def test_the_first_medium_of_an_album_has_its_caption_and_files_are_attached() -> None:
    bold = MessageEntity(EntityType.BOLD, offset=0, length=6)
    album = (
        Medium(MediaKind.PHOTO, upload=UPLOADS[0], spoiler=True),
        Medium(MediaKind.VIDEO, file_id="BAAC"),
        Medium(MediaKind.PHOTO, upload=UPLOADS[1]),
    )

    body = await sent(
        RenderedMessage("Spring", (bold,), media=album, options=SendOptions(caption_above=True))
    )

    above = {"show_caption_above_media": True}
    caption = {
        "caption": "Spring",
        "caption_entities": [{"type": "bold", "offset": 0, "length": 6}],
    }
    assert body == {
        "chat_id": ANA,
        "media": [
            {"type": "photo", "media": "attach://file0", "has_spoiler": True} | above | caption,
            {"type": "video", "media": "BAAC"} | above,
            {"type": "photo", "media": "attach://file1"} | above,
        ],
        "file0": "a file",
        "file1": "a file",
    }


async def test_a_copy_without_a_text_keeps_the_caption_that_it_has() -> None:
    assert await sent(RenderedMessage(copied=COPIED)) == {
        "chat_id": ANA,
        "from_chat_id": GROUP,
        "message_id": 77,
    }
    assert (await sent(RenderedMessage("Mine", copied=COPIED)))["caption"] == "Mine"


async def test_a_webhook_is_set_with_its_kinds_and_never_drops_what_waits() -> None:
    [body] = [body for method, body in await recorded() if method == "setWebhook"]

    assert body == {
        "url": "https://skua.example/hook",
        "secret_token": "a" * 43,
        "max_connections": 10,
        "allowed_updates": ["message", "callback_query", "my_chat_member"],
    }
    assert [body for method, body in await recorded() if method == "deleteWebhook"] == [{}]
