"""Job queues, and how to break what carries their words."""

import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import asyncpg
import pytest
from dramatiq.worker import ConsumerThread, WorkerThread
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql import roles
from skua_adapters.job_queue.dramatiq import DramatiqJobQueue
from skua_adapters.job_queue.in_process import InProcessJobQueue
from skua_adapters.job_queue.postgres import PolledPostgresJobQueue, PostgresJobQueue
from skua_core.ports.job_queue import JobQueue
from tests.postgres_cluster import Database
from tests.redis_server import RedisServer

_THREADS_END_SECONDS = 12.0
"""Twice what Dramatiq sleeps, at most, between two tries of something."""


@dataclass
class JobQueueRig:
    queue: JobQueue
    elsewhere: JobQueue
    """The same words heard by another process; in one process, by the same queue."""
    break_connections: Callable[[], Awaitable[None]]


async def nothing_to_break() -> None:
    """Words within one process travel by no connection."""


@pytest.fixture
async def in_process_queue() -> AsyncIterator[JobQueueRig]:
    queue = InProcessJobQueue()
    yield JobQueueRig(queue, queue, nothing_to_break)
    await queue.close()


@pytest.fixture
async def postgres_queue(migrated_database: Database) -> AsyncIterator[JobQueueRig]:
    url = migrated_database.url_of(roles.APP)
    queue, elsewhere = PostgresJobQueue(url), PostgresJobQueue(url)

    async def break_connections() -> None:
        await end_connections(migrated_database)

    yield JobQueueRig(queue, elsewhere, break_connections)
    await queue.close()
    await elsewhere.close()


@pytest.fixture
async def polled_queue(
    migrated_database: Database, app_engine: AsyncEngine
) -> AsyncIterator[JobQueueRig]:
    queue, elsewhere = PolledPostgresJobQueue(app_engine), PolledPostgresJobQueue(app_engine)

    async def break_connections() -> None:
        await end_connections(migrated_database)

    yield JobQueueRig(queue, elsewhere, break_connections)
    await queue.close()
    await elsewhere.close()


@pytest.fixture
async def dramatiq_queue(
    migrated_database: Database, redis_server: RedisServer
) -> AsyncIterator[JobQueueRig]:
    def make() -> DramatiqJobQueue:
        return DramatiqJobQueue(
            redis_server.url, nudges=PostgresJobQueue(migrated_database.url_of(roles.APP))
        )

    async def break_connections() -> None:
        await end_connections(migrated_database)
        redis_server.drop_connections()

    queue, elsewhere = make(), make()
    yield JobQueueRig(queue, elsewhere, break_connections)
    await queue.close()
    await elsewhere.close()


@pytest.fixture
def no_thread_left() -> Iterator[None]:
    """Whatever became of Redis, and of whoever listened."""
    yield
    until = time.monotonic() + _THREADS_END_SECONDS
    while left := [
        thread
        for thread in threading.enumerate()
        if isinstance(thread, ConsumerThread | WorkerThread)
    ]:
        assert time.monotonic() < until, left
        time.sleep(0.01)


async def end_connections(database: Database) -> None:
    outside = await asyncpg.connect(database.dsn)
    await outside.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await outside.close()


@pytest.fixture(
    params=[
        "in_process_queue",
        pytest.param("postgres_queue", marks=pytest.mark.external),
        pytest.param("polled_queue", marks=pytest.mark.external),
        pytest.param("dramatiq_queue", marks=pytest.mark.external),
    ]
)
def job_queue(request: pytest.FixtureRequest) -> JobQueueRig:
    rig: JobQueueRig = request.getfixturevalue(request.param)
    return rig
