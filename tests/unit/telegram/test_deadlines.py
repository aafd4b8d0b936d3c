"""One timer ends whatever has waited for too long, each at its own time."""

import asyncio

import pytest

from skua_adapters.messenger.telegram_protocol import Deadlines


async def test_each_ends_at_its_own_time_whatever_the_order() -> None:
    loop = asyncio.get_running_loop()
    deadlines, began = Deadlines(loop), loop.time()
    late, early, later = (loop.create_future() for _ in range(3))
    for waiting, seconds in ((late, 0.06), (early, 0.02), (later, 0.09)):
        deadlines.add(waiting, began + seconds)

    for waiting, seconds in ((early, 0.02), (late, 0.06), (later, 0.09)):
        with pytest.raises(TimeoutError):
            await waiting
        assert loop.time() >= began + seconds


async def test_what_was_answered_in_time_is_left_alone() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop)
    answered, removed, waiting = (loop.create_future() for _ in range(3))
    for each in (answered, removed, waiting):
        deadlines.add(each, loop.time() + 0.02)
    answered.set_result("in time")
    deadlines.remove(removed)

    with pytest.raises(TimeoutError):
        await waiting

    assert await answered == "in time"
    assert not removed.done()
