"""A token's budget, as its lane's holder spends it, and what answers teach about it."""

import logging

from skua_core.domain.delivery import ClaimedDelivery, DeliveryKind
from skua_core.domain.pace import Backoff, Pace, RateLearner, SendWindow
from skua_core.ports.messenger import NotSent, SendOutcome, Sent, Unknown
from skua_core.use_cases.lane_place import SendRates
from skua_core.use_cases.outcomes import ThrottleScope

_log = logging.getLogger(__name__)


class LaneBudget:
    """When the next message may leave, at what rate, and how many may be out at once."""

    def __init__(self, rates: SendRates, learner: RateLearner) -> None:
        self._rates = rates
        self._learner = learner
        self._scope = ThrottleScope()
        self._backoff = Backoff()
        self._window = SendWindow()
        self.pace = Pace()

    def rate(self, now: float, *, paid: bool) -> float:
        """Messages per second."""
        return self._rates.of(paid=paid) * self._learner.share(now)

    def learned_rate(self, now: float) -> float:
        """What is known of the free rate, and tames the paid one alike."""
        return self.rate(now, paid=False)

    def window(self, now: float, *, paid: bool) -> int:
        return self._window.size(self.rate(now, paid=paid))

    def take(self, delivery: ClaimedDelivery, now: float) -> None:
        """It leaves now."""
        self.pace.take(now, self.rate(now, paid=delivery.paid))

    def learn(
        self, delivery: ClaimedDelivery, outcome: SendOutcome, *, now: float, latency: float
    ) -> None:
        """What an answer that took ``latency`` seconds says about the times to come."""
        self._window.observe(latency)
        if delivery.kind is not DeliveryKind.BROADCAST or delivery.chat_id < 0:
            self._scope.sent(delivery.chat_id, now)
        if isinstance(outcome, Sent):
            self._backoff.definite()
            self._scope.accepted(delivery.chat_id, now)
        elif not isinstance(outcome, NotSent | Unknown):
            self._backoff.definite()
        elif (until := self._backoff.indefinite(now)) is not None:
            _log.warning("Telegram gives no definite answers (%s); waiting", outcome.reason)
            self.pace.rest(until)

    def throttled(self, delivery: ClaimedDelivery, retry_after: float, now: float) -> bool:
        """Telegram asked for a pause. Whether it concerns this chat alone."""
        if self._scope.only_chat(delivery.chat_id, now):
            return True
        self.pace.hold(now + retry_after)
        self._learner.throttled(now)
        return False
