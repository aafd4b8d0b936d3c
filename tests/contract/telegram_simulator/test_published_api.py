"""The simulator's objects have the fields and types that Telegram's published API names."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from aiogram.enums import UpdateType

from skua_adapters.telegram_simulator import GroupKind, TelegramSimulator
from skua_adapters.telegram_simulator.update_queue import UPDATE_TYPES
from tests.contract.telegram_simulator.conftest import ANA, BOT, Call

_API = Path(__file__).parents[4] / "shared/data/telegram/api.json"
_SIMPLE = {"Integer": int, "String": str, "Boolean": bool, "True": bool, "Float": float}


@pytest.fixture(scope="module")
def types() -> dict[str, Any]:
    if not _API.exists():
        pytest.skip("Telegram's API as JSON is not beside the project (../shared/data)")
    api: dict[str, Any] = json.loads(_API.read_text())
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
