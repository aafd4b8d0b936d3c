"""What TelegramMessenger makes of whatever may come back, or not, over a real socket."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from skua_adapters.messenger.telegram import TelegramMessenger, TelegramMessengerSettings
from skua_core.domain.content import RenderedMessage
from skua_core.faults import Fault, FaultAction, FaultPlan, install
from skua_core.ports.messenger import (
    Blame,
    NotSent,
    OutboundMessage,
    Refused,
    SendOutcome,
    Sent,
    Throttled,
    Unauthorized,
    Unknown,
)
from tests.contract.rigs.telegram import ANA, TOKEN
from tests.contract.rigs.telegram_wire import (
    Answer,
    bytes_of,
    hangs,
    resets,
    says,
    says_and_closes,
    wire,
)

SUCCESS = b'{"ok":true,"result":{"message_id":7}}'
ACCEPTED = bytes_of("200 OK", SUCCESS, "Content-Type: application/json")
HELLO = OutboundMessage(ANA, RenderedMessage("Hello"))


@asynccontextmanager
async def messenger_for(base: str, **settings: Any) -> AsyncIterator[TelegramMessenger]:
    messenger = TelegramMessenger(TelegramMessengerSettings(api_base=base, **settings))
    try:
        yield messenger
    finally:
        await messenger.close()


async def outcome_of(answer: Answer, **settings: Any) -> SendOutcome:
    async with wire(answer) as other_end, messenger_for(other_end.base, **settings) as messenger:
        outcome = await messenger.send(TOKEN, HELLO)
        assert len(other_end.requests) == 1
        return outcome


def unknown(outcome: SendOutcome, *, answered: bool) -> bool:
    return isinstance(outcome, Unknown) and outcome.answered is answered


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        says(ACCEPTED),
        says(CHUNKED + b"25\r\n" + SUCCESS + b"\r\n0\r\n\r\n"),
        says_and_closes(UNTIL_CLOSED + SUCCESS),
        says(b"HTTP/1.1 100 Continue\r\n\r\n" + ACCEPTED),
        says(bytes_of("200 OK", SUCCESS, "Content-Type: text/html; charset=nonsense")),
        says(bytes_of("200 Whatever", SUCCESS, "Set-Cookie: a=b", "X-Empty:")),
    ],
    ids=["plain", "chunked", "until closed", "continued", "odd type", "odd headers"],
)
async def test_an_accepted_message_is_sent_however_the_answer_is_framed(answer: Answer) -> None:
    assert await outcome_of(answer) == Sent(message_id=7)


@pytest.mark.parametrize(
    "answer",
    [
        says_and_closes(),
        resets(),
        says_and_closes(b"HTTP/1.1 200"),
        says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Le"),
        hangs(),
        hangs(b"HTTP/1.1 200 OK\r\n"),
    ],
)
async def test_without_an_answer_the_fate_is_unknown(answer: Answer) -> None:
    outcome = await outcome_of(answer, timeout=0.4, connect_timeout=0.3)

    assert unknown(outcome, answered=False)


@pytest.mark.parametrize(
    "answer",
    [
        says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + SUCCESS),
        resets(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + SUCCESS),
        hangs(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + SUCCESS),
        says_and_closes(CHUNKED + b"25\r\n" + SUCCESS),
        says_and_closes(CHUNKED + b"zz\r\n" + SUCCESS),
        says_and_closes(b"\x16\x03\x01\x02\x00"),
        says_and_closes(b"SSH-2.0-OpenSSH_9.6\r\n"),
        says_and_closes(b"HTTP/1.1 abc OK\r\n\r\n"),
        says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
        says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        says_and_closes(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 100_000 + b"\r\n\r\n"),
        says_and_closes(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n"),
        says(bytes_of("200 OK", gzip.compress(SUCCESS), "Content-Encoding: gzip")),
        says(bytes_of("200 OK", b"")),
        says(bytes_of("204 No Content", b"")),
        says(bytes_of("502 Bad Gateway", b"")),
        says(bytes_of("502 Bad Gateway", b"<html>")),
        says(bytes_of("500 Internal Server Error", b'{"ok":false,"error_code":500}')),
        says(bytes_of("403 Forbidden", b"<html>a firewall's page</html>")),
    ],
)
async def test_after_half_an_answer_or_a_stranger_s_the_fate_is_unknown(answer: Answer) -> None:
    outcome = await outcome_of(answer, timeout=0.4, connect_timeout=0.3)

    assert unknown(outcome, answered=True)


@pytest.mark.parametrize(
    "answer",
    [
        says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n" + b"x" * 4096),
        says_and_closes(CHUNKED + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 40 + b"0\r\n\r\n"),
        says_and_closes(UNTIL_CLOSED + b" " * 3_000_000 + SUCCESS),
    ],
    ids=["announced", "chunked", "until closed"],
)
async def test_an_endless_answer_is_not_read_to_its_end(answer: Answer) -> None:
    assert await outcome_of(answer) == Unknown(reason="the answer is too long", answered=True)


async def test_redirects_are_not_followed() -> None:
    async with wire(says(ACCEPTED)) as elsewhere:
        answer = says(bytes_of("307 Moved", b"", f"Location: {elsewhere.base}/bot"))

        assert unknown(await outcome_of(answer), answered=True)
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        ("401 Unauthorized", {"description": "Unauthorized"}, Unauthorized()),
        (
            "429 Too Many Requests",
            {"description": "Too Many Requests", "parameters": {"retry_after": 5}},
            Throttled(retry_after=5),
        ),
    ],
)
async def test_an_answer_of_telegram_s_is_taken_at_its_word(
    status: str, body: dict[str, Any], outcome: SendOutcome
) -> None:
    answer = bytes_of(status, json.dumps({"ok": False, **body}).encode())

    assert await outcome_of(says(answer)) == outcome


async def test_nothing_is_sent_where_nobody_listens() -> None:
    async with wire(says(ACCEPTED)) as gone:
        base = gone.base

    async with messenger_for(base) as messenger:
        assert isinstance(await messenger.send(TOKEN, HELLO), NotSent)


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_nothing_is_sent_until_tls_stands(greeting: bytes) -> None:
    """The other end speaks no TLS: it doesn't answer the handshake, or answers in plain text."""

    async with wire(says(ACCEPTED), greeting=greeting) as other_end:
        base = other_end.base.replace("http://", "https://")

        async with messenger_for(base, timeout=2, connect_timeout=0.3) as messenger:
            assert isinstance(await messenger.send(TOKEN, HELLO), NotSent)


