"""When Telegram tries an update again that a webhook didn't take."""

import random

_LONGEST_WAIT = 60
"""Seconds; the last waits are drawn between this and twice this."""
_LONGEST_RETRY_AFTER = 3600


class RetrySchedule:
    """Of one update: at once after its first failure, then after 2, 4, 8 … seconds, at last after
    a random time between one and two minutes; or after what the webhook asks for."""

    def __init__(self, randomness: random.Random) -> None:
        self._random = randomness
        self._failures = 0
        self._delay = 1

    def next_wait(self, retry_after: int) -> int:
        """Seconds after one more failure; ``retry_after`` is 0 when nothing was asked for."""
        self._failures += 1
        if retry_after:
            return min(retry_after, _LONGEST_RETRY_AFTER)
        if self._failures == 1:
            return 0
        longest = self._random.randint(_LONGEST_WAIT, 2 * _LONGEST_WAIT)
        self._delay = min(longest, 2 * self._delay)
        return self._delay
