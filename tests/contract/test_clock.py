"""What every Clock has to keep."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.clock.system import SystemClock
from skua_core.ports.clock import Clock


@dataclass
class Rig:
    clock: Clock
    pass_time: Callable[[float], None]


@pytest.fixture(params=["frozen", "system"])
def rig(request: pytest.FixtureRequest) -> Rig:
    if request.param == "frozen":
        clock = FrozenClock(datetime(2026, 11, 1, tzinfo=UTC))
        return Rig(clock, clock.advance)
    return Rig(SystemClock(), time.sleep)


def test_now_is_in_utc(rig: Rig) -> None:
    assert rig.clock.now().utcoffset() == timedelta(0)


def test_both_clocks_go_on_as_time_passes(rig: Rig) -> None:
    wall, counted = rig.clock.now(), rig.clock.monotonic()

    rig.pass_time(0.02)

    assert rig.clock.now() > wall
    assert 0.02 <= rig.clock.monotonic() - counted < 10


def test_the_counted_seconds_never_run_backwards(rig: Rig) -> None:
    readings = [rig.clock.monotonic() for _ in range(1000)]

    assert readings == sorted(readings)


def test_the_system_clock_counts_seconds_in_which_the_machine_slept() -> None:
    if not hasattr(time, "CLOCK_BOOTTIME"):
        pytest.skip("only Linux has a clock that goes on while the machine sleeps")
    before = time.clock_gettime(time.CLOCK_BOOTTIME)

    assert before <= SystemClock().monotonic() <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_a_frozen_clock_stands_still() -> None:
    clock = FrozenClock(datetime(2026, 11, 1, tzinfo=UTC))

    assert (clock.now(), clock.monotonic()) == (clock.now(), clock.monotonic())
    clock.advance(90)
    assert clock.now() == datetime(2026, 11, 1, 0, 1, 30, tzinfo=UTC)
    assert clock.monotonic() == 90


@pytest.mark.parametrize(
    "wrong",
    [datetime(2026, 11, 1), datetime(2026, 11, 1, tzinfo=timezone(timedelta(hours=2)))],  # noqa: DTZ001 - the mistake to be refused
)
def test_a_frozen_clock_refuses_what_is_not_utc(wrong: datetime) -> None:
    with pytest.raises(ValueError, match="UTC"):
        FrozenClock(wrong)


def test_a_frozen_clock_refuses_to_go_back() -> None:
    with pytest.raises(ValueError, match="backwards"):
        FrozenClock(datetime(2026, 11, 1, tzinfo=UTC)).advance(-1)
