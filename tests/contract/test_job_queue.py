"""Words that wake a worker. They may be lost, doubled or late, so tests repeat them.

A listener hears nudges or jobs; most of what holds for one holds for the other.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from uuid import uuid4

import pytest

from skua_core.ids import BotId
from skua_core.ports.job_queue import JobQueue
from tests.contract.rigs.job_queue import JobQueueRig

pytestmark = pytest.mark.usefixtures("no_thread_left")

SOON = 10.0
AGAIN = 0.1
Listen = Callable[[JobQueue], AsyncIterator[BotId]]


@pytest.fixture(params=["nudges", "jobs"])
def listen(request: pytest.FixtureRequest) -> Listen:
    kinds: dict[str, Listen] = {
        "nudges": lambda queue: queue.nudges(),
        "jobs": lambda queue: queue.jobs(),
    }
    return kinds[request.param]


async def hears(listener: AsyncIterator[BotId], bot_id: BotId) -> bool:
    """Whether the listener hears of this bot before it ends."""
    async for heard in listener:
        if heard == bot_id:
            return True
    return False


async def wake_until_heard(
    queue: JobQueue, bot_id: BotId, *listeners: AsyncIterator[BotId]
) -> None:
    hearing = [asyncio.create_task(hears(listener, bot_id)) for listener in listeners]
    async with asyncio.timeout(SOON):
        while not all(task.done() for task in hearing):
            await queue.wake(bot_id)
            await asyncio.wait(hearing, timeout=AGAIN)
    assert all(task.result() for task in hearing)


async def test_a_nudge_reaches_every_listener(job_queue: JobQueueRig) -> None:
    queue = job_queue.queue

    await wake_until_heard(queue, BotId(uuid4()), queue.nudges(), queue.nudges())


async def test_wakes_reach_other_processes(job_queue: JobQueueRig, listen: Listen) -> None:
    await wake_until_heard(job_queue.queue, BotId(uuid4()), listen(job_queue.elsewhere))


async def test_wakes_of_many_bots_are_all_heard(job_queue: JobQueueRig, listen: Listen) -> None:
    listener = listen(job_queue.queue)
    await wake_until_heard(job_queue.queue, BotId(uuid4()), listener)
    bots = {BotId(uuid4()) for _ in range(20)}
    for bot_id in bots:
        await job_queue.queue.wake(bot_id)

    heard: set[BotId] = set()
    async with asyncio.timeout(SOON):
        while not bots <= heard:
            heard.add(await anext(listener))


async def test_each_job_reaches_one_of_the_processes(job_queue: JobQueueRig) -> None:
    heard: set[BotId] = set()

    async def work(queue: JobQueue) -> None:
        async for bot_id in queue.jobs():
            heard.add(bot_id)

    working = [asyncio.create_task(work(q)) for q in (job_queue.queue, job_queue.elsewhere)]
    bots = {BotId(uuid4()) for _ in range(20)}
    await asyncio.sleep(0.3)
    async with asyncio.timeout(SOON):
        while not bots <= heard:
            for bot_id in bots - heard:
                await job_queue.queue.wake(bot_id)
            await asyncio.sleep(AGAIN)

    await job_queue.queue.close()
    await job_queue.elsewhere.close()
    await asyncio.gather(*working)


async def test_whoever_stops_taking_jobs_leaves_them_to_others(job_queue: JobQueueRig) -> None:
    async with aclosing(job_queue.queue.jobs()) as jobs:
        await wake_until_heard(job_queue.queue, BotId(uuid4()), jobs)

    bots = {BotId(uuid4()) for _ in range(5)}
    for bot_id in bots:
        await wake_until_heard(job_queue.queue, bot_id, job_queue.elsewhere.jobs())


async def test_a_slow_listener_misses_no_bot(job_queue: JobQueueRig, listen: Listen) -> None:
    slow = listen(job_queue.queue)
    await wake_until_heard(job_queue.queue, BotId(uuid4()), slow)
    bots = [BotId(uuid4()) for _ in range(3)]
    for bot_id in bots * 20:
        await job_queue.queue.wake(bot_id)
    await asyncio.sleep(0.3)

    heard: set[BotId] = set()
    async with asyncio.timeout(SOON):
        while not heard.issuperset(bots):
            heard.add(await anext(slow))


async def test_a_listener_that_waits_ends_when_the_queue_is_closed(
    job_queue: JobQueueRig, listen: Listen
) -> None:
    listener = listen(job_queue.queue)
    hearing = asyncio.create_task(hears(listener, BotId(uuid4())))
    await asyncio.sleep(0.05)

    await job_queue.queue.close()

    async with asyncio.timeout(SOON):
        assert not await hearing


async def test_a_closed_queue_wakes_nobody_and_says_nothing(
    job_queue: JobQueueRig, listen: Listen
) -> None:
    await job_queue.queue.close()
    await job_queue.queue.wake(BotId(uuid4()))

    async with asyncio.timeout(SOON):
        assert not await hears(listen(job_queue.queue), BotId(uuid4()))
    await job_queue.queue.close()


async def test_listening_goes_on_after_a_break(job_queue: JobQueueRig, listen: Listen) -> None:
    listener = listen(job_queue.queue)
    await wake_until_heard(job_queue.queue, BotId(uuid4()), listener)

    await job_queue.break_connections()

    await wake_until_heard(job_queue.elsewhere, BotId(uuid4()), listener)
    await wake_until_heard(job_queue.queue, BotId(uuid4()), listener)


async def test_a_wake_never_raises_while_the_queue_is_away(job_queue: JobQueueRig) -> None:
    listener = job_queue.queue.nudges()
    await wake_until_heard(job_queue.queue, BotId(uuid4()), listener)

    await job_queue.break_connections()
    for _ in range(3):
        await job_queue.queue.wake(BotId(uuid4()))


async def test_a_queue_that_works_passes_its_check(job_queue: JobQueueRig) -> None:
    await job_queue.queue.check()


@pytest.mark.parametrize("listeners", [1, 3])
async def test_listeners_that_went_away_disturb_nobody(
    job_queue: JobQueueRig, listeners: int
) -> None:
    for _ in range(listeners):
        gone = job_queue.queue.nudges()
        await wake_until_heard(job_queue.queue, BotId(uuid4()), gone)
        del gone

    await wake_until_heard(job_queue.queue, BotId(uuid4()), job_queue.queue.nudges())
