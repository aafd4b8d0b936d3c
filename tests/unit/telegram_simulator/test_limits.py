"""Telegram's rate limits, by a clock of the test's own."""

import pytest

from skua_adapters.telegram_simulator.limits import LimitScope, RateLimits, Throttle
from skua_adapters.telegram_simulator.settings import RateLimitSettings

BOT = 42


def _admitted(limits: RateLimits, chats: range, now: float, *, paid: bool = False) -> int:
    return sum(limits.admit(BOT, chat, paid=paid, now=now) is None for chat in chats)


def test_thirty_at_once_and_then_thirty_per_second() -> None:
    limits = RateLimits(RateLimitSettings())

    assert _admitted(limits, range(1, 100), now=100.0) == 30


def test_an_even_pace_of_thirty_per_second_is_never_held_back() -> None:
    limits = RateLimits(RateLimitSettings())

    admitted = sum(
        limits.admit(BOT, chat, paid=False, now=100 + chat / 30) is None for chat in range(1, 3001)
    )

    assert admitted == 3000


def test_one_per_second_more_than_allowed_is_caught_in_the_end() -> None:
    limits = RateLimits(RateLimitSettings())

    throttled = [
        limits.admit(BOT, chat, paid=False, now=100 + chat / 31) for chat in range(1, 3001)
    ]

    assert any(throttle and throttle.scope is LimitScope.TOKEN for throttle in throttled)


def test_whoever_was_told_to_wait_is_refused_until_the_wait_is_over() -> None:
    limits = RateLimits(RateLimitSettings(minimum_retry_after=3))
    _admitted(limits, range(1, 31), now=100.0)

    first = limits.admit(BOT, 1000, paid=False, now=100.0)
    during = limits.admit(BOT, 1001, paid=False, now=102.5)
    after = limits.admit(BOT, 1002, paid=False, now=103.0)

    assert first == Throttle(LimitScope.TOKEN, 3)
    assert during == Throttle(LimitScope.TOKEN, 1)
    assert after is None


def test_another_bot_does_not_wait() -> None:
    limits = RateLimits(RateLimitSettings())
    limits.impose_on_token(BOT, 60, now=100.0)

    assert limits.admit(BOT, 1, paid=False, now=101.0) == Throttle(LimitScope.TOKEN, 59)
    assert limits.admit(BOT + 1, 1, paid=False, now=101.0) is None


def test_an_imposed_wait_is_never_shortened() -> None:
    limits = RateLimits(RateLimitSettings())
    limits.impose_on_token(BOT, 60, now=100.0)
    limits.impose_on_token(BOT, 1, now=101.0)

    assert limits.admit(BOT, 1, paid=False, now=159.0) == Throttle(LimitScope.TOKEN, 1)


def test_a_chat_takes_one_per_second_after_its_burst_and_others_do_not_wait() -> None:
    limits = RateLimits(RateLimitSettings(chat_bucket=1))

    assert limits.admit(BOT, 1, paid=False, now=100.0) is None
    assert limits.admit(BOT, 1, paid=False, now=100.5) == Throttle(LimitScope.CHAT, 1)
    assert limits.admit(BOT, 2, paid=False, now=100.5) is None
    assert limits.admit(BOT, 1, paid=False, now=101.5) is None


def test_a_group_takes_twenty_per_minute() -> None:
    limits = RateLimits(RateLimitSettings())
    answers = [limits.admit(BOT, -5, paid=False, now=100.0 + 2 * count) for count in range(21)]

    assert answers[:20] == [None] * 20
    assert answers[20] == Throttle(LimitScope.GROUP, 20)
    assert limits.admit(BOT, -5, paid=False, now=160.0) is None


def test_paid_messages_have_a_bucket_of_their_own() -> None:
    limits = RateLimits(RateLimitSettings())

    assert _admitted(limits, range(1, 2000), now=100.0, paid=True) == 1000


def test_of_paid_messages_the_free_rate_covers_the_first() -> None:
    limits = RateLimits(RateLimitSettings())

    charged = [limits.above_free_rate(BOT, 1, now=100.0) for _ in range(33)]

    assert charged == [0] * 30 + [1] * 3
    assert limits.above_free_rate(BOT, 10, now=100.1) == 7
    assert limits.above_free_rate(BOT + 1, 10, now=100.1) == 0


def test_chats_that_may_be_written_to_again_are_forgotten() -> None:
    limits = RateLimits(RateLimitSettings(token_rate=1e9, token_bucket=10**9))
    for chat in range(1, 100_001):
        limits.admit(BOT, chat, paid=False, now=100 + chat / 1000)

    assert len(limits._chats._full_at) < 50_000


@pytest.mark.parametrize("field", RateLimitSettings.__struct_fields__)
def test_settings_that_make_no_sense_are_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        RateLimitSettings(**{field: 0})
