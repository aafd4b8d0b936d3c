"""Redis shared, stopped, hanging, full, wiped: limits are kept, and nobody waits or fails."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.rate_limiter.redis import RedisRateLimiter
from skua_core.domain.limits import Bucket, Permit
from tests.contract.rigs.rate_limiter import KEY, take_in_a_process
from tests.redis_server import RedisServer

pytestmark = pytest.mark.external

WHOLE, QUARTER = 8, 2
BUCKET = Bucket("login-ip", WHOLE, 600)
ANA = Permit(BUCKET, "ana@example.com")
MEANWHILE = "Until it can, each process keeps limits by itself, with a quarter of each."
SOON = 0.6
"""Seconds within which everything is answered, on a busy machine too."""


class Place:
    """A limiter, and the clock by which it waits before it asks Redis again."""

    def __init__(self, url: str, *, key: bytes = KEY) -> None:
        self.clock = FrozenClock(datetime(2026, 3, 1, tzinfo=UTC))
        self.limiter = RedisRateLimiter(url, key=key, clock=self.clock, patience=0.2)

    async def taken(self, permit: Permit = ANA, *, tries: int = 12) -> int:
        began = time.monotonic()
        waits = [await self.limiter.take([permit]) for _ in range(tries)]
        assert time.monotonic() - began < SOON
        return waits.count(0)

    async def look_again(self) -> None:
        self.clock.advance(1)
        await self.limiter.give_back([])


@pytest.fixture
async def place(redis_server: RedisServer) -> AsyncIterator[Place]:
    place = Place(redis_server.url)
    yield place
    await place.limiter.close()


def news(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("skua_adapters.rate_limiter")
    ]


@contextmanager
def frozen(server: RedisServer) -> Iterator[None]:
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def test_four_processes_together_get_no_more_than_the_burst(
    redis_server: RedisServer,
) -> None:
    permits = [Permit(Bucket("wide", 60, 600), "ana"), Permit(Bucket("narrow", 20, 600), "ana")]
    spawn = multiprocessing.get_context("spawn")
    loop = asyncio.get_running_loop()

    with ProcessPoolExecutor(4, mp_context=spawn) as pool:
        counts = await asyncio.gather(
            *(
                loop.run_in_executor(pool, take_in_a_process, redis_server.url, permits, 50)
                for _ in range(4)
            )
        )

    assert sum(counts) == 20
    assert take_in_a_process_later(redis_server, permits[0]) == 40


def take_in_a_process_later(server: RedisServer, permit: Permit) -> int:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(take_in_a_process, server.url, [permit], 100).result()


async def test_nothing_in_redis_tells_whose_bucket_it_is(
    place: Place, redis_server: RedisServer
) -> None:
    await place.taken(Permit(BUCKET, "ana@example.com"))
    await place.taken(Permit(BUCKET, "203.0.113.7"))

    with closing(redis_server.client()) as client:
        names = [str(name) for name in client.keys("*")]
        values = [str(client.get(name)) for name in names]

    assert len(names) == 2
    for name in names:
        prefix, _, digest = name.rpartition(":")
        assert (prefix, len(digest)) == ("skua:limit", 22)
    assert all(value.isdecimal() for value in values)


async def test_another_key_makes_other_buckets(place: Place, redis_server: RedisServer) -> None:
    await place.taken()
    other = Place(redis_server.url, key=bytes(32))

    assert await other.taken() == WHOLE
    await other.limiter.close()


async def test_nothing_is_left_of_a_bucket_that_is_full_again(
    place: Place, redis_server: RedisServer
) -> None:
    quick = Permit(Bucket("quick", 3, 0.05), "ana")
    await place.taken(quick, tries=3)
    await place.limiter.take([ANA])
    await place.limiter.give_back([ANA])

    with closing(redis_server.client()) as client:
        (name,) = client.keys("*")
        assert 0 < client.pttl(name) <= 151
        await asyncio.sleep(0.2)
        assert client.keys("*") == []


async def test_a_clock_that_was_set_back_locks_nobody_out(
    place: Place, redis_server: RedisServer
) -> None:
    await place.limiter.take([ANA])
    with closing(redis_server.client()) as client:
        (name,) = client.keys("*")
        a_day_later = int(str(client.get(name))) + 86_400_000_000
        client.set(name, a_day_later)

    assert 590 < await place.limiter.take([ANA]) <= 600


async def test_a_redis_that_was_killed_leaves_a_quarter_of_each_burst(
    place: Place, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.kill()

    assert await place.taken() == QUARTER
    assert await place.taken(Permit(Bucket("single", 1, 600), "ana")) == 1
    await place.look_again()
    assert await place.taken() == 0
    assert news(caplog) == [f"Redis can't count (ConnectionError). {MEANWHILE}"]

    redis_server.start()
    await place.look_again()

    assert await place.taken() == WHOLE
    assert news(caplog)[1:] == ["Redis counts again: all processes keep limits together"]


async def test_what_is_given_back_meanwhile_counts_as_well(
    place: Place, redis_server: RedisServer
) -> None:
    redis_server.kill()
    assert await place.taken() == QUARTER

    await place.limiter.give_back([ANA])
    await place.limiter.give_back([Permit(BUCKET, "ben@example.com")] * 5)

    assert await place.taken() == 1
    assert await place.taken(Permit(BUCKET, "ben@example.com")) == QUARTER


async def test_a_redis_that_restarts_between_two_requests_is_not_missed(
    place: Place, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection that was kept is dead, and that is found before it is used."""
    assert await place.taken() == WHOLE
    redis_server.kill()
    redis_server.start()
    await asyncio.sleep(0.05)

    assert await place.taken() == WHOLE
    assert news(caplog) == []


