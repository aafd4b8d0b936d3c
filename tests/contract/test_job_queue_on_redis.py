"""Redis wiped, stopped, slow, full or wrongly set up: wake-ups may get lost, and nothing else."""

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from dramatiq.common import current_millis

from skua_adapters.job_queue.dramatiq import DramatiqJobQueue
from skua_adapters.job_queue.in_process import InProcessJobQueue
from skua_adapters.job_queue.redis_server import make_broker
from skua_core.errors import QueueUnavailable, QueueUnfit
from skua_core.ids import BotId
from tests.contract.test_job_queue import AGAIN, wake_until_heard
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.external, pytest.mark.usefixtures("no_thread_left")]

PATIENCE = 20.0
TWO_HOURS = 7_200_000


@pytest.fixture
async def queue(redis_server: RedisServer) -> AsyncIterator[DramatiqJobQueue]:
    queue = make_queue(redis_server.url)
    yield queue
    await queue.close()


def make_queue(url: str) -> DramatiqJobQueue:
    return DramatiqJobQueue(url, nudges=InProcessJobQueue(), timeout=0.3)


def some_bots(count: int) -> set[BotId]:
    return {BotId(uuid4()) for _ in range(count)}


async def assert_jobs_come_again(queue: DramatiqJobQueue, listener: AsyncIterator[BotId]) -> None:
    async with asyncio.timeout(PATIENCE):
        await wake_until_heard(queue, BotId(uuid4()), listener)


async def assert_wakes_are_quick(queue: DramatiqJobQueue) -> None:
    for bot_id in some_bots(20):
        began = time.monotonic()
        await queue.wake(bot_id)
        assert time.monotonic() - began < 0.2
        await asyncio.sleep(0.01)


async def test_a_message_holds_the_bot_s_id_and_nothing_else(
    queue: DramatiqJobQueue, redis_server: RedisServer
) -> None:
    bot_id = BotId(uuid4())
    await queue.wake(bot_id)
    await queue.close()

    with closing(redis_server.client()) as client:
        (text,) = client.hvals("skua:lanes.msgs")

    message = json.loads(text)
    assert (message["args"], message["kwargs"]) == ([str(bot_id)], {})
    assert set(message["options"]) == {"redis_message_id"}


async def test_what_a_command_woke_is_published_before_it_ends(
    queue: DramatiqJobQueue, redis_server: RedisServer
) -> None:
    for bot_id in some_bots(50):
        await queue.wake(bot_id)
    await queue.close()

    with closing(redis_server.client()) as client:
        assert client.llen("skua:lanes") == 50


async def test_jobs_come_again_after_a_flush(
    queue: DramatiqJobQueue, redis_server: RedisServer
) -> None:
    jobs = queue.jobs()
    await wake_until_heard(queue, BotId(uuid4()), jobs)

    redis_server.flush()

    await assert_jobs_come_again(queue, jobs)


