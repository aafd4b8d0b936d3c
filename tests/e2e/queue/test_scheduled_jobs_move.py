"""Scheduled jobs go on, on one worker at a time, whichever worker is killed."""

import asyncio
import sys
from functools import partial

import asyncpg
import pytest

from tests.e2e.delivery.conftest import Scene, SetUp

pytestmark = [pytest.mark.external, pytest.mark.timeout(180)]

EVERY = 0.5
"""SKUA_LANE_SWEEP of these tests: the period of the job that is watched."""


async def test_the_job_of_a_killed_worker_is_anothers_within_its_period(set_up: SetUp) -> None:
    scene = await set_up(rate=30)
    installation = scene.installation
    workers = {}
    for number in range(3):
        program = await installation.start(installation.worker(f"worker{number}"))
        workers[program.pid] = program

    for _ in range(2):
        pid = await _next_holder(scene, among=set(workers))
        await workers.pop(pid).kill()
        died = await _now(scene)
        look = partial(_turn_since, scene, died, frozenset(workers))
        row = await installation.until(look, "a turn of another worker")
        print(f"Taken over after {row['taken_after']:.2f} s")  # noqa: T201 - shown with a failure


async def test_each_job_has_one_worker_of_many(set_up: SetUp) -> None:
    scene = await set_up(rate=30)
    installation = scene.installation
    for number in range(3):
        await installation.start(installation.worker(f"worker{number}"))
    await _next_holder(scene, among={each.pid for each in installation.programs})

    turns: set[str] = set()
    begun = await _now(scene)
    while len(turns) < 6:
        turns.add((await _job(scene))["turn_id"])
        await asyncio.sleep(0.03)

    assert len(turns) <= (await _now(scene) - begun) / EVERY + 2
    names = await installation.row(
        "SELECT array_agg(name::text ORDER BY name) AS names FROM platform.scheduled_jobs"
    )
    assert {"interrupt-unserved", "make-partitions", "repair-webhooks"} <= set(names["names"])


@pytest.mark.parametrize("off", [-7200, 7200])
async def test_a_worker_whose_clock_is_hours_off_neither_starves_nor_doubles_a_job(
    set_up: SetUp, off: int
) -> None:
    scene = await set_up(rate=30)
    installation = scene.installation
    command = [sys.executable, "-m", "tests.e2e.torture.skewed_worker", str(off)]
    skewed = await installation.start(installation.program("skewed", command))
    await _next_holder(scene, among={skewed.pid})
    right = await installation.start(installation.worker("right"))
    await _next_holder(scene, among={right.pid})

    turns: set[str] = set()
    begun = await _now(scene)
    while len(turns) < 6:
        row = await installation.row(
            "SELECT turn_id, extract(epoch FROM due_at - clock_timestamp())::float8 AS due_in"
            " FROM platform.scheduled_jobs WHERE name = 'interrupt-unserved'"
        )
        turns.add(row["turn_id"])
        assert row["due_in"] <= EVERY
        await asyncio.sleep(0.03)

    assert len(turns) <= (await _now(scene) - begun) / EVERY + 2


async def _next_holder(scene: Scene, *, among: set[int]) -> int:
    async def look() -> int | None:
        pid = int((await _job(scene))["holder"].split(":")[1])
        return pid if pid in among else None

    return await scene.installation.until(look, "a holder of the job")


async def _turn_since(scene: Scene, moment: float, alive: frozenset[int]) -> asyncpg.Record | None:
    row = await scene.installation.row(
        "SELECT holder, extract(epoch FROM clock_timestamp())::float8 - $1 AS taken_after"
        " FROM platform.scheduled_jobs WHERE name = 'interrupt-unserved'",
        moment,
    )
    return row if int(row["holder"].split(":")[1]) in alive else None


async def _job(scene: Scene) -> asyncpg.Record:
    async def look() -> asyncpg.Record | None:
        row = await scene.installation.row(
            "SELECT max(turn_id::text) AS turn_id, max(holder) AS holder"
            " FROM platform.scheduled_jobs WHERE name = 'interrupt-unserved'"
        )
        return row if row["holder"] else None

    return await scene.installation.until(look, "the job's first turn")


async def _now(scene: Scene) -> float:
    row = await scene.installation.row(
        "SELECT extract(epoch FROM clock_timestamp())::float8 AS moment"
    )
    moment: float = row["moment"]
    return moment