async def test_a_redis_that_hangs_holds_up_nobody(
    place: Place, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    assert await place.taken(tries=1) == 1

    with frozen(redis_server):
        began = time.monotonic()
        waits = await asyncio.gather(*(place.limiter.take([ANA]) for _ in range(200)))
        assert time.monotonic() - began < SOON
        assert waits.count(0) == QUARTER
        place.clock.advance(1)
        assert await place.taken() == 0
    place.clock.advance(1)
    await asyncio.sleep(0.1)

    other = Permit(BUCKET, "ben@example.com")
    assert await place.taken(other) == WHOLE
    await place.limiter.give_back([other])
    assert await place.taken(other) == 1
    assert len(news(caplog)) == 2


async def test_a_full_redis_leaves_a_quarter_until_it_has_room(
    place: Place, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.set("maxmemory", "1kb")

    assert await place.taken() == QUARTER
    assert "OutOfMemoryError" in news(caplog)[0]

    redis_server.set("maxmemory", "0")
    await place.look_again()

    assert await place.taken() == WHOLE


async def test_a_redis_that_was_wiped_goes_on_counting(
    place: Place, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    assert await place.taken() == WHOLE
    redis_server.flush()
    with closing(redis_server.client()) as client:
        client.script_flush()

    assert await place.taken() == WHOLE
    assert news(caplog) == []


async def test_a_read_only_replica_leaves_a_quarter(
    place: Place, redis_server: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RedisServer(tmp_path) as primary:
        with closing(redis_server.client()) as client:
            client.replicaof("127.0.0.1", primary.port)

        assert await place.taken() == QUARTER

    assert "ReadOnlyError" in news(caplog)[0]


@pytest.mark.parametrize("password", ["", "guessed"])
async def test_a_wrong_password_leaves_a_quarter_and_is_not_told(
    tmp_path: Path, password: str, caplog: pytest.LogCaptureFixture
) -> None:
    with RedisServer(tmp_path, "--requirepass", "secret") as server:
        place = Place(server.url_with(password) if password else server.url)

        assert await place.taken() == QUARTER
        await place.limiter.close()

    assert "Authentication" in news(caplog)[0]
    assert "guessed" not in caplog.text


async def test_something_else_than_redis_leaves_a_quarter() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        place = Place(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")

        assert await place.taken() == QUARTER
        await place.limiter.close()


async def test_a_redis_that_takes_its_time_for_each_word_holds_up_nobody() -> None:
    """No answer takes too long, and all together do."""
    over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            await asyncio.sleep(0.15)
            writer.write(b"+OK\r\n")
        writer.close()
        over.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        place = Place(f"redis://:password@127.0.0.1:{port}/1")
        began = time.monotonic()

        assert await place.limiter.take([ANA]) == 0
        assert time.monotonic() - began < 0.35
        await place.limiter.close()
        await over.wait()


async def test_a_process_that_is_slow_itself_does_not_take_redis_for_slow(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async def hold_up_everybody() -> None:
        while True:
            time.sleep(0.12)  # noqa: ASYNC251 - as a busy process does
            await asyncio.sleep(0)

    busy = asyncio.create_task(hold_up_everybody())
    waits = await asyncio.gather(*(place.limiter.take([ANA]) for _ in range(12)))
    busy.cancel()

    assert waits.count(0) == WHOLE
    assert news(caplog) == []


async def test_whoever_stops_waiting_disturbs_nobody(place: Place) -> None:
    asking = [asyncio.create_task(place.limiter.take([ANA])) for _ in range(30)]
    await asyncio.sleep(0)
    for number, task in enumerate(asking):
        await asyncio.sleep(0)
        if number % 2:
            task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)

    other = Permit(BUCKET, "ben@example.com")
    assert await place.taken(other) == WHOLE
    await place.limiter.give_back([other])
    assert await place.taken(other) == 1


async def test_a_foreign_value_under_our_name_leaves_a_quarter(
    place: Place, redis_server: RedisServer
) -> None:
    await place.limiter.take([ANA])
    with closing(redis_server.client()) as client:
        (name,) = client.keys("*")
        client.delete(name)
        client.lpush(name, "not a time")

    assert await place.taken() == QUARTER
