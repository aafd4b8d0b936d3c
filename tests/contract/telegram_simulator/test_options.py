"""What a bot may say about a message besides its content, and what it costs."""

from typing import Any

import pytest
from aiogram.types import Message

from skua_adapters.telegram_simulator import (
    GroupKind,
    NewBot,
    RateLimitSettings,
    SimulatorSettings,
    TelegramSimulator,
)
from tests.contract.telegram_simulator.conftest import ANA, BOT, TOKEN, Call

FIRE = "5104841245755180586"
PHOTO = "https://cats.example/1.jpg"


@pytest.fixture
def settings() -> SimulatorSettings:
    return SimulatorSettings(
        bots=(NewBot(token=TOKEN, paid_broadcasts=True, stars=1),),
        limits=RateLimitSettings(token_bucket=3, token_rate=0.001, chat_bucket=10),
    )


async def _paid(call: Call, chat_id: int, method: str = "sendMessage", **content: Any) -> Any:
    content = content or {"text": "hi"}
    return await call(method, chat_id=chat_id, allow_paid_broadcast=True, **content)


async def test_only_messages_above_the_free_rate_cost_a_tenth_of_a_star(
    call: Call, simulator: TelegramSimulator
) -> None:
    free = [await _paid(call, ANA + number) for number in range(3)]
    balance = (await call("getMyStarBalance"))["result"]
    paid = [await _paid(call, ANA + number) for number in range(2)]

    assert all(answer["ok"] for answer in (*free, *paid))
    assert balance == {"amount": 1}
    assert (await call("getMyStarBalance"))["result"] == {"amount": 0, "nanostar_amount": 800000000}
    assert [receipt.stars for receipt in simulator.book.accepted()] == [0.0] * 3 + [0.1] * 2
    assert all(receipt.paid for receipt in simulator.book.accepted())


async def test_an_album_costs_as_many_messages_as_it_has(call: Call) -> None:
    media = [{"type": "photo", "media": PHOTO}] * 5
    await _paid(call, ANA, "sendMediaGroup", media=media)

    assert (await call("getMyStarBalance"))["result"] == {"amount": 0, "nanostar_amount": 800000000}


async def test_what_is_refused_costs_nothing(call: Call, simulator: TelegramSimulator) -> None:
    simulator.people.block(BOT, ANA)
    for _ in range(5):
        await _paid(call, ANA)
    await _paid(call, ANA + 1, "sendPhoto", photo="https://cats.test/gone.png")

    assert (await call("getMyStarBalance"))["result"] == {"amount": 1}


async def test_who_can_not_pay_is_refused_in_the_end(call: Call) -> None:
    answers = [await _paid(call, ANA + number) for number in range(14)]

    assert [answer["ok"] for answer in answers] == [True] * 13 + [False]
    assert answers[-1]["description"] == "Bad Request: BALANCE_TOO_LOW"
    assert (await call("getMyStarBalance"))["result"] == {"amount": 0}


async def test_an_effect_is_for_private_chats_and_must_exist(
    call: Call, simulator: TelegramSimulator
) -> None:
    group = simulator.world.add_group(BOT, "Team", GroupKind.GROUP)

    shown = await call("sendPhoto", chat_id=ANA, photo=PHOTO, message_effect_id=FIRE)
    unknown = await call("sendMessage", chat_id=ANA, text="hi", message_effect_id="7")
    in_group = await call("sendMessage", chat_id=group.id, text="hi", message_effect_id=FIRE)

    none = await call("sendMessage", chat_id=ANA, text="hi", message_effect_id="fire")

    assert Message.model_validate(shown["result"]).effect_id == FIRE
    assert "effect_id" not in none["result"]
    assert unknown["description"] == "Bad Request: EFFECT_ID_INVALID"
    assert in_group["description"] == "Bad Request: can't use message effects in the chat"


async def test_link_preview_options_come_back(call: Call) -> None:
    options = {"url": "https://skua.example/", "show_above_text": True, "is_disabled": False}
    sent = await call("sendMessage", chat_id=ANA, text="hi", link_preview_options=options)
    unfit: tuple[object, ...] = ("{", [], {"url": 1}, {"is_disabled": "no"})
    broken = [
        await call("sendMessage", chat_id=ANA, text="hi", link_preview_options=given)
        for given in unfit
    ]

    message = Message.model_validate(sent["result"], extra="forbid")
    assert message.link_preview_options is not None
    assert sent["result"]["link_preview_options"] == {
        "url": "https://skua.example/",
        "show_above_text": True,
    }
    assert [answer["description"].removeprefix("Bad Request: ") for answer in broken] == [
        "can't parse link preview options JSON object",
        "object expected as link preview options",
        'field "url" must be of type String',
        'field "is_disabled" must be of type Boolean',
    ]


async def test_unknown_parameters_are_ignored(call: Call) -> None:
    answer = await call("sendPhoto", chat_id=ANA, photo=PHOTO, colour="red", disable_notification=1)

    assert answer["ok"]
