"""Turns at periodic jobs, and the store's clock."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.scheduled_jobs.in_memory import InMemoryScheduledJobs
from skua_adapters.scheduled_jobs.postgres import PostgresScheduledJobs
from skua_core.ports.scheduled_jobs import ScheduledJobs
from tests.postgres_cluster import Database


@dataclass
class ScheduledJobsRig:
    jobs: ScheduledJobs
    let_pass: Callable[[float], Awaitable[None]]
    """So many seconds by the store's clock; a negative number sets it back."""


@pytest.fixture
def in_memory_jobs() -> ScheduledJobsRig:
    clock = SettableClock(datetime(2026, 3, 1, 12, tzinfo=UTC))

    async def let_pass(seconds: float) -> None:
        clock.shift(seconds)

    return ScheduledJobsRig(InMemoryScheduledJobs(clock), let_pass)


@pytest.fixture
async def postgres_jobs(
    migrated_database: Database, app_engine: AsyncEngine
) -> AsyncIterator[ScheduledJobsRig]:
    outside = await asyncpg.connect(migrated_database.dsn)

    async def let_pass(seconds: float) -> None:
        # What is stored moves the other way than a clock that can't be set.
        await outside.execute(
            "UPDATE platform.scheduled_jobs SET due_at = due_at - $1::interval",
            timedelta(seconds=seconds),
        )

    yield ScheduledJobsRig(PostgresScheduledJobs(app_engine), let_pass)
    await outside.close()


class SettableClock(FrozenClock):
    def shift(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@pytest.fixture(
    params=["in_memory_jobs", pytest.param("postgres_jobs", marks=pytest.mark.external)]
)
def scheduled_jobs(request: pytest.FixtureRequest) -> ScheduledJobsRig:
    rig: ScheduledJobsRig = request.getfixturevalue(request.param)
    return rig
