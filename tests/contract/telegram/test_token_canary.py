"""A token's secret shows nowhere, whatever goes wrong, and isn't kept."""

import asyncio
import gc
import logging
import secrets
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import httpx
import pytest
from yarl import URL

from skua_adapters.bot_api.telegram import TelegramBotApi, TelegramBotApiSettings
from skua_adapters.bot_api.telegram_transport import TOKEN as TOKEN_EXTENSION
from skua_adapters.bot_api.telegram_transport import TelegramTransport, internal_url
from skua_adapters.messenger.telegram import TelegramMessenger, TelegramMessengerSettings
from skua_adapters.messenger.telegram_http import TelegramHttp
from skua_core.domain.content import RenderedMessage
from skua_core.domain.media import MediaKind, Medium
from skua_core.domain.secret import BotToken, WebhookSecret
from skua_core.faults import Fault, FaultAction, FaultInjected, FaultPlan, install
from skua_core.ids import ChatId
from skua_core.ports.messenger import OutboundMessage
from tests.contract.rigs.media_files import a_file, a_png, an_upload_id
from tests.contract.rigs.telegram_wire import (
    Answer,
    bytes_of,
    hangs,
    resets,
    says,
    says_and_closes,
    wire,
)

HELLO = OutboundMessage(ChatId(1), RenderedMessage("Hello"))
MEDIA_ID = an_upload_id()
PHOTO = OutboundMessage(
    ChatId(1),
    RenderedMessage(media=(Medium(MediaKind.PHOTO, upload=MEDIA_ID),)),
    files={MEDIA_ID: a_file(a_png())},
)
HOOK = WebhookSecret("CANARYwebhookCANARY")
ENVELOPE = b'{"ok":false,"error_code":%d,"description":"Bad Request: no"}'
OUTSIDES: dict[str, Answer] = {
    "accepted": says(bytes_of("200 OK", b'{"ok":true,"result":{"message_id":1}}')),
    "unauthorized": says(bytes_of("401 Unauthorized", ENVELOPE % 401)),
    "not found": says(bytes_of("404 Not Found", ENVELOPE % 404)),
    "refused": says(bytes_of("400 Bad Request", ENVELOPE % 400)),
    "throttled": says(bytes_of("429 Too Many Requests", ENVELOPE % 429)),
    "server error": says(bytes_of("500 Internal Server Error", b"<html>")),
    "redirect": says(bytes_of("307 Moved", b"", "Location: http://127.0.0.1:1/")),
    "bad JSON": says(bytes_of("200 OK", b'{"ok":tr')),
    "too long": says_and_closes(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 2_000_000),
    "not HTTP": says_and_closes(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "bad header": says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
    "half an answer": says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    "no answer": says_and_closes(),
    "reset": resets(),
    "reset amid the body": resets(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    "timeout": hangs(),
    "timeout amid the body": hangs(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
}
Call = Callable[[str, BotToken], Awaitable[object]]


def fresh_token() -> BotToken:
    return BotToken(f"123456789:{secrets.token_urlsafe(27)}")


def secret_of(token: BotToken) -> str:
    return token.reveal().partition(":")[2]


@asynccontextmanager
async def nobody() -> AsyncIterator[str]:
    async with wire(hangs()) as gone:
        base = gone.base
    yield base


@asynccontextmanager
async def somebody(answer: Answer) -> AsyncIterator[str]:
    async with wire(answer) as other_end:
        yield other_end.base


def outside(name: str) -> AbstractAsyncContextManager[str]:
    return nobody() if name == "connection refused" else somebody(OUTSIDES[name])


async def send(base: str, token: BotToken, message: OutboundMessage = HELLO) -> object:
    settings = TelegramMessengerSettings(
        api_base=base, timeout=0.3, connect_timeout=0.2, longest_upload=0.4
    )
    messenger = TelegramMessenger(settings)
    try:
        outcome = await messenger.send(token, message)
        return outcome, messenger, vars(messenger)
    finally:
        await messenger.close()


async def upload(base: str, token: BotToken) -> object:
    return await send(base, token, PHOTO)


async def manage(base: str, token: BotToken) -> object:
    api = TelegramBotApi(TelegramBotApiSettings(api_base=base, timeout=0.3, connect_timeout=0.2))
    try:
        return await asyncio.gather(
            api.identify(token),
            api.set_webhook(token, "https://skua.example/hook", HOOK),
            api.webhook_info(token),
            api.remove_webhook(token),
            api.star_balance(token),
            api.fetch_updates(token, offset=None, wait=0),
            api.answer_callback(token, "77"),
            return_exceptions=True,
        )
    finally:
        await api.close()


def shown(value: object) -> str:
    """All that a log or an error report could show of a result or an error."""
    if isinstance(value, BaseException):
        report = traceback.TracebackException.from_exception(value, capture_locals=True)
        return "".join(report.format()) + repr(value) + str(value) + repr(vars(value))
    if isinstance(value, list | tuple):
        return "".join(map(shown, value))
    return repr(value)


def chain(error: BaseException | None) -> list[BaseException]:
    """What is kept behind an error, also where ``from None`` hides it."""
    behind: list[BaseException] = []
    while error is not None and (error := error.__context__) is not None:
        behind.append(error)
    return behind


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    for name in ("", "aiohttp", "asyncio", "httpcore", "httpx"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.mark.parametrize("name", [*OUTSIDES, "connection refused"])
@pytest.mark.parametrize("call", [send, upload, manage])
async def test_the_token_shows_nowhere(
    call: Call, name: str, logs: pytest.LogCaptureFixture
) -> None:
    asyncio.get_running_loop().set_debug(True)
    token = fresh_token()

    async with outside(name) as base:
        seen = shown(await call(base, token))

    assert seen
    assert secret_of(token) not in seen + logs.text
    assert HOOK.reveal() not in seen + logs.text


async def test_the_logs_are_listened_to_at_all(logs: pytest.LogCaptureFixture) -> None:
    async with outside("server error") as base:
        await manage(base, fresh_token())

    assert "https://telegram.internal/123456789/getMe" in logs.text
    assert "httpcore" in logs.text


async def test_management_errors_carry_nothing_behind_them() -> None:
    for name in ("connection refused", "reset", "timeout", "not HTTP", "bad JSON", "unauthorized"):
        async with outside(name) as base:
            answers = await manage(base, fresh_token())

        assert isinstance(answers, list)
        for error in answers:
            assert isinstance(error, Exception)
            assert [type(each) for each in chain(error) if isinstance(each, httpx.HTTPError)] == []


@pytest.mark.parametrize("point", ["send.before_http", "send.after_http"])
async def test_a_fault_that_passes_through_a_send_shows_no_token(point: str) -> None:
    token = fresh_token()
    install(FaultPlan({point: Fault(FaultAction.RAISE)}, seed=0))
    try:
        async with outside("accepted") as base:
            with pytest.raises(FaultInjected) as fault:
                await send(base, token)
    finally:
        install(None)
    seen = shown(fault.value)

    assert "in send" in seen
    assert secret_of(token) not in seen


async def test_what_errors_of_aiohttp_hold_has_no_token() -> None:
    """Those that the messenger turns into outcomes, as a debugger would find them."""
    seen: list[str] = []
    token = fresh_token()
    for name in ("not HTTP", "reset", "half an answer", "timeout", "connection refused"):
        async with outside(name) as base:
            http = TelegramHttp(
                URL(base), timeout=0.3, connect_timeout=0.2, connections=0, keep_alive=12
            )
            with pytest.raises((aiohttp.ClientError, TimeoutError)) as error:
                await http.post(token, b"{}")
            seen += [shown(each) for each in (error.value, *chain(error.value))]
            await http.close()

    assert len(seen) >= 5
    assert secret_of(token) not in "".join(seen)


async def test_what_httpx_s_errors_and_answers_hold_has_no_token() -> None:
    seen: list[str] = []
    token = fresh_token()
    for name in ("accepted", "not HTTP", "reset", "connection refused"):
        async with (
            outside(name) as base,
            httpx.AsyncClient(transport=TelegramTransport(base)) as client,
        ):
            try:
                response = await client.post(
                    internal_url(token, "getMe"), extensions={TOKEN_EXTENSION: token}
                )
            except httpx.HTTPError as error:
                seen += [repr(error), str(error), repr(error.request), repr(error.request.url)]
            else:
                seen += [repr(response), repr(response.url), repr(response.request.extensions)]

    assert len(seen) == 15
    assert secret_of(token) not in "".join(seen)


async def test_no_token_is_kept_after_a_call() -> None:
    token = fresh_token()
    for name in ("accepted", "unauthorized", "server error", "reset", "timeout", "bad JSON"):
        async with outside(name) as base:
            await send(base, token)
            await upload(base, token)
            await manage(base, token)

    assert texts_kept_of(token) == []
    # The same look finds what is kept: yarl remembers addresses that were parsed.
    URL(f"https://api.telegram.org/bot{token.reveal()}/getMe")
    assert texts_kept_of(token)


def texts_kept_of(token: BotToken) -> list[str]:
    """What any object of this process, but for ``token``, still refers to and holds its secret."""
    gc.collect()
    referred = gc.get_referents(*(each for each in gc.get_objects() if each is not token))
    # Dicts and tuples of plain values aren't tracked, so one doesn't see into them from outside.
    hidden = [
        each for each in referred if isinstance(each, dict | tuple) and not gc.is_tracked(each)
    ]
    secret = secret_of(token)
    return [text for text in map(as_text, referred + gc.get_referents(*hidden)) if secret in text]


def as_text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""
