"""When an update is tried again."""

import random

from skua_adapters.telegram_simulator.retry_schedule import RetrySchedule


def _schedule() -> RetrySchedule:
    return RetrySchedule(random.Random(0))  # noqa: S311 - repeatable, nothing secret


def test_at_once_then_doubling_up_to_one_or_two_minutes() -> None:
    schedule = _schedule()

    waits = [schedule.next_wait(0) for _ in range(100)]

    assert waits[:6] == [0, 2, 4, 8, 16, 32]
    assert all(60 <= wait <= 120 for wait in waits[6:])
    assert len(set(waits[6:])) > 10


def test_what_the_webhook_asks_for_is_obeyed_up_to_an_hour() -> None:
    schedule = _schedule()

    assert schedule.next_wait(30) == 30
    assert schedule.next_wait(86_400) == 3600
    assert schedule.next_wait(0) == 2
