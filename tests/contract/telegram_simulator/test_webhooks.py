"""Updates go to a webhook in order, with the secret, and again until they are taken."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest
from aiogram.types import Update
from aiohttp import web

from skua_adapters.telegram_simulator import TelegramSimulator
from tests.contract.telegram_simulator.conftest import ANA, BOT, Call, eventually

SECRET = "s3cret_-"
YES = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
Answer = Callable[[Update, int], web.Response]


class Webhook:
    """A receiver that answers as told and remembers each attempt."""

    def __init__(self) -> None:
        self.attempts: list[tuple[float, Update]] = []
        self.taken: list[Update] = []
        self.secrets: set[str | None] = set()
        self.answer: Answer = lambda _update, _attempt: web.Response()
        self.busy = self.most_busy = 0
        self.pause = 0.0

    async def handle(self, request: web.Request) -> web.Response:
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        update = Update.model_validate(await request.json(), extra="forbid")
        self.secrets.add(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        self.attempts.append((time.monotonic(), update))
        attempt = sum(earlier.update_id == update.update_id for _, earlier in self.attempts)
        response = self.answer(update, attempt)
        await asyncio.sleep(self.pause)
        self.busy -= 1
        if 200 <= response.status < 300:
            self.taken.append(update)
        return response

    async def has_taken(self, count: int) -> None:
        await eventually(lambda: len(self.taken) >= count)

    @property
    def waits(self) -> list[float]:
        times = [at for at, _ in self.attempts]
        return [later - earlier for earlier, later in pairwise(times)]


@pytest.fixture
def webhook() -> Webhook:
    return Webhook()


@pytest.fixture
async def url(webhook: Webhook) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", webhook.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    await runner.cleanup()


def _message_text(update: Update) -> str:
    return (update.message and update.message.text) or ""


async def test_each_update_arrives_once_with_the_secret(
    call: Call, simulator: TelegramSimulator, webhook: Webhook, url: str
) -> None:
    await call("setWebhook", url=url, secret_token=SECRET)
    await simulator.joins.run(BOT, range(ANA, ANA + 200))
    await webhook.has_taken(200)

    info = (await call("getWebhookInfo"))["result"]

    assert webhook.secrets == {SECRET}
    assert len({update.update_id for _, update in webhook.attempts}) == 200
    assert len(webhook.attempts) == 200
    assert info["pending_update_count"] == 0
    assert "last_error_message" not in info


async def test_what_waited_before_the_webhook_was_set_arrives_too(
    call: Call, simulator: TelegramSimulator, webhook: Webhook, url: str
) -> None:
    simulator.people.press_start(BOT, ANA)
    await call("setWebhook", url=url)

    await webhook.has_taken(1)

    assert webhook.secrets == {None}


async def test_pending_updates_can_be_dropped(
    call: Call, simulator: TelegramSimulator, webhook: Webhook, url: str
) -> None:
    simulator.people.press_start(BOT, ANA)
    await call("setWebhook", url=url, drop_pending_updates=True)
    simulator.people.send_text(BOT, ANA, "after")

    await webhook.has_taken(1)

    assert [_message_text(update) for _, update in webhook.attempts] == ["after"]


async def test_messages_of_one_chat_come_in_order_and_wait_for_each_other(
    call: Call, simulator: TelegramSimulator, webhook: Webhook, url: str
) -> None:
    webhook.answer = lambda update, attempt: web.Response(
        status=500 if _message_text(update) == "1" and attempt < 3 else 204
    )
    await call("setWebhook", url=url)
    for text in "1234":
        simulator.people.send_text(BOT, ANA, text)

    await webhook.has_taken(4)

    assert [_message_text(update) for update in webhook.taken] == ["1", "2", "3", "4"]


async def test_a_failing_update_holds_only_its_own_queue(
    call: Call, simulator: TelegramSimulator, webhook: Webhook, url: str
) -> None:
    webhook.answer = lambda update, _: web.Response(
        status=500 if _message_text(update) == "poison" else 200
    )
    await call("setWebhook", url=url)
    simulator.people.send_text(BOT, ANA, "poison")
    simulator.people.send_text(BOT, ANA, "behind it")
    simulator.people.send_text(BOT, ANA + 1, "another chat")
    simulator.people.block(BOT, ANA)

    await webhook.has_taken(2)

    assert {update.event_type for update in webhook.taken} == {"message", "my_chat_member"}
    assert (await call("getWebhookInfo"))["result"]["pending_update_count"] == 2


async def test_the_first_retry_comes_at_once_and_the_next_after_2_4_8(
    call: Call, simulator: TelegramSimulator, webhook: Webhook, url: str
) -> None:
    webhook.answer = lambda _, attempt: web.Response(status=500 if attempt < 5 else 200)
    await call("setWebhook", url=url)
    simulator.people.press_start(BOT, ANA)

    await webhook.has_taken(1)

    factor = simulator.settings.webhooks.time_factor
    for wait, seconds in zip(webhook.waits, (0, 2, 4, 8), strict=True):
        assert wait >= seconds * factor
    info = (await call("getWebhookInfo"))["result"]
    assert info["last_error_message"] == (
        "Wrong response from the webhook: 500 Internal Server Error"
    )
    assert abs(info["last_error_date"] - time.time()) < 10


async def test_retry_after_is_obeyed(
    call: Call, simulator: TelegramSimulator, webhook: Webhook, url: str
) -> None:
    webhook.answer = lambda _, attempt: web.Response(
        status=503 if attempt == 1 else 200, headers={"Retry-After": "20"}
    )
    await call("setWebhook", url=url)
    simulator.people.press_start(BOT, ANA)

    await webhook.has_taken(1)

    assert webhook.waits[0] >= 20 * simulator.settings.webhooks.time_factor


async def test_a_callback_that_nobody_takes_dies(
    call: Call, simulator: TelegramSimulator, webhook: Webhook, url: str
) -> None:
    await call("sendMessage", chat_id=ANA, text="x")
    webhook.answer = lambda _update, _attempt: web.Response(
        status=503, headers={"Retry-After": "200"}
    )
    await call("setWebhook", url=url)
    simulator.people.press_button(BOT, ANA, 1, "data")

    await eventually(lambda: len(simulator.world.bot(BOT).updates) == 0)

    assert len(webhook.attempts) == 1


async def test_a_webhook_that_hangs_or_is_not_there_is_said(
    call: Call, simulator: TelegramSimulator, webhook: Webhook, url: str
) -> None:
    webhook.pause = 1.5
    await call("setWebhook", url=url)
    simulator.people.press_start(BOT, ANA)
    assert await _error(call) == "Read timeout expired"

    await call("setWebhook", url="http://127.0.0.1:9/")
    assert "Connection refused" in await _error(call)


async def _error(call: Call) -> str:
    async with asyncio.timeout(10):
        while True:
            info = (await call("getWebhookInfo"))["result"]
            if "last_error_message" in info:
                return str(info["last_error_message"])
            await asyncio.sleep(0.02)


async def test_no_more_connections_than_allowed(
    call: Call, simulator: TelegramSimulator, webhook: Webhook, url: str
) -> None:
    webhook.pause = 0.01
    await call("setWebhook", url=url, max_connections=3)
    await simulator.joins.run(BOT, range(ANA, ANA + 30))

    await webhook.has_taken(30)

    assert webhook.most_busy == 3


async def test_redirects_are_not_followed(
    call: Call, simulator: TelegramSimulator, webhook: Webhook, url: str
) -> None:
    webhook.answer = lambda _, attempt: web.Response(
        status=302 if attempt == 1 else 200, headers={"Location": "/hook"}
    )
    await call("setWebhook", url=url)
    simulator.people.press_start(BOT, ANA)

    await webhook.has_taken(1)

    assert "302" in (await call("getWebhookInfo"))["result"]["last_error_message"]


async def test_setting_the_same_webhook_again_changes_nothing(call: Call, url: str) -> None:
    assert (await call("setWebhook", url=url))["description"] == "Webhook was set"
    assert (await call("setWebhook", url=url))["description"] == "Webhook is already set"
    assert (await call("setWebhook", url=""))["description"] == "Webhook was deleted"
    assert (await call("deleteWebhook"))["description"] == "Webhook is already deleted"


async def test_a_new_secret_is_used_from_the_next_delivery_on(
    call: Call, simulator: TelegramSimulator, webhook: Webhook, url: str
) -> None:
    await call("setWebhook", url=url, secret_token="old")
    await call("setWebhook", url=url, secret_token="new")
    simulator.people.press_start(BOT, ANA)

    await webhook.has_taken(1)

    assert webhook.secrets == {"new"}
    assert "old" not in str([receipt.body for receipt in simulator.book])


async def test_a_webhook_may_answer_a_press_in_its_response(
    simulator: TelegramSimulator, webhook: Webhook, url: str, call: Call
) -> None:
    await call("sendMessage", chat_id=ANA, text="Coming?", reply_markup=YES)
    await call("setWebhook", url=url)
    webhook.answer = lambda update, _attempt: web.json_response(
        {
            "method": "answerCallbackQuery",
            "callback_query_id": update.callback_query and update.callback_query.id,
            "text": "Thanks",
        }
    )

    query_id = simulator.people.press_button(BOT, ANA)
    await webhook.has_taken(1)
    pressed = simulator.world.bot(BOT).pressed[query_id]
    await eventually(lambda: pressed.answer is not None)

    assert pressed.answer is not None
    assert pressed.answer.text == "Thanks"


@pytest.mark.parametrize("body", ["ok", "{", '{"method": "deleteWebhook"}', "[]"])
async def test_whatever_else_a_webhook_says_is_taken_for_an_acknowledgement(
    simulator: TelegramSimulator, webhook: Webhook, url: str, call: Call, body: str
) -> None:
    await call("setWebhook", url=url)
    webhook.answer = lambda _update, _attempt: web.Response(text=body)

    for number in (1, 2):
        simulator.people.send_text(BOT, ANA, f"message {number}")
    await webhook.has_taken(2)

    assert simulator.world.bot(BOT).webhook.url == url
