"""What only a real server and real bytes can show of the webhook."""

import asyncio
import io
import logging
import re
import time
from collections.abc import Iterator

import pytest
from msgspec.json import encode

from skua_http.webhooks.telegram import BODY_PATIENCE
from tests.e2e.http.conftest import Site

FORBIDDEN = b'"code":"webhook-forbidden"'


def a_call(
    path: bytes, secret: bytes, body: bytes, *, announced: int | None = None, more: bytes = b""
) -> bytes:
    return (
        b"POST %s HTTP/1.1\r\nHost: skua.example\r\nContent-Type: application/json\r\n"
        b"X-Telegram-Bot-Api-Secret-Token: %s\r\nContent-Length: %d\r\n%s\r\n%s"
    ) % (path, secret, len(body) if announced is None else announced, more, body)


async def test_updates_and_refusals_share_one_connection(site: Site) -> None:
    bot = await site.place.add_bot()
    path, secret = site.place.webhook()
    updates = [encode(site.place.a_message()) for _ in range(3)]

    answers = await site.exchange(
        a_call(path, secret, updates[0]),
        a_call(path, b"wrong", updates[1]),
        a_call(path, secret, b"nope"),
        a_call(path, b"wrong", b"x" * 900_000),
        a_call(path, secret, updates[2]),
        b"GET /healthz HTTP/1.1\r\nHost: skua.example\r\n\r\n",
    )

    statuses = re.findall(rb"HTTP/1\.1 (\d{3})", answers)
    assert statuses == [b"200", b"403", b"200", b"403", b"200", b"200"]
    assert b"connection: close" not in answers.lower()
    assert site.place.updates(bot) == 2


@pytest.mark.parametrize("wrong", [b"\xe9", b"\xff\xfe", "ё".encode(), b"x" * 20_000, b"\t", b""])
async def test_a_secret_of_odd_bytes_is_the_same_403(site: Site, wrong: bytes) -> None:
    bot = await site.place.add_bot()
    path, _ = site.place.webhook()
    body = encode(site.place.a_message())

    plain = await site.exchange(a_call(path, b"wrong", body))
    odd = await site.exchange(a_call(path, wrong, body))

    assert FORBIDDEN in plain
    assert alike(odd) == alike(plain)
    assert site.place.updates(bot) == 0


@pytest.mark.parametrize(
    "wrong", [b"%2F", b"%2f..", b"%ff%fe", b"%00", b"%", b"?", b"#", b"/../x", b";x", b"%0d%0a"]
)
async def test_a_path_of_odd_bytes_is_the_same_403(site: Site, wrong: bytes) -> None:
    bot = await site.place.add_bot()
    path, secret = site.place.webhook()
    body = encode(site.place.a_message())

    plain = await site.exchange(a_call(path, b"wrong", body))
    odd = await site.exchange(a_call(path[:-1] + wrong, secret, body))

    assert alike(odd) == alike(plain)
    assert site.place.updates(bot) == 0


async def test_bytes_beyond_ascii_in_the_target_are_400(site: Site) -> None:
    await site.place.add_bot()
    path, secret = site.place.webhook()

    answer = await site.exchange(a_call(path + b"\xe9", secret, b"{}"))

    assert answer.startswith(b"HTTP/1.1 4")


async def test_more_than_a_million_bytes_are_413_announced_or_not(site: Site) -> None:
    bot = await site.place.add_bot()
    path, secret = site.place.webhook()
    chunked = a_call(path, secret, b"", more=b"Transfer-Encoding: chunked\r\n").replace(
        b"Content-Length: 0\r\n", b""
    )

    announced = await site.exchange(a_call(path, secret, b"", announced=1_000_001))
    streamed = await site.exchange(chunked + b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\n0\r\n\r\n")

    assert announced.startswith(b"HTTP/1.1 413")
    assert streamed.startswith(b"HTTP/1.1 413")
    assert site.place.updates(bot) == 0
    assert site.place.set_aside(bot) == []


async def test_a_connection_that_breaks_off_is_neither_an_update_nor_a_bug(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await site.place.add_bot()
    path, secret = site.place.webhook()
    body = encode(site.place.a_message())
    half = a_call(path, secret, body[:20], announced=len(body))

    await site.exchange(half, hang_up=True)
    whole = await site.exchange(a_call(path, secret, body))

    assert whole.startswith(b"HTTP/1.1 200")
    assert site.place.updates(bot) == 1
    assert site.place.set_aside(bot) == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_waiting_for_a_body_and_for_the_database_has_an_end(site: Site) -> None:
    bot = await site.place.add_bot()
    path, secret = site.place.webhook()
    body = encode(site.place.a_message())
    site.place.ready.delay = 60
    began = time.monotonic()

    half, ready = await asyncio.gather(
        site.exchange(a_call(path, secret, body[:20], announced=len(body))),
        site.exchange(b"GET /readyz HTTP/1.1\r\nHost: skua.example\r\n\r\n"),
    )

    assert half.startswith(b"HTTP/1.1 408")
    assert ready.startswith(b"HTTP/1.1 503")
    assert time.monotonic() - began < BODY_PATIENCE + 5
    assert site.place.updates(bot) == 0


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What a program's log would hold. Not caplog, which also takes what nobody passes on."""
    root = logging.getLogger()
    stream = io.StringIO()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


async def test_no_log_of_the_server_shows_the_tag_or_the_secret(
    site: Site, logged: io.StringIO
) -> None:
    await site.place.add_bot()
    path, secret = site.place.webhook()
    site.place.storage.next_problems = [RuntimeError("a bug")]

    await site.exchange(
        a_call(path, secret, b"{}"),
        a_call(path, secret, b"nope"),
        a_call(path, secret, b"", more=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    )

    assert "a bug" in logged.getvalue()
    assert "Unsupported upgrade request" in logged.getvalue()
    assert path.rpartition(b"/")[2].decode() not in logged.getvalue()
    assert secret.decode() not in logged.getvalue()


def alike(answer: bytes) -> bytes:
    """Without what differs from answer to answer."""
    own = (b"date:", b"x-request-id:")
    return b"\r\n".join(line for line in answer.split(b"\r\n") if not line.lower().startswith(own))