async def test_nothing_is_sent_while_all_connections_are_taken() -> None:
    async with (
        wire(hangs()) as other_end,
        messenger_for(other_end.base, connections=1, timeout=1, connect_timeout=0.2) as messenger,
    ):
        first = asyncio.create_task(messenger.send(TOKEN, HELLO))
        await asyncio.sleep(0.05)

        assert isinstance(await messenger.send(TOKEN, HELLO), NotSent)
        assert unknown(await first, answered=False)


async def test_one_connection_serves_one_send_after_another() -> None:
    async with wire(says(ACCEPTED)) as other_end, messenger_for(other_end.base) as messenger:
        for _ in range(20):
            assert isinstance(await messenger.send(TOKEN, HELLO), Sent)

        assert other_end.connections == 1


async def test_an_idle_connection_is_not_used_for_long() -> None:
    async with (
        wire(says(ACCEPTED)) as other_end,
        messenger_for(other_end.base, keep_alive=0.05) as messenger,
    ):
        await messenger.send(TOKEN, HELLO)
        await asyncio.sleep(0.2)
        await messenger.send(TOKEN, HELLO)

        assert other_end.connections == 2


async def test_a_request_that_crosses_the_server_s_close_is_unknown_and_not_repeated() -> None:
    answers = iter([says(ACCEPTED), says_and_closes(), says(ACCEPTED)])

    async def next_answer(writer: asyncio.StreamWriter) -> None:
        await next(answers)(writer)

    async with wire(next_answer) as other_end, messenger_for(other_end.base) as messenger:
        assert isinstance(await messenger.send(TOKEN, HELLO), Sent)
        assert unknown(await messenger.send(TOKEN, HELLO), answered=False)
        assert len(other_end.requests) == 2
        assert isinstance(await messenger.send(TOKEN, HELLO), Sent)


