"""The simulator says no where Telegram does, in Telegram's words."""

from typing import Any

import aiohttp
import pytest

from skua_adapters.telegram_simulator import GroupKind, NewBot, TelegramSimulator
from tests.contract.telegram_simulator.conftest import ANA, BOT, TOKEN, Call


def _refusal(code: int, description: str, **parameters: int) -> dict[str, Any]:
    answer: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    return answer | ({"parameters": parameters} if parameters else {})


_RESERVED = (
    "can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'"
)


@pytest.mark.parametrize("token", ["42", "42:", "abc:def", "42:a.b", "4" * 5000 + ":a"])
async def test_a_malformed_token_is_not_found(call: Call, token: str) -> None:
    assert await call("getMe", token) == _refusal(404, "Not Found")


async def test_an_unknown_method_is_not_found(call: Call) -> None:
    answer = await call("sendEverything")

    assert answer == _refusal(404, "Not Found: method not found")


async def test_a_replaced_and_a_revoked_token_are_unauthorized(
    call: Call, simulator: TelegramSimulator
) -> None:
    simulator.world.replace_token(BOT, "42:new")
    assert await call("getMe") == _refusal(401, "Unauthorized")
    assert (await call("getMe", "42:new"))["ok"]

    simulator.world.revoke_token(BOT)
    assert await call("getMe", "42:new") == _refusal(401, "Unauthorized")


async def test_a_body_that_is_no_json_object_is_refused(
    simulator: TelegramSimulator, http: aiohttp.ClientSession
) -> None:
    url = f"{simulator.base_url}/bot{TOKEN}/sendMessage"
    headers = {"Content-Type": "application/json"}
    async with http.post(url, data=b"[]", headers=headers) as response:
        assert await response.json() == _refusal(400, "Bad Request: JSON object expected")
    async with http.post(url, data=b"{", headers=headers) as response:
        assert response.status == 400


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"text": "x"}, "chat_id is empty"),
        ({"chat_id": ANA}, "message text is empty"),
        ({"chat_id": 999_999, "text": "x"}, "chat not found"),
        ({"chat_id": "@nobody", "text": "x"}, "chat not found"),
        ({"chat_id": 1 << 70, "text": "x"}, "chat not found"),
        ({"chat_id": -5, "text": "x"}, "chat not found"),
        ({"chat_id": ANA, "text": "🐦" * 2049}, "message is too long"),
        (
            {"chat_id": ANA, "text": "é<b>", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            {"chat_id": ANA, "text": "1.5", "parse_mode": "MarkdownV2"},
            _RESERVED,
        ),
        ({"chat_id": ANA, "text": "x", "entities": "["}, "can't parse entities JSON object"),
        (
            {"chat_id": ANA, "text": "x", "reply_markup": "{"},
            "can't parse reply keyboard markup JSON object",
        ),
        (
            {
                "chat_id": ANA,
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "y" * 65}]]},
            },
            "BUTTON_DATA_INVALID",
        ),
        (
            {"chat_id": ANA, "text": "x", "reply_parameters": {"message_id": 7}},
            "message to be replied not found",
        ),
        ({"chat_id": ANA, "text": "x", "allow_paid_broadcast": True}, "BALANCE_TOO_LOW"),
    ],
)
async def test_bad_messages_are_refused_and_not_accepted(
    call: Call, simulator: TelegramSimulator, parameters: dict[str, Any], words: str
) -> None:
    assert await call("sendMessage", **parameters) == _refusal(400, f"Bad Request: {words}")
    assert simulator.book.accepted() == []


async def test_people_who_can_not_be_reached(call: Call, simulator: TelegramSimulator) -> None:
    simulator.people.block(BOT, ANA)
    simulator.people.deactivate(ANA + 1)
    simulator.world.add_users(range(5000, 5010))
    simulator.world.bot(BOT).met.add(5000)
    simulator.world.add_bot(NewBot(token="77:other"))

    answers = [
        (await call("sendMessage", chat_id=chat_id, text="hi"))["description"]
        for chat_id in (ANA, ANA + 1, 5000, 5001, 77)
    ]

    assert answers == [
        "Forbidden: bot was blocked by the user",
        "Forbidden: user is deactivated",
        "Forbidden: bot can't initiate conversation with a user",
        "Bad Request: chat not found",
        "Forbidden: bot can't send messages to bots",
    ]


async def test_whoever_unblocks_the_bot_can_be_reached_again(
    call: Call, simulator: TelegramSimulator
) -> None:
    simulator.people.block(BOT, ANA)
    simulator.people.press_start(BOT, ANA)

    assert (await call("sendMessage", chat_id=ANA, text="hi"))["ok"]


async def test_groups_migrate_and_throw_bots_out(call: Call, simulator: TelegramSimulator) -> None:
    old = simulator.world.add_group(BOT, "Old", GroupKind.GROUP)
    other = simulator.world.add_group(BOT, "Other", GroupKind.SUPERGROUP)
    new_id = simulator.people.migrate(old.id)
    simulator.people.kick(other.id, by=ANA)

    assert await call("sendMessage", chat_id=old.id, text="hi") == _refusal(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        migrate_to_chat_id=new_id,
    )
    assert (await call("sendMessage", chat_id=new_id, text="hi"))["result"]["chat"] == {
        "id": new_id,
        "type": "supergroup",
        "title": "Old",
    }
    assert await call("sendMessage", chat_id=other.id, text="hi") == _refusal(
        403, "Forbidden: bot was kicked from the supergroup chat"
    )


async def test_a_callback_can_be_answered_once(call: Call, simulator: TelegramSimulator) -> None:
    keyboard = {"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]}
    await call("sendMessage", chat_id=ANA, text="x", reply_markup=keyboard)
    query_id = simulator.people.press_button(BOT, ANA)
    too_old = _refusal(
        400,
        "Bad Request: query is too old and response timeout expired or query ID is invalid",
    )

    assert await call("answerCallbackQuery", callback_query_id="5") == too_old
    assert (await call("answerCallbackQuery", callback_query_id=query_id))["ok"]
    assert await call("answerCallbackQuery", callback_query_id=query_id) == too_old
