"""Each periodic job is one process's at a time, by the store's clock."""

import asyncio
from uuid import uuid4

import pytest

from skua_core.ports.scheduled_jobs import JobTurn
from tests.contract.rigs.scheduled_jobs import ScheduledJobsRig

EVERY, HOLD = 300.0, 30.0


@pytest.fixture
def name() -> str:
    """Of a job that nobody has done yet."""
    return f"job-{uuid4()}"


async def take(rig: ScheduledJobsRig, name: str, holder: str = "worker:1") -> JobTurn | None:
    return await rig.jobs.take(name, every=EVERY, hold=HOLD, holder=holder)


async def taken(rig: ScheduledJobsRig, name: str) -> JobTurn:
    turn = await take(rig, name)
    assert turn is not None
    return turn


async def test_the_first_turn_is_due_at_once(scheduled_jobs: ScheduledJobsRig, name: str) -> None:
    turn = await taken(scheduled_jobs, name)

    assert turn.name == name


async def test_of_many_who_ask_together_one_gets_the_turn(
    scheduled_jobs: ScheduledJobsRig, name: str
) -> None:
    async def ask(number: int) -> JobTurn | None:
        return await take(scheduled_jobs, name, f"worker:{number}")

    first = await asyncio.gather(*(ask(number) for number in range(8)))
    await scheduled_jobs.let_pass(HOLD + 1)
    second = await asyncio.gather(*(ask(number) for number in range(8)))

    assert [turn is not None for turn in first].count(True) == 1
    assert [turn is not None for turn in second].count(True) == 1


async def test_a_turn_keeps_others_away_while_it_is_kept(
    scheduled_jobs: ScheduledJobsRig, name: str
) -> None:
    turn = await taken(scheduled_jobs, name)

    for _ in range(3):
        await scheduled_jobs.let_pass(HOLD - 5)
        assert await take(scheduled_jobs, name) is None
        assert await scheduled_jobs.jobs.keep(turn, hold=HOLD)


async def test_the_turn_of_a_process_that_died_is_anothers_after_its_hold(
    scheduled_jobs: ScheduledJobsRig, name: str
) -> None:
    await taken(scheduled_jobs, name)

    await scheduled_jobs.let_pass(HOLD - 5)
    assert await take(scheduled_jobs, name) is None
    await scheduled_jobs.let_pass(6)

    assert await take(scheduled_jobs, name) is not None


async def test_a_finished_job_is_due_again_when_it_was_said_to_be(
    scheduled_jobs: ScheduledJobsRig, name: str
) -> None:
    turn = await taken(scheduled_jobs, name)
    await scheduled_jobs.jobs.finish(turn, next_in=EVERY)

    await scheduled_jobs.let_pass(EVERY - 5)
    assert await take(scheduled_jobs, name) is None
    await scheduled_jobs.let_pass(6)

    assert await take(scheduled_jobs, name) is not None


async def test_a_job_that_is_given_up_is_anybodys_at_once(
    scheduled_jobs: ScheduledJobsRig, name: str
) -> None:
    turn = await taken(scheduled_jobs, name)

    await scheduled_jobs.jobs.finish(turn, next_in=0)

    assert await take(scheduled_jobs, name) is not None


async def test_whoever_lost_a_turn_changes_nothing_any_more(
    scheduled_jobs: ScheduledJobsRig, name: str
) -> None:
    lost = await taken(scheduled_jobs, name)
    await scheduled_jobs.let_pass(HOLD + 1)
    turn = await taken(scheduled_jobs, name)

    assert not await scheduled_jobs.jobs.keep(lost, hold=HOLD)
    await scheduled_jobs.jobs.finish(lost, next_in=0)

    assert await take(scheduled_jobs, name) is None
    assert await scheduled_jobs.jobs.keep(turn, hold=HOLD)


async def test_jobs_of_different_names_don_t_meet(
    scheduled_jobs: ScheduledJobsRig, name: str
) -> None:
    await taken(scheduled_jobs, name)

    assert await take(scheduled_jobs, f"{name}-other") is not None


async def test_a_store_clock_that_was_set_back_starves_no_job(
    scheduled_jobs: ScheduledJobsRig, name: str
) -> None:
    turn = await taken(scheduled_jobs, name)
    await scheduled_jobs.jobs.finish(turn, next_in=EVERY)

    await scheduled_jobs.let_pass(-7200)

    assert await take(scheduled_jobs, name) is not None


async def test_a_shorter_period_is_in_force_at_once(
    scheduled_jobs: ScheduledJobsRig, name: str
) -> None:
    turn = await taken(scheduled_jobs, name)
    await scheduled_jobs.jobs.finish(turn, next_in=EVERY)

    taken_early = await scheduled_jobs.jobs.take(
        name, every=EVERY / 2, hold=HOLD, holder="worker:2"
    )

    assert taken_early is not None
