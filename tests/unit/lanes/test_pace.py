"""The arithmetic of a lane: spacing, pauses, learned rates, windows, and backing off."""

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from skua_core.domain.pace import (
    MAX_WINDOW,
    MIN_WINDOW,
    Backoff,
    ChatPace,
    FairShare,
    Pace,
    RateLearner,
    SendWindow,
)


def times_sent(pace: Pace, rate: float, seconds: float, tick: float) -> list[float]:
    """When messages leave if somebody looks every ``tick`` seconds and always has one."""
    sent, now = [], 0.0
    pace.rest(now)
    while now < seconds:
        while pace.delay(now) <= 0:
            pace.take(now, rate)
            sent.append(now)
        now += tick
    return sent


@given(st.sampled_from([1.0, 20.0, 30.0, 300.0]), st.floats(0.002, 0.02))
def test_a_late_event_loop_costs_no_rate_and_makes_no_burst(rate: float, tick: float) -> None:
    sent = times_sent(Pace(), rate, 4, tick)

    assert 0.97 * rate * 4 - 1 <= len(sent) <= rate * 4 + 1
    in_a_second = [bisect_left(sent, at + 1) - place for place, at in enumerate(sent)]
    assert max(in_a_second) <= rate * 1.05 + 2


@given(st.lists(st.floats(0, 100), min_size=1))
def test_a_pause_is_only_ever_prolonged(ends: list[float]) -> None:
    pace = Pace()
    for end in ends:
        pace.hold(end)

    assert pace.held(0) == max(ends)
    assert pace.delay(max(ends) - 0.001) > 0
    assert pace.delay(max(ends)) <= 0


def test_a_429_lowers_the_rate_and_quiet_time_brings_it_back() -> None:
    learner = RateLearner()

    learner.throttled(10.0)

    assert learner.share(10.0) == 0.75
    assert 0.75 < learner.share(20.0) < 1.0
    assert learner.share(60.0) == 1.0


def test_refusals_of_one_moment_count_as_one() -> None:
    learner = RateLearner()

    for moment in (10.0, 10.1, 10.5, 11.9):
        learner.throttled(moment)

    assert learner.share(11.9) == 0.75


@given(st.lists(st.floats(0, 3600), min_size=1, max_size=50))
def test_a_rate_never_falls_to_nothing(moments: list[float]) -> None:
    learner = RateLearner()
    for moment in sorted(moments):
        learner.throttled(moment)

    assert 0.1 <= learner.share(max(moments)) <= 1.0


@given(st.lists(st.floats(0, 30), max_size=700), st.floats(1, 1e6))
def test_a_window_stays_between_its_bounds(latencies: list[float], rate: float) -> None:
    window = SendWindow()
    for latency in latencies:
        window.observe(latency)

    assert MIN_WINDOW <= window.size(rate) <= MAX_WINDOW


def test_a_window_follows_the_latency() -> None:
    window = SendWindow()
    for _ in range(600):
        window.observe(0.12)

    assert window.size(1000) == 180


@given(st.integers(1, 20))
def test_a_waiting_broadcast_keeps_a_fifth(room: int) -> None:
    share = FairShare()
    direct = broadcast = 0
    for _ in range(500):
        to_direct = share.direct_room(room)
        share.claimed(direct=to_direct, broadcast=room - to_direct)
        direct, broadcast = direct + to_direct, broadcast + room - to_direct

    assert broadcast >= 0.19 * (direct + broadcast)


def test_a_chat_is_busy_until_its_second_is_over() -> None:
    chats = ChatPace()
    chats.claimed(7)
    assert chats.busy(0.0) == {7}

    chats.finished(7, sent_at=1.0)

    assert chats.busy(1.9) == {7}
    assert chats.busy(2.0) == frozenset()


def test_a_chat_whose_message_never_left_is_free_at_once() -> None:
    chats = ChatPace()
    chats.claimed(7)

    chats.finished(7, sent_at=None)

    assert chats.busy(0.0) == frozenset()


def test_silence_makes_longer_and_longer_pauses_until_an_answer_comes() -> None:
    backoff = Backoff()

    assert [backoff.indefinite(0.0) for _ in range(8)] == [None] * 7 + [1.0]
    assert backoff.indefinite(0.5) is None
    assert backoff.indefinite(1.0) == 3.0
    assert backoff.indefinite(3.0) == 7.0

    backoff.definite()

    assert backoff.indefinite(8.0) is None


@given(st.integers(0, 200))
def test_no_pause_of_silence_is_longer_than_a_minute(rounds: int) -> None:
    backoff = Backoff()
    now = 0.0
    for _ in range(rounds):
        until = backoff.indefinite(now)
        if until is not None:
            assert until - now <= 60
            now = until
