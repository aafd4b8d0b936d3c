"""What people do reaches the bot as updates that a foreign library takes for real ones."""

import asyncio

from aiogram.types import InaccessibleMessage, Update

from skua_adapters.telegram_simulator import GroupKind, TelegramSimulator, User
from tests.contract.telegram_simulator.conftest import ANA, BOT, Call

KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}


async def _updates(call: Call) -> list[Update]:
    """Strictly validated: aiogram may not ignore a field it doesn't know."""
    answer = await call("getUpdates")
    return [Update.model_validate(update, extra="forbid") for update in answer["result"]]


async def test_every_kind_of_update_is_one_to_aiogram(
    call: Call, simulator: TelegramSimulator
) -> None:
    people = simulator.people
    simulator.world.add_user(User(id=7, first_name="Nina", last_name="<b>", username="nina"))
    group = simulator.world.add_group(BOT, "Team", GroupKind.GROUP)
    people.press_start(BOT, 7, "payload-1")
    people.send_text(BOT, 7, "see /help@skua_test_bot 🐦 /stop")
    await call("sendMessage", chat_id=7, text="sure?", reply_markup=KEYBOARD)
    people.press_button(BOT, 7)
    people.block(BOT, 7)
    people.unblock(BOT, 7)
    people.migrate(group.id)
    people.kick(group.id, by=7)

    updates = await _updates(call)

    assert [update.event_type for update in updates] == [
        "message",
        "message",
        "callback_query",
        "my_chat_member",
        "my_chat_member",
        "message",
        "message",
        "my_chat_member",
    ]
    ids = [update.update_id for update in updates]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


async def test_every_made_up_person_is_a_user_to_aiogram(
    call: Call, simulator: TelegramSimulator
) -> None:
    await simulator.joins.run(BOT, range(ANA, ANA + 20))

    updates = await _updates(call)

    assert [update.message.chat.id for update in updates if update.message] == list(
        range(ANA, ANA + 20)
    )


async def test_start_and_text_carry_their_commands(
    call: Call, simulator: TelegramSimulator
) -> None:
    simulator.people.press_start(BOT, ANA)
    simulator.people.send_text(BOT, ANA, "🐦 /stop now")

    start, text = (update.message for update in await _updates(call))

    assert start is not None
    assert text is not None
    assert start.text == "/start"
    assert text.entities is not None
    assert [entity.extract_from(text.text or "") for entity in text.entities] == ["/stop"]


async def test_block_and_unblock_are_told_as_kicked_and_member(
    call: Call, simulator: TelegramSimulator
) -> None:
    simulator.people.block(BOT, ANA)
    simulator.people.press_start(BOT, ANA)

    blocked, unblocked, started = await _updates(call)

    assert blocked.my_chat_member is not None
    assert unblocked.my_chat_member is not None
    assert blocked.my_chat_member.new_chat_member.status == "kicked"
    assert unblocked.my_chat_member.old_chat_member.status == "kicked"
    assert unblocked.my_chat_member.new_chat_member.status == "member"
    assert started.message is not None


async def test_a_button_under_a_forgotten_message_still_works(
    call: Call, simulator: TelegramSimulator
) -> None:
    sent = await call("sendMessage", chat_id=ANA, text="no buttons")
    message_id = sent["result"]["message_id"]
    simulator.people.press_button(BOT, ANA, message_id, "late")

    (update,) = await _updates(call)

    assert update.callback_query is not None
    assert update.callback_query.data == "late"
    assert isinstance(update.callback_query.message, InaccessibleMessage)


async def test_a_long_poll_ends_with_the_first_update(
    call: Call, simulator: TelegramSimulator
) -> None:
    poll = asyncio.create_task(call("getUpdates", timeout=30))
    await asyncio.sleep(0.05)
    simulator.people.press_start(BOT, ANA)

    assert len((await poll)["result"]) == 1


async def test_an_offset_confirms_and_an_empty_poll_answers_nothing(
    call: Call, simulator: TelegramSimulator
) -> None:
    update_id = simulator.people.press_start(BOT, ANA)
    assert update_id is not None

    assert (await call("getUpdates", offset=update_id + 1))["result"] == []
    assert (await call("getUpdates", timeout=1))["result"] == []


async def test_only_one_may_poll(call: Call, simulator: TelegramSimulator) -> None:
    first = asyncio.create_task(call("getUpdates", timeout=30))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(call("getUpdates", timeout=30))

    answer = await first
    simulator.people.press_start(BOT, ANA)

    assert answer["error_code"] == 409
    assert answer["description"] == (
        "Conflict: terminated by other getUpdates request; "
        "make sure that only one bot instance is running"
    )
    assert len((await second)["result"]) == 1


async def test_polling_and_a_webhook_exclude_each_other(call: Call) -> None:
    poll = asyncio.create_task(call("getUpdates", timeout=30))
    await asyncio.sleep(0.05)
    await call("setWebhook", url="http://127.0.0.1:9/")

    assert (await poll)["description"] == "Conflict: terminated by setWebhook request"
    assert (await call("getUpdates"))["description"] == (
        "Conflict: can't use getUpdates method while webhook is active; "
        "use deleteWebhook to delete the webhook first"
    )


async def test_unwanted_kinds_are_not_kept(call: Call, simulator: TelegramSimulator) -> None:
    await call("getUpdates", allowed_updates=["my_chat_member"])
    simulator.people.press_start(BOT, ANA)
    simulator.people.block(BOT, ANA)

    (update,) = await _updates(call)

    assert update.event_type == "my_chat_member"
