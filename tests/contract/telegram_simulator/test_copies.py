"""copyMessage: what can be copied, by whom, and what goes into the copy."""

from typing import Any

import aiogram
import pytest
import telegram

from skua_adapters.telegram_simulator import (
    GroupKind,
    MediaSource,
    NewBot,
    SimulatorSettings,
    TelegramSimulator,
)
from tests.contract.telegram_simulator.conftest import ANA, BOT, Call

KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
PHOTO = "https://cats.example/1.jpg"
OTHER_TOKEN = "77:other_secret"


def _kept(simulator: TelegramSimulator, chat_id: int, message_id: int) -> dict[str, Any]:
    message = simulator.world.history.find(BOT, chat_id, message_id)
    assert message is not None
    return message


async def _copy(call: Call, message_id: int, **parameters: Any) -> dict[str, Any]:
    given = {"chat_id": ANA + 1, "from_chat_id": ANA, "message_id": message_id} | parameters
    return await call("copyMessage", **given)


async def test_a_copy_says_the_same_without_keyboard_and_answers_its_id_alone(
    call: Call, simulator: TelegramSimulator
) -> None:
    sent = await call(
        "sendMessage", chat_id=ANA, text="<b>hi</b>", parse_mode="HTML", reply_markup=KEYBOARD
    )
    answer = await _copy(call, sent["result"]["message_id"])

    copy = _kept(simulator, ANA + 1, answer["result"]["message_id"])

    assert list(answer["result"]) == ["message_id"]
    assert copy["text"] == "hi"
    assert [entity.type for entity in copy["entities"]] == ["bold"]
    assert "reply_markup" not in copy
    receipt = simulator.book.receipts[-1]
    assert (receipt.method, receipt.message_id) == ("copyMessage", copy["message_id"])


async def test_a_copied_photo_gets_a_new_caption_and_keyboard(
    call: Call, simulator: TelegramSimulator
) -> None:
    sent = await call("sendPhoto", chat_id=ANA, photo=PHOTO, caption="old")
    message_id = sent["result"]["message_id"]
    kept = await _copy(call, message_id)
    changed = await _copy(
        call, message_id, caption="<i>new</i>", parse_mode="HTML", reply_markup=KEYBOARD
    )
    bare = await _copy(call, message_id, caption="", chat_id=ANA + 2)

    copies = [
        _kept(simulator, chat_id, answer["result"]["message_id"])
        for chat_id, answer in ((ANA + 1, kept), (ANA + 1, changed), (ANA + 2, bare))
    ]

    assert [copy.get("caption") for copy in copies] == ["old", "new", None]
    assert [copy["photo"] for copy in copies] == [sent["result"]["photo"]] * 3
    assert copies[1]["reply_markup"] == KEYBOARD
    assert simulator.book.receipts[-1].media[0].source is MediaSource.COPY
    assert simulator.people.press_button(BOT, ANA + 1)


async def test_what_people_wrote_can_be_copied_and_a_text_keeps_its_words(
    call: Call, simulator: TelegramSimulator
) -> None:
    simulator.people.send_text(BOT, ANA, "from a person")
    message_id = simulator.world.bot(BOT).last_message_id

    answer = await _copy(call, message_id, caption="not for a text")

    assert _kept(simulator, ANA + 1, answer["result"]["message_id"])["text"] == "from a person"


@pytest.fixture
def settings(settings: SimulatorSettings) -> SimulatorSettings:
    return SimulatorSettings(bots=(*settings.bots, NewBot(token=OTHER_TOKEN)))


async def test_what_can_not_be_copied_is_refused(call: Call, simulator: TelegramSimulator) -> None:
    await call("sendMessage", chat_id=ANA, text="first")
    sent = (await call("sendMessage", chat_id=ANA, text="hi"))["result"]["message_id"]
    group = simulator.world.add_group(BOT, "Team", GroupKind.GROUP)
    moved = simulator.people.migrate(group.id)
    service = simulator.world.bot(BOT).last_message_id
    simulator.people.press_start(77, ANA)

    answers = [
        await _copy(call, 99),
        await _copy(call, 0),
        await _copy(call, sent, from_chat_id=ANA + 1),
        await _copy(call, sent, from_chat_id=4_000_000),
        await _copy(call, sent, from_chat_id=""),
        await _copy(call, service, from_chat_id=moved),
        await _copy(call, sent, token=OTHER_TOKEN, chat_id=ANA),
        await _copy(call, sent, chat_id=""),
        await _copy(call, sent, caption="<b>", parse_mode="HTML"),
    ]

    assert [answer["description"].removeprefix("Bad Request: ") for answer in answers] == [
        "message to copy not found",
        "message to copy not found",
        "message to copy not found",
        "chat not found",
        'parameter "from_chat_id" is required',
        "the message can't be copied",
        "message to copy not found",
        "chat_id is empty",
        "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
    ]


async def test_a_copy_of_a_lost_file_is_refused(call: Call, simulator: TelegramSimulator) -> None:
    sent = (await call("sendPhoto", chat_id=ANA, photo=PHOTO))["result"]
    simulator.world.forget_file(BOT, sent["photo"][0]["file_id"])

    answer = await _copy(call, sent["message_id"])

    assert answer["description"] == "Bad Request: wrong file identifier/HTTP URL specified"


async def test_a_message_that_is_copied_often_is_not_forgotten(call: Call) -> None:
    sent = (await call("sendMessage", chat_id=ANA, text="hi"))["result"]["message_id"]

    answers = [await _copy(call, sent, chat_id=ANA + number) for number in range(1, 20)]

    assert all(answer["ok"] for answer in answers)


async def test_foreign_clients_copy(aiogram_bot: aiogram.Bot, ptb_bot: telegram.Bot) -> None:
    sent = await aiogram_bot.send_message(ANA, "hi")

    one = await aiogram_bot.copy_message(ANA + 1, ANA, sent.message_id)
    other = await ptb_bot.copy_message(ANA + 1, ANA, sent.message_id)

    assert other.message_id == one.message_id + 1
