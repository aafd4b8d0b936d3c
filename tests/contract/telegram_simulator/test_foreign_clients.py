"""Clients that others wrote find in the simulator the Bot API that they know."""

import time

import aiogram
import aiohttp
import pytest
import telegram
from aiogram import exceptions
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter

from skua_adapters.telegram_simulator import GroupKind, TelegramSimulator
from tests.contract.telegram_simulator.conftest import ANA, BOT, TOKEN

HOOK = "http://127.0.0.1:9/hook"


async def test_aiogram_learns_who_the_bot_is(aiogram_bot: aiogram.Bot) -> None:
    me = await aiogram_bot.get_me()

    assert (me.id, me.username, me.is_bot) == (BOT, "skua_test_bot", True)


async def test_aiogram_sends_markup_entities_and_buttons(aiogram_bot: aiogram.Bot) -> None:
    keyboard = InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text="Yes", callback_data="yes")]]
    )

    first = await aiogram_bot.send_message(
        ANA, "<b>hi</b> 🐦", parse_mode="HTML", reply_markup=keyboard
    )
    second = await aiogram_bot.send_message(
        ANA, "hi", entities=[MessageEntity(type="italic", offset=0, length=2)]
    )

    assert (first.text, first.chat.id, first.chat.first_name) == ("hi 🐦", ANA, "Ana")
    assert first.reply_markup is not None
    assert first.reply_markup.model_dump() == keyboard.model_dump()
    for message, kind in ((first, "bold"), (second, "italic")):
        assert message.entities is not None
        (entity,) = message.entities
        assert (entity.type, entity.offset, entity.length) == (kind, 0, 2)
    assert second.message_id > first.message_id


async def test_aiogram_fetches_updates_and_answers_a_callback(
    aiogram_bot: aiogram.Bot, simulator: TelegramSimulator
) -> None:
    keyboard = InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text="Yes", callback_data="yes")]]
    )
    sent = await aiogram_bot.send_message(ANA, "sure?", reply_markup=keyboard)
    simulator.people.press_start(BOT, ANA, "from_ad")
    query_id = simulator.people.press_button(BOT, ANA)

    start, press = await aiogram_bot.get_updates()
    assert press.callback_query is not None
    await aiogram_bot.answer_callback_query(press.callback_query.id, text="Thanks")

    assert start.message is not None
    assert start.message.text == "/start from_ad"
    assert press.callback_query.id == query_id
    assert press.callback_query.data == "yes"
    assert press.callback_query.message is not None
    assert press.callback_query.message.message_id == sent.message_id
    answer = simulator.world.bot(BOT).pressed[query_id].answer
    assert answer is not None
    assert answer.text == "Thanks"


async def test_aiogram_sets_inspects_and_removes_a_webhook(aiogram_bot: aiogram.Bot) -> None:
    await aiogram_bot.set_webhook(
        HOOK, secret_token="s3cret", allowed_updates=["message"], max_connections=7
    )
    info = await aiogram_bot.get_webhook_info()
    await aiogram_bot.delete_webhook()

    assert (info.url, info.max_connections, info.allowed_updates) == (HOOK, 7, ["message"])
    assert (await aiogram_bot.get_webhook_info()).url == ""


async def test_aiogram_raises_what_telegrams_answers_make_it_raise(
    aiogram_bot: aiogram.Bot, simulator: TelegramSimulator
) -> None:
    simulator.people.block(BOT, ANA)
    group = simulator.world.add_group(BOT, "Team", GroupKind.GROUP)
    supergroup_id = simulator.people.migrate(group.id)

    with pytest.raises(exceptions.TelegramForbiddenError, match="bot was blocked by the user"):
        await aiogram_bot.send_message(ANA, "hi")
    with pytest.raises(exceptions.TelegramBadRequest, match="chat not found"):
        await aiogram_bot.send_message(999_999, "hi")
    with pytest.raises(exceptions.TelegramMigrateToChat) as migrated:
        await aiogram_bot.send_message(group.id, "hi")
    assert migrated.value.migrate_to_chat_id == supergroup_id
    simulator.limits.impose_on_token(BOT, 5, now=time.monotonic())
    with pytest.raises(exceptions.TelegramRetryAfter) as throttled:
        await aiogram_bot.send_message(ANA + 1, "hi")
    assert throttled.value.retry_after == 5
    simulator.world.revoke_token(BOT)
    with pytest.raises(exceptions.TelegramUnauthorizedError):
        await aiogram_bot.send_message(ANA + 1, "hi")


async def test_ptb_learns_sends_and_fetches(
    ptb_bot: telegram.Bot, simulator: TelegramSimulator
) -> None:
    markup = telegram.InlineKeyboardMarkup(
        [[telegram.InlineKeyboardButton("Site", url="https://skua.example/")]]
    )
    sent = await ptb_bot.send_message(ANA, "*hi* 🐦", parse_mode="MarkdownV2", reply_markup=markup)
    simulator.people.send_text(BOT, ANA, "hello")

    (update,) = await ptb_bot.get_updates()

    assert ptb_bot.username == "skua_test_bot"
    assert (sent.text, sent.text_html) == ("hi 🐦", "<b>hi</b> 🐦")
    assert sent.reply_markup == markup
    assert update.message is not None
    assert update.message.text == "hello"


async def test_ptb_sets_and_inspects_a_webhook(ptb_bot: telegram.Bot) -> None:
    await ptb_bot.set_webhook(HOOK, secret_token="s3cret", allowed_updates=["my_chat_member"])

    info = await ptb_bot.get_webhook_info()

    assert (info.url, info.allowed_updates) == (HOOK, ("my_chat_member",))


async def test_ptb_raises_what_telegrams_answers_make_it_raise(
    ptb_bot: telegram.Bot, simulator: TelegramSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without it the library warns that its waits will be timedeltas one day.
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    simulator.people.deactivate(ANA)

    with pytest.raises(Forbidden, match="user is deactivated"):
        await ptb_bot.send_message(ANA, "hi")
    with pytest.raises(BadRequest, match="Message is too long"):
        await ptb_bot.send_message(ANA + 1, "x" * 4097)
    simulator.limits.impose_on_token(BOT, 5, now=time.monotonic())
    with pytest.raises(RetryAfter):
        await ptb_bot.send_message(ANA + 1, "hi")
    simulator.world.revoke_token(BOT)
    with pytest.raises(InvalidToken):
        await ptb_bot.send_message(ANA + 1, "hi")


@pytest.mark.parametrize("method", ["sendMessage", "SENDMESSAGE", "sendmessage"])
async def test_parameters_come_in_any_form_and_methods_in_any_case(
    simulator: TelegramSimulator, http: aiohttp.ClientSession, method: str
) -> None:
    url = f"{simulator.base_url}/bot{TOKEN}/{method}"
    fields = {"text": "<b>hi</b>", "parse_mode": "HTML"}
    multipart = aiohttp.FormData({"chat_id": str(ANA + 3), **fields}, default_to_multipart=True)

    answers = []
    for request in (
        http.post(url, json={"chat_id": ANA, **fields}),
        http.post(url, data={"chat_id": str(ANA + 1), **fields}),
        http.get(url, params={"chat_id": ANA + 2, **fields}),
        http.post(url, data=multipart),
    ):
        async with request as response:
            answers.append(await response.json())

    assert [answer["ok"] for answer in answers] == [True] * 4
    assert [answer["result"]["text"] for answer in answers] == ["hi"] * 4
    assert [receipt.chat_id for receipt in simulator.book] == list(range(ANA, ANA + 4))
