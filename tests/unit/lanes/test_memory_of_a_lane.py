"""What a lane has learned outlives whoever held it."""

import asyncio

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from skua_core.use_cases.lane_lessons import LaneLessons
from skua_core.use_cases.lane_place import LaneSettings, SendRates
from tests.unit.lanes.conftest import SWIFT, Bench

keys, names = st.sampled_from("abc"), st.sampled_from("123")
steps = st.lists(st.tuples(keys, st.one_of(st.none(), names)))
"""A name that is learned for a key, or None when it is forgotten."""


def follow(lessons: LaneLessons, steps: list[tuple[str, str | None]]) -> None:
    for key, name in steps:
        if name is None:
            lessons.forget(key)
        else:
            lessons.file_ids[key] = name


def stored(start: dict[str, str], lessons: LaneLessons) -> dict[str, str]:
    """As ``store`` does it: first what is forgotten, then what is known."""
    kept = {key: name for key, name in start.items() if key not in lessons.forgotten}
    return kept | lessons.file_ids


@given(st.dictionaries(keys, names), steps, steps)
def test_what_could_not_be_stored_comes_to_the_same_the_next_time(
    start: dict[str, str],
    before: list[tuple[str, str | None]],
    meanwhile: list[tuple[str, str | None]],
) -> None:
    lessons, in_one_go = LaneLessons(), LaneLessons()
    follow(lessons, before)
    taken = lessons.take()
    follow(lessons, meanwhile)
    lessons.give_back(taken)
    follow(in_one_go, before + meanwhile)

    assert stored(start, lessons) == stored(start, in_one_go)
    assert bool(lessons) == bool(in_one_go)


async def test_a_rate_that_was_learned_is_stored_at_once_and_survives_a_kill(bench: Bench) -> None:
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=100), poll=0.15)
    await bench.subscribe(60)
    await bench.broadcast()

    held = await bench.hold()
    await bench.until_sent(5)
    bench.messenger.throttle(0.05)
    await bench.until_sent(15)
    stored_rate = bench.memory.lanes.rows[bench.bot_id].learned_rate
    held.task.cancel()
    held.heart.cancel()
    await asyncio.wait([held.task])

    assert stored_rate is not None
    assert 70 < stored_rate < 80


async def test_a_rate_is_stored_as_it_recovers(bench: Bench) -> None:
    bench.settings = LaneSettings(
        times=msgspec.structs.replace(SWIFT, patience=3.0), rates=SendRates(free=100), poll=0.15
    )
    bench.memory.lanes.rows[bench.bot_id].learned_rate = 10.0
    await bench.subscribe(60)
    await bench.broadcast()

    held = await bench.hold()
    await bench.until(lambda: (bench.memory.lanes.rows[bench.bot_id].learned_rate or 0) > 10.9)
    held.place.stop()
    await held.end()

    assert (bench.memory.lanes.rows[bench.bot_id].learned_rate or 0) < 20
