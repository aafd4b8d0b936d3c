"""Each request of ours is one that the Bot API knows: by aiogram's types, and as published."""

import json
from pathlib import Path
from typing import Any

import aiogram.methods
import pytest
from aiogram.methods.base import TelegramMethod

from skua_adapters.bot_api.telegram import TelegramBotApi, TelegramBotApiSettings
from skua_adapters.messenger.telegram import TelegramMessenger, TelegramMessengerSettings
from skua_core.domain.content import EntityType, InlineButton, MessageEntity, RenderedMessage
from skua_core.domain.secret import WebhookSecret
from skua_core.ports.messenger import OutboundMessage
from tests.contract.rigs.telegram import ANA, TOKEN
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
)
MESSAGES = [
    RenderedMessage("Hello"),
    RenderedMessage("Grüße \N{OWL} \x00 \u2028", entities=ENTITIES, buttons=BUTTONS),
]


async def recorded() -> list[tuple[str, dict[str, Any]]]:
    """Method and body of a call of every kind."""
    accepted = says(bytes_of("200 OK", b'{"ok":true,"result":true}'))
    async with wire(accepted) as other_end:
        messenger = TelegramMessenger(TelegramMessengerSettings(api_base=other_end.base))
        for content in MESSAGES:
            await messenger.send(TOKEN, OutboundMessage(ANA, content))
            await messenger.send(TOKEN, OutboundMessage(ANA, content, paid=True))
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
    return [
        (request.path.rpartition("/")[2], json.loads(request.body))
        for request in other_end.requests
    ]


async def test_every_body_fits_aiogram_s_method() -> None:
    requests = await recorded()

    assert {method for method, _ in requests} == {
        *("sendMessage", "getMe", "setWebhook", "deleteWebhook", "getWebhookInfo", "getUpdates"),
        *("answerCallbackQuery", "getMyStarBalance"),
    }
    for name, body in requests:
        method: type[TelegramMethod[Any]] = getattr(aiogram.methods, name[0].upper() + name[1:])
        method.model_validate(body)
        assert body.keys() <= method.model_fields.keys()


async def test_every_body_fits_the_published_api() -> None:
    if not _PUBLISHED.exists():
        pytest.skip("Telegram's API as JSON is not beside the project (../shared/data)")
    published = json.loads(_PUBLISHED.read_text())

    for name, body in await recorded():
        assert problems(published["types"], published["methods"][name], body, name) == []


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
    _, body = (await recorded())[0]

    assert body == {"chat_id": ANA, "text": "Hello"}


async def test_a_webhook_is_set_with_its_kinds_and_never_drops_what_waits() -> None:
    [body] = [body for method, body in await recorded() if method == "setWebhook"]

    assert body == {
        "url": "https://skua.example/hook",
        "secret_token": "a" * 43,
        "max_connections": 10,
        "allowed_updates": ["message", "callback_query", "my_chat_member"],
    }
    assert [body for method, body in await recorded() if method == "deleteWebhook"] == [{}]