async def test_a_connection_that_the_server_closed_is_noticed_and_not_used() -> None:
    async with (
        wire(says_and_closes(ACCEPTED)) as other_end,
        messenger_for(other_end.base) as messenger,
    ):
        for _ in range(3):
            assert isinstance(await messenger.send(TOKEN, HELLO), Sent)
            await asyncio.sleep(0.02)

        assert other_end.connections == 3


async def test_the_request_has_telegram_s_path_and_asks_for_plain_bytes() -> None:
    async with (
        wire(says(ACCEPTED)) as other_end,
        messenger_for(f"{other_end.base}/") as messenger,
    ):
        await messenger.send(TOKEN, HELLO)

        [request] = other_end.requests
        assert request.path == f"/bot{TOKEN.reveal()}/sendMessage"
        assert request.headers["host"] == other_end.base.removeprefix("http://")
        assert request.headers["content-type"] == "application/json"
        assert request.headers["accept-encoding"] == "identity"


async def test_no_cookie_goes_from_one_bot_to_another() -> None:
    answer = bytes_of("200 OK", SUCCESS, "Set-Cookie: tracked=yes; Path=/")
    async with wire(says(answer)) as other_end:
        # A name, since cookies of bare addresses are dropped anyway.
        base = other_end.base.replace("127.0.0.1", "localhost")
        async with messenger_for(base) as messenger:
            await messenger.send(TOKEN, HELLO)
            await messenger.send(TOKEN, HELLO)

        assert ["cookie" in request.headers for request in other_end.requests] == [False, False]


async def test_an_api_base_may_have_a_path() -> None:
    async with (
        wire(says(ACCEPTED)) as other_end,
        messenger_for(f"{other_end.base}/telegram/api/") as messenger,
    ):
        await messenger.send(TOKEN, HELLO)

        assert other_end.requests[0].path == f"/telegram/api/bot{TOKEN.reveal()}/sendMessage"


@pytest.fixture
def faults() -> Iterator[None]:
    yield
    install(None)


async def test_a_text_that_is_no_unicode_is_refused_unsent() -> None:
    broken = OutboundMessage(ANA, RenderedMessage("half a pair: \ud83d"))
    async with wire(says(ACCEPTED)) as other_end, messenger_for(other_end.base) as messenger:
        outcome = await messenger.send(TOKEN, broken)

        assert isinstance(outcome, Refused)
        assert outcome.blame is Blame.CONTENT
        assert other_end.requests == []


@pytest.mark.usefixtures("faults")
async def test_a_messenger_that_closes_while_a_send_begins_sends_nothing() -> None:
    install(FaultPlan({"send.before_http": Fault(FaultAction.SLEEP, seconds=0.1)}, seed=0))
    async with wire(says(ACCEPTED)) as other_end, messenger_for(other_end.base) as messenger:
        beginning = asyncio.create_task(messenger.send(TOKEN, HELLO))
        await asyncio.sleep(0.02)
        await messenger.close()

        assert isinstance(await beginning, NotSent)
        assert other_end.requests == []


@pytest.mark.usefixtures("faults")
async def test_a_connection_lost_before_the_request_sent_nothing() -> None:
    install(FaultPlan({"send.before_http": Fault(FaultAction.DROP)}, seed=0))

    async with wire(says(ACCEPTED)) as other_end, messenger_for(other_end.base) as messenger:
        assert isinstance(await messenger.send(TOKEN, HELLO), NotSent)
        assert other_end.requests == []


@pytest.mark.usefixtures("faults")
async def test_a_connection_lost_after_the_request_leaves_the_fate_unknown() -> None:
    install(FaultPlan({"send.after_http": Fault(FaultAction.DROP)}, seed=0))

    async with wire(says(ACCEPTED)) as other_end, messenger_for(other_end.base) as messenger:
        assert isinstance(await messenger.send(TOKEN, HELLO), Unknown)
        assert len(other_end.requests) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"api_base": "api.telegram.org"},
        {"api_base": "ftp://api.telegram.org"},
        {"api_base": "https://"},
        {"api_base": "https://api.telegram.org/?a=b"},
        {"timeout": 5, "connect_timeout": 5},
        {"connect_timeout": 0},
        {"keep_alive": 0},
        {"connections": -1},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"api_base|timeout|keep_alive"):
        TelegramMessengerSettings(**settings)
