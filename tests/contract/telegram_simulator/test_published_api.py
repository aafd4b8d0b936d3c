"""The simulator's objects have the fields and types that Telegram's published API names."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from aiogram.enums import UpdateType

from skua_adapters.telegram_simulator import GroupKind, TelegramSimulator
from skua_adapters.telegram_simulator.parameters import Parameters
from skua_adapters.telegram_simulator.update_queue import UPDATE_TYPES
from tests.contract.telegram_simulator.conftest import ANA, BOT, Call

_API = Path(__file__).parents[4] / "shared/data/telegram/api.json"
_SIMPLE = {"Integer": int, "String": str, "Boolean": bool, "True": bool, "Float": float}


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    if not _API.exists():
        pytest.skip("Telegram's API as JSON is not beside the project (../shared/data)")
    published: dict[str, Any] = json.loads(_API.read_text())
    return published


@pytest.fixture(scope="module")
def types(api: dict[str, Any]) -> dict[str, Any]:
    published: dict[str, Any] = api["types"]
    return published


def _problems(types: dict[str, Any], name: str, value: Any, path: str) -> list[str]:
    """Where ``value`` isn't what the API calls ``name``."""
    if name.startswith("Array of "):
        if not isinstance(value, list):
            return [f"{path} is no array"]
        inner = name.removeprefix("Array of ")
        return [
            problem
            for place, item in enumerate(value)
            for problem in _problems(types, inner, item, f"{path}[{place}]")
        ]
    if name in _SIMPLE:
        fits = type(value) is _SIMPLE[name]
        return [] if fits else [f"{path} is {value!r}, not {name}"]
    if "subtypes" in types[name]:
        return _fewest(
            _problems(types, subtype, value, path) for subtype in types[name]["subtypes"]
        )
    return _field_problems(types, name, value, path)


def _fewest(attempts: Iterable[list[str]]) -> list[str]:
    return min(attempts, key=len)


def _field_problems(types: dict[str, Any], name: str, value: Any, path: str) -> list[str]:
    fields = {field["name"]: field for field in types[name].get("fields", [])}
    problems = [f"{path}.{unknown} is not in {name}" for unknown in value.keys() - fields.keys()]
    for field_name, field in fields.items():
        if field_name not in value:
            if field["required"]:
                problems.append(f"{path}.{field_name} is missing")
            continue
        problems += _fewest(
            _problems(types, kind, value[field_name], f"{path}.{field_name}")
            for kind in field["types"]
        )
    return problems


def test_the_check_sees_wrong_missing_and_unknown_fields(types: dict[str, Any]) -> None:
    user = {"id": "7", "is_bot": False, "surname": "x"}

    assert len(_problems(types, "User", user, "user")) == 3


async def test_results_have_the_published_fields(call: Call, types: dict[str, Any]) -> None:
    keyboard = {
        "inline_keyboard": [
            [{"text": "Yes", "callback_data": "yes", "style": "success"}],
            [{"text": "Site", "url": "skua.example"}],
        ]
    }
    me = await call("getMe")
    message = await call(
        "sendMessage",
        chat_id=ANA,
        text="<b>a</b><a href='skua.example'>b</a><a href='tg://user?id=1000'>c</a>",
        parse_mode="HTML",
        reply_markup=keyboard,
        protect_content=True,
    )
    await call(
        "setWebhook", url="http://127.0.0.1:9/", ip_address="127.0.0.1", allowed_updates=["poll"]
    )
    info = await call("getWebhookInfo")

    for name, answer in (("User", me), ("Message", message), ("WebhookInfo", info)):
        assert _problems(types, name, answer["result"], name) == []


_CONTENT: dict[str, dict[str, Any]] = {
    "sendMessage": {"text": "hi"},
    "sendPhoto": {"photo": "https://cats.example/1.jpg"},
    "sendVideo": {"video": "https://cats.example/1.mp4"},
    "sendAnimation": {"animation": "https://cats.example/1.gif"},
    "sendDocument": {"document": "https://cats.example/1.pdf"},
    "sendAudio": {"audio": "https://cats.example/1.mp3", "title": "Purr", "performer": "Cat"},
    "sendVoice": {"voice": "https://cats.example/1.ogg"},
    "sendMediaGroup": {"media": [{"type": "photo", "media": "https://cats.example/1.jpg"}] * 2},
    "copyMessage": {"from_chat_id": ANA, "message_id": 1},
    "getMyStarBalance": {},
}
METHODS = pytest.mark.parametrize("method", list(_CONTENT))


@METHODS
async def test_everything_sent_is_answered_with_the_published_fields(
    call: Call, api: dict[str, Any], types: dict[str, Any], method: str
) -> None:
    await call("sendMessage", chat_id=ANA, text="to be copied")
    answer = await call(
        method,
        chat_id=ANA,
        **_CONTENT[method],
        caption="<b>A cat</b>",
        parse_mode="HTML",
        show_caption_above_media=True,
        has_spoiler=True,
        message_effect_id="5104841245755180586",
        reply_parameters={"message_id": 1},
        reply_markup={"inline_keyboard": [[{"text": "Copy", "copy_text": {"text": "cat"}}]]},
    )
    (kind,) = api["methods"][method]["returns"]

    assert _problems(types, kind, answer["result"], kind) == []


class _Watched(dict[str, Any]):
    """Remembers which parameters somebody looked for."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__(content)
        self.looked_for: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.looked_for.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.looked_for.add(str(name))
        return super().__contains__(name)


@METHODS
async def test_only_published_parameters_are_looked_for(
    simulator: TelegramSimulator, api: dict[str, Any], method: str
) -> None:
    bot = simulator.world.bot(BOT)
    simulator.people.send_text(BOT, ANA, "to be copied")
    watched = _Watched({"chat_id": ANA, **_CONTENT[method]})

    await simulator._api.call(bot, method, Parameters(watched))

    published = {field["name"] for field in api["methods"][method].get("fields", [])}
    assert watched.looked_for <= published
    assert watched.looked_for or not published


async def test_updates_have_the_published_fields(
    call: Call, simulator: TelegramSimulator, types: dict[str, Any]
) -> None:
    people = simulator.people
    group = simulator.world.add_group(BOT, "Team", GroupKind.GROUP)
    people.press_start(BOT, ANA)
    people.block(BOT, ANA)
    people.unblock(BOT, ANA)
    people.migrate(group.id)
    await call(
        "sendMessage",
        chat_id=ANA,
        text="x",
        reply_markup={"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]},
    )
    people.press_button(BOT, ANA)
    people.press_button(BOT, ANA, 1, "old")

    updates = (await call("getUpdates"))["result"]

    assert len(updates) == 7
    for update in updates:
        assert _problems(types, "Update", update, "update") == []


def test_every_published_update_type_is_known(types: dict[str, Any]) -> None:
    fields = {field["name"] for field in types["Update"]["fields"]}

    assert fields - {"update_id"} <= set(UPDATE_TYPES)


def test_the_known_update_types_are_aiograms() -> None:
    assert set(UPDATE_TYPES) == {str(kind.value) for kind in UpdateType}
