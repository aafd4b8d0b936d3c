"""What TelegramBotApi makes of whatever may come back, or not, over a real socket."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from skua_adapters.bot_api.telegram import TelegramBotApi, TelegramBotApiSettings
from skua_adapters.telegram_simulator import WebhookSettings
from skua_core.domain.secret import WebhookSecret
from skua_core.errors import (
    PublicUrlUnfit,
    TelegramRefused,
    TelegramUnavailable,
    TokenOfAnotherBot,
    UpdatesTakenElsewhere,
)
from tests.contract.rigs.telegram import ANA, BOT, TOKEN, running_simulator
from tests.contract.rigs.telegram_wire import (
    Answer,
    bytes_of,
    hangs,
    resets,
    says,
    says_and_closes,
    wire,
)

HOOK = WebhookSecret("a" * 43)


def result(value: object) -> Answer:
    return says(bytes_of("200 OK", json.dumps({"ok": True, "result": value}).encode()))


@asynccontextmanager
async def api_for(base: str, **settings: Any) -> AsyncIterator[TelegramBotApi]:
    api = TelegramBotApi(TelegramBotApiSettings(api_base=base, **settings))
    try:
        yield api
    finally:
        await api.close()


@asynccontextmanager
async def api_told(answer: Answer, **settings: Any) -> AsyncIterator[TelegramBotApi]:
    async with wire(answer) as other_end, api_for(other_end.base, **settings) as api:
        yield api


ME = {"id": BOT, "is_bot": True, "first_name": "Skua", "username": "skua_bot"}


async def test_a_token_of_an_account_that_is_no_bot_is_refused() -> None:
    async with api_told(result(ME | {"is_bot": False})) as api:
        with pytest.raises(TelegramRefused, match="no bot"):
            await api.identify(TOKEN)


async def test_an_answer_about_another_bot_than_the_token_s_is_refused() -> None:
    async with api_told(result(ME | {"id": 42})) as api:
        with pytest.raises(TokenOfAnotherBot) as refusal:
            await api.identify(TOKEN)

    assert (refusal.value.expected, refusal.value.actual) == (BOT, 42)


@pytest.mark.parametrize(
    "answer",
    [
        says_and_closes(),
        resets(),
        hangs(),
        hangs(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        says_and_closes(b"SSH-2.0-OpenSSH_9.6\r\n"),
        says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
        says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        says(bytes_of("200 OK", gzip.compress(b'{"ok":true}'), "Content-Encoding: gzip")),
        says(bytes_of("302 Found", b"", "Location: https://skua.example/")),
        says(bytes_of("200 OK", b'{"ok":false,"description":"Unauthorized"}')),
        result("yes"),
        result(ME | {"id": "42"}),
        result({"id": BOT}),
    ],
)
async def test_what_is_not_telegram_s_answer_leaves_everything_open(answer: Answer) -> None:
    async with api_told(answer, timeout=0.3, connect_timeout=0.2) as api:
        with pytest.raises(TelegramUnavailable):
            await api.identify(TOKEN)


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    endless = says_and_closes(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 17 * 1024 * 1024)
    async with api_told(endless) as api:
        with pytest.raises(TelegramUnavailable, match="AnswerTooLong"):
            await api.identify(TOKEN)


async def test_an_answer_that_drips_does_not_outlast_the_timeout() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(12):
            writer.write(b" ")
            await asyncio.sleep(0.05)

    async with api_told(drip, timeout=0.3, connect_timeout=0.2) as api:
        with pytest.raises(TelegramUnavailable, match="TimeoutError"):
            await api.identify(TOKEN)


async def test_the_token_is_in_the_path_and_the_host_is_the_real_one() -> None:
    async with wire(result(ME)) as other_end, api_for(f"{other_end.base}/api/") as api:
        await api.identify(TOKEN)

        [request] = other_end.requests
        assert request.path == f"/api/bot{TOKEN.reveal()}/getMe"
        assert request.headers["host"] == other_end.base.removeprefix("http://")
        assert request.headers["content-type"] == "application/json"


async def test_webhook_info_tells_the_last_error() -> None:
    told = {"url": "https://a", "pending_update_count": 3, "last_error_date": 1_795_449_600}
    async with api_told(result(told | {"last_error_message": "Wrong response"})) as api:
        info = await api.webhook_info(TOKEN)

    assert (info.pending_updates, info.last_error) == (3, "Wrong response")
    assert info.last_error_at == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


async def test_a_refusal_of_another_sort_is_no_fault_of_the_url() -> None:
    no = says(
        bytes_of("400 Bad Request", b'{"ok":false,"description":"Bad Request: secret token"}')
    )
    async with api_told(no) as api:
        with pytest.raises(TelegramRefused, match="setWebhook"):
            await api.set_webhook(TOKEN, "https://skua.example/hook", HOOK)


async def test_an_update_without_an_id_makes_the_answer_unusable() -> None:
    async with api_told(result([{"message": {}}])) as api:
        with pytest.raises(TelegramUnavailable):
            await api.fetch_updates(TOKEN, offset=None, wait=0)


async def test_updates_come_byte_for_byte() -> None:
    updates = [b'{"update_id": 5,\t"x": "\\u0041"}', b'{"y":[1,2],"update_id":6}']
    body = b'{"ok":true,"result":[' + b" ,".join(updates) + b"]}"
    async with api_told(says(bytes_of("200 OK", body))) as api:
        fetched = await api.fetch_updates(TOKEN, offset=None, wait=0)

    assert [each.update_id for each in fetched] == [5, 6]
    assert [each.raw for each in fetched] == updates


async def test_a_poll_outlasts_the_timeout_of_other_calls() -> None:
    async with (
        running_simulator() as simulator,
        api_for(simulator.base_url, timeout=0.3, connect_timeout=0.2) as api,
    ):
        assert list(await api.fetch_updates(TOKEN, offset=None, wait=1.9)) == []


async def test_a_poll_ends_when_another_program_fetches() -> None:
    async with running_simulator() as simulator, api_for(simulator.base_url) as api:
        waiting = asyncio.create_task(api.fetch_updates(TOKEN, offset=None, wait=10))
        await asyncio.sleep(0.1)
        other = asyncio.create_task(api.fetch_updates(TOKEN, offset=None, wait=1))

        with pytest.raises(UpdatesTakenElsewhere, match="getUpdates"):
            await waiting
        assert list(await other) == []


async def test_the_kinds_of_updates_are_told_to_telegram() -> None:
    wanted = {"message", "callback_query", "my_chat_member"}
    async with running_simulator() as simulator, api_for(simulator.base_url) as api:
        await api.fetch_updates(TOKEN, offset=None, wait=0)

        assert simulator.world.bot(BOT).updates.allowed == wanted


async def test_a_url_that_only_telegram_refuses_is_unfit_and_its_tag_stays_hidden() -> None:
    async with (
        running_simulator(webhooks=WebhookSettings()) as simulator,
        api_for(simulator.base_url, allow_local_webhooks=True) as api,
    ):
        with pytest.raises(PublicUrlUnfit, match="reserved") as refusal:
            await api.set_webhook(TOKEN, "https://127.0.0.1:8443/hook/a-secret-tag", HOOK)

        assert "a-secret-tag" not in str(refusal.value)
        assert simulator.world.bot(BOT).webhook.url == ""


async def test_a_local_url_never_reaches_telegram() -> None:
    async with wire(result("yes")) as other_end, api_for(other_end.base) as api:
        with pytest.raises(PublicUrlUnfit):
            await api.set_webhook(TOKEN, "https://127.0.0.1/hook", HOOK)

        assert other_end.requests == []


async def test_a_person_s_doings_come_as_events() -> None:
    async with running_simulator() as simulator, api_for(simulator.base_url) as api:
        simulator.people.press_start(BOT, ANA, "spring")
        simulator.people.send_text(BOT, ANA, "/stop")
        simulator.people.block(BOT, ANA)
        simulator.people.unblock(BOT, ANA)

        fetched = await api.fetch_updates(TOKEN, offset=None, wait=0)
        read = [api.read_update(update.raw) for update in fetched]

        names = [type(update.event).__name__ for update in read]
        assert names == ["Started", "Stopped", "Blocked", "Unblocked"]
        assert {update.chat_id for update in read} == {ANA}
        assert all(update.at is not None for update in read)


@pytest.fixture
def httpx_level() -> Iterator[logging.Logger]:
    logger = logging.getLogger("httpx")
    before = logger.level
    yield logger
    logger.setLevel(before)


async def test_httpx_does_not_log_each_call_unless_it_was_asked_to(
    httpx_level: logging.Logger,
) -> None:
    for before, after in ((logging.NOTSET, logging.WARNING), (logging.DEBUG, logging.DEBUG)):
        httpx_level.setLevel(before)

        async with api_for("http://127.0.0.1:1"):
            assert httpx_level.level == after
