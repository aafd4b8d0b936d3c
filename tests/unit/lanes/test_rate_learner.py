"""What a lane learns about the rate that Telegram allows, on a clock that only tests move."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from skua_core.domain.pace import Pace, RateLearner

LIMIT = 30.0
FLOOR, CUT = 0.1, 0.75
RECOVERY_SECONDS = 120.0
"""In which a rate comes back from nothing to the limit."""
ONE_EVENT = 2.0


class Allowance:
    """A Telegram that lets a token send ``rate`` per second, and a small burst."""

    def __init__(self, rate: float, burst: float = 5.0) -> None:
        self._rate, self._burst = rate, burst
        self._full, self._looked_at = burst, 0.0

    def accepts(self, now: float) -> bool:
        filled = self._full + (now - self._looked_at) * self._rate
        self._full, self._looked_at = min(self._burst, filled), now
        if self._full < 1:
            return False
        self._full -= 1
        return True


def send_for(
    seconds: float, allowance: Allowance, learner: RateLearner, *, begin: float = 0.0
) -> tuple[list[float], list[float]]:
    """When messages were accepted and when they were refused, with a second's wait after each."""
    pace = Pace()
    accepted, refused = [], []
    now = begin
    pace.rest(now)
    while now < begin + seconds:
        now += max(0.0, pace.delay(now))
        pace.take(now, LIMIT * learner.share(now))
        if allowance.accepts(now):
            accepted.append(now)
        else:
            refused.append(now)
            pace.hold(now + 1)
            learner.throttled(now)
    return accepted, refused


class LearnerHistory(RuleBasedStateMachine):
    """Refusals and quiet times in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.learner = RateLearner()
        self.quiet_since = 0.0
        self.cut_at = float("-inf")

    @rule(seconds=st.floats(0, 300))
    def be_quiet(self, seconds: float) -> None:
        before = self.learner.share(self.now)
        self.now += seconds

        assert self.learner.share(self.now) >= before

    @rule()
    def be_refused(self) -> None:
        before = self.learner.share(self.now)
        self.learner.throttled(self.now)
        after = self.learner.share(self.now)

        if self.now - self.cut_at >= ONE_EVENT:
            assert after == max(FLOOR, before * CUT)
            self.cut_at = self.now
        else:
            assert after <= before
        self.quiet_since = self.now

    @precondition(lambda self: self.now - self.quiet_since >= RECOVERY_SECONDS)
    @rule()
    def have_recovered(self) -> None:
        assert self.learner.share(self.now) == 1.0

    @rule()
    def hand_over(self) -> None:
        """The lane goes to another holder, which begins with what was stored."""
        share = self.learner.share(self.now)
        self.learner = RateLearner(share)
        self.cut_at = float("-inf")

        assert self.learner.share(self.now) == share

    @invariant()
    def stay_between_floor_and_limit(self) -> None:
        assert FLOOR <= self.learner.share(self.now) <= 1.0


TestLearnerHistory = LearnerHistory.TestCase
TestLearnerHistory.settings = settings(max_examples=20, stateful_step_count=20)


@given(st.floats(-1, 3))
def test_whatever_was_stored_is_taken_for_a_share(stored: float) -> None:
    assert FLOOR <= RateLearner(stored).share(0.0) <= 1.0


@settings(max_examples=6)
@given(st.floats(4, 28))
def test_it_converges_near_what_is_allowed(allowed: float) -> None:
    learner, allowance = RateLearner(), Allowance(allowed)
    send_for(60, allowance, learner)

    accepted, refused = send_for(200, allowance, learner, begin=60)

    assert 0.75 * allowed * 200 <= len(accepted) <= allowed * 200 + 6
    # It tries for more as long as it isn't refused, so now and then it is.
    assert len(refused) <= 200 / 4


@settings(max_examples=12)
@given(st.floats(LIMIT * 1.05, 1000))
def test_it_is_never_refused_where_the_limit_is_allowed(allowed: float) -> None:
    accepted, refused = send_for(60, Allowance(allowed), RateLearner())

    assert refused == []
    assert rate_of(accepted) <= LIMIT * 1.01


@settings(max_examples=12)
@given(st.floats(4, 20))
def test_a_limit_that_is_lifted_is_used_again_in_time(allowed: float) -> None:
    learner = RateLearner()
    send_for(60, Allowance(allowed), learner)

    send_for(RECOVERY_SECONDS, Allowance(1000), learner, begin=60)
    accepted, refused = send_for(20, Allowance(1000), learner, begin=60 + RECOVERY_SECONDS)

    assert refused == []
    assert rate_of(accepted) >= LIMIT * 0.97


def rate_of(moments: Sequence[float]) -> float:
    return (len(moments) - 1) / (moments[-1] - moments[0])