async def test_jobs_come_again_after_redis_was_killed(
    queue: DramatiqJobQueue, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = queue.jobs()
    await wake_until_heard(queue, BotId(uuid4()), jobs)

    redis_server.kill()
    await assert_wakes_are_quick(queue)
    await asyncio.sleep(1)
    with pytest.raises(QueueUnavailable):
        await queue.check()
    redis_server.start()

    await assert_jobs_come_again(queue, jobs)
    await queue.check()
    assert len([line for line in own_lines(caplog) if "not available" in line]) == 1


async def test_a_redis_that_hangs_holds_up_nobody(
    queue: DramatiqJobQueue, redis_server: RedisServer
) -> None:
    jobs = queue.jobs()
    await wake_until_heard(queue, BotId(uuid4()), jobs)

    with frozen(redis_server):
        await assert_wakes_are_quick(queue)
        with pytest.raises(QueueUnavailable):
            await queue.check()
        await asyncio.sleep(1)

    await assert_jobs_come_again(queue, jobs)


async def test_closing_does_not_wait_for_a_redis_that_hangs(
    queue: DramatiqJobQueue, redis_server: RedisServer
) -> None:
    jobs = queue.jobs()
    await wake_until_heard(queue, BotId(uuid4()), jobs)

    with frozen(redis_server):
        await queue.wake(BotId(uuid4()))
        async with asyncio.timeout(10):
            await jobs.aclose()
            await queue.close()


async def test_a_full_redis_is_told_once_and_works_again_when_it_has_room(
    queue: DramatiqJobQueue, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = queue.jobs()
    await wake_until_heard(queue, BotId(uuid4()), jobs)

    redis_server.set("maxmemory", "1kb")
    await assert_wakes_are_quick(queue)
    with pytest.raises(QueueUnavailable, match="full: its maxmemory is reached"):
        await queue.check()
    await asyncio.sleep(1)
    redis_server.set("maxmemory", "0")

    await assert_jobs_come_again(queue, jobs)
    assert len([line for line in own_lines(caplog) if "is full" in line]) <= 1


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_a_redis_that_evicts_is_unfit(
    queue: DramatiqJobQueue, redis_server: RedisServer, policy: str
) -> None:
    redis_server.set("maxmemory-policy", policy)

    with pytest.raises(QueueUnfit, match=f"maxmemory-policy is {policy}, and has to be noeviction"):
        await queue.check()


async def test_a_read_only_replica_is_said_to_be_one(
    queue: DramatiqJobQueue, redis_server: RedisServer, tmp_path: Path
) -> None:
    with RedisServer(tmp_path) as primary:
        with closing(redis_server.client()) as client:
            client.replicaof("127.0.0.1", primary.port)

        with pytest.raises(QueueUnavailable, match="read-only replica"):
            await queue.check()


@pytest.mark.parametrize("password", ["", "guessed"])
async def test_a_wrong_password_makes_the_queue_unfit(tmp_path: Path, password: str) -> None:
    with RedisServer(tmp_path, "--requirepass", "secret") as server:
        queue = make_queue(server.url_with(password) if password else server.url)

        with pytest.raises(QueueUnfit, match="refuses this user or password") as caught:
            await queue.check()
        await queue.wake(BotId(uuid4()))
        await queue.close()

    assert "guessed" not in str(caught.value)


async def test_something_else_than_redis_is_unfit() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        queue = make_queue(f"redis://127.0.0.1:{port}/0")

        with pytest.raises(QueueUnfit, match="doesn't speak Redis's protocol"):
            await queue.check()
        await queue.close()


async def test_a_redis_that_was_away_at_the_start_is_used_when_it_comes(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    queue = make_queue(server.url)
    jobs = queue.jobs()
    hearing = asyncio.create_task(anext(jobs))
    with pytest.raises(QueueUnavailable):
        await queue.check()

    with server:
        async with asyncio.timeout(PATIENCE):
            while not hearing.done():
                await queue.wake(BotId(uuid4()))
                await asyncio.wait([hearing], timeout=AGAIN)
        await jobs.aclose()
        await queue.close()


@pytest.mark.parametrize("off", [-TWO_HOURS, TWO_HOURS])
async def test_a_worker_whose_clock_is_two_hours_off_takes_no_job_away(
    queue: DramatiqJobQueue, redis_server: RedisServer, off: int
) -> None:
    """It declares everybody dead and hands out again what they have, as often as it can."""
    jobs = queue.jobs()
    await wake_until_heard(queue, BotId(uuid4()), jobs)
    stranger = make_broker(redis_server.url, timeout=1)
    bots = some_bots(30)

    heard: set[BotId] = set()
    async with asyncio.timeout(PATIENCE):
        for bot_id in bots:
            await queue.wake(bot_id)
            # What each of its commands does; "qsize" takes nothing for itself.
            moment = current_millis() + off
            stranger.scripts["dispatch"](
                args=["qsize", moment, "lanes", stranger.broker_id, 60_000, 60_000, 1, 4000],
                keys=["skua"],
            )
        while not bots <= heard:
            heard.add(await anext(jobs))
    stranger.client.close()


async def test_messages_that_skua_didn_t_write_disturb_nobody(
    queue: DramatiqJobQueue, redis_server: RedisServer
) -> None:
    jobs = queue.jobs()
    await wake_until_heard(queue, BotId(uuid4()), jobs)

    with closing(redis_server.client()) as client:
        for number, text in enumerate(["", "{}", "[]", '{"queue_name": "lanes", "args": ["x"]}']):
            client.hset("skua:lanes.msgs", f"strange-{number}", text)
            client.rpush("skua:lanes", f"strange-{number}")

    async with asyncio.timeout(60):
        await wake_until_heard(queue, BotId(uuid4()), jobs)


async def test_a_bot_that_is_woken_again_and_again_gets_few_jobs(
    queue: DramatiqJobQueue, redis_server: RedisServer
) -> None:
    bot_id, other = BotId(uuid4()), BotId(uuid4())
    for _ in range(60):
        await queue.wake(bot_id)
        await asyncio.sleep(0.01)
    await queue.wake(other)
    await asyncio.sleep(1.2)

    with closing(redis_server.client()) as client:
        jobs = [json.loads(text)["args"] for text in client.hvals("skua:lanes.msgs")]

    assert jobs.count([str(other)]) == 1
    assert jobs.count([str(bot_id)]) == 2, "the first at once, the last for what came after it"


async def test_nobody_fills_redis_with_jobs_that_nobody_takes(redis_server: RedisServer) -> None:
    queue = make_queue(redis_server.url)
    with closing(redis_server.client()) as client:
        client.hset("skua:lanes.msgs", mapping={f"old-{number}": "" for number in range(10_000)})
    await queue.wake(BotId(uuid4()))
    await asyncio.sleep(0.3)

    for bot_id in some_bots(20):
        await queue.wake(bot_id)
    await queue.close()

    with closing(redis_server.client()) as client:
        assert client.llen("skua:lanes") <= 1


def own_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name.startswith("skua")]


@contextmanager
def frozen(server: RedisServer) -> Iterator[None]:
    """It takes connections and answers nobody."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


@pytest.fixture(autouse=True)
def silent_dramatiq() -> Iterator[None]:
    """As the program has it: the queue itself tells of trouble."""
    logger = logging.getLogger("dramatiq")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(level)
