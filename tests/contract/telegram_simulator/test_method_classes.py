"""Each of aiogram's method classes is taken, and its answer is what the class says it is."""

import json
from typing import Any

import aiogram
import pytest
from aiogram.methods import (
    CopyMessage,
    GetMyStarBalance,
    SendAnimation,
    SendAudio,
    SendDocument,
    SendMediaGroup,
    SendMessage,
    SendPhoto,
    SendVideo,
    SendVoice,
    TelegramMethod,
)
from aiogram.types import (
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    LinkPreviewOptions,
    Message,
    MessageEntity,
    ReplyParameters,
    StarAmount,
)

from skua_adapters.telegram_simulator import NewBot, SimulatorSettings, TelegramSimulator
from tests.contract.telegram_simulator.conftest import ANA, BOT, TOKEN

_URL = "https://cats.example/1."
_CONTENT: dict[type[TelegramMethod[Any]], dict[str, Any]] = {
    SendMessage: {"text": "A cat", "link_preview_options": LinkPreviewOptions(is_disabled=True)},
    SendPhoto: {"photo": f"{_URL}jpg"},
    SendVideo: {"video": f"{_URL}mp4"},
    SendAnimation: {"animation": f"{_URL}gif"},
    SendDocument: {"document": f"{_URL}pdf"},
    SendAudio: {"audio": f"{_URL}mp3"},
    SendVoice: {"voice": f"{_URL}ogg"},
    SendMediaGroup: {
        "media": [InputMediaPhoto(media=f"{_URL}jpg"), InputMediaVideo(media=f"{_URL}mp4")]
    },
    CopyMessage: {"from_chat_id": ANA, "message_id": 1},
    GetMyStarBalance: {},
}
_KEYBOARD = InlineKeyboardMarkup(
    inline_keyboard=[
        [
            InlineKeyboardButton(text="Site", url="https://skua.example/"),
            InlineKeyboardButton(text="Yes", callback_data="yes"),
            InlineKeyboardButton(text="Copy", copy_text=CopyTextButton(text="SKUA10")),
        ]
    ]
)
_BOLD = [MessageEntity(type="bold", offset=0, length=1)]
_OPTIONS: dict[str, Any] = {
    "chat_id": ANA,
    "entities": _BOLD,
    "caption": "A cat",
    "caption_entities": _BOLD,
    "show_caption_above_media": True,
    "has_spoiler": True,
    "duration": 3,
    "width": 320,
    "height": 240,
    "supports_streaming": True,
    "performer": "A cat",
    "title": "Purr",
    "disable_notification": True,
    "protect_content": True,
    "allow_paid_broadcast": True,
    "message_effect_id": "5104841245755180586",
    "reply_parameters": ReplyParameters(message_id=1),
    "reply_markup": _KEYBOARD,
}
CLASSES = pytest.mark.parametrize("method_class", list(_CONTENT))


@pytest.fixture
def settings() -> SimulatorSettings:
    return SimulatorSettings(bots=(NewBot(token=TOKEN, paid_broadcasts=True),))


def _unfolded(body: dict[str, Any]) -> dict[str, Any]:
    """aiogram's forms hold lists and objects as JSON texts."""
    return {
        name: json.loads(value) if isinstance(value, str) and value[:1] in ("[", "{") else value
        for name, value in body.items()
    }


@CLASSES
async def test_a_method_with_all_its_options_is_taken(
    aiogram_bot: aiogram.Bot, simulator: TelegramSimulator, method_class: type[TelegramMethod[Any]]
) -> None:
    simulator.people.send_text(BOT, ANA, "to be copied")
    options = {name: _OPTIONS[name] for name in method_class.model_fields if name in _OPTIONS}
    method = method_class(**options, **_CONTENT[method_class])

    answer = await aiogram_bot(method)

    (receipt,) = simulator.book
    assert receipt.method == method.__api_method__
    assert method_class.model_validate(_unfolded(receipt.body), extra="forbid")
    for message in answer if isinstance(answer, list) else [answer]:
        if isinstance(message, Message):
            assert message.has_protected_content
            assert message.effect_id == _OPTIONS["message_effect_id"]
    if isinstance(answer, StarAmount):
        assert answer.amount == 1_000_000


@pytest.mark.parametrize("kind", [InputMediaAudio, InputMediaDocument])
async def test_albums_of_one_kind_are_taken(aiogram_bot: aiogram.Bot, kind: Any) -> None:
    url = f"{_URL}mp3" if kind is InputMediaAudio else f"{_URL}pdf"

    messages = await aiogram_bot.send_media_group(ANA, [kind(media=url), kind(media=url)])

    assert len({message.media_group_id for message in messages}) == 1
