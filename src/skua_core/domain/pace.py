"""When a lane's next message may leave, how fast it should go, and how many may be out at once.

Whoever holds a lane owns its token's whole budget, so this is local arithmetic on a monotonic
clock. Nothing here waits; the numbers are seconds and messages per second.
"""

import math
from collections import ChainMap, deque
from collections.abc import Set as AbstractSet

MIN_WINDOW = 8
MAX_WINDOW = 320
_WINDOW_MARGIN = 1.5
_ASSUMED_LATENCY = 0.3
_LATENCIES_KEPT = 512
_LATENCIES_BETWEEN_LOOKS = 64


class Pace:
    """Spaces sends evenly, and obeys pauses to the second."""

    # How far behind schedule a send may be made up for: an event loop that is late by this much
    # doesn't lower the rate, and a longer stall isn't followed by a burst.
    _SLACK = 0.05

    def __init__(self) -> None:
        self._next_at = float("-inf")
        self.held_until = float("-inf")

    def delay(self, now: float) -> float:
        """Seconds until the next send may leave; zero or less when it may leave now."""
        return max(self._next_at, self.held_until) - now

    def take(self, now: float, rate: float) -> None:
        """One message leaves now, in a stream of ``rate``."""
        self._next_at = max(self._next_at, now - self._SLACK) + 1 / rate

    def hold(self, until: float) -> None:
        """Nothing may leave before ``until``. A pause is only ever prolonged."""
        self.held_until = max(self.held_until, until)

    def rest(self, until: float) -> None:
        """Let the next message leave no earlier than that; no pause, for nobody asked for one."""
        self._next_at = max(self._next_at, until)

    def held(self, now: float) -> float:
        """Seconds that a pause still lasts; zero or less when there is none."""
        return self.held_until - now


class RateLearner:
    """Learns what Telegram allows: a 429 lowers the rate, quiet time raises it to the limit.

    Additive increase, multiplicative decrease, as a share of the limit, so that what was learned at
    the free rate also tames the paid one.
    """

    _CUT = 0.75
    _FLOOR = 0.1
    _RECOVERY = 1 / 120
    """Share of the limit that a second of quiet gives back."""
    _ONE_EVENT = 2.0
    """Refusals this close together, in seconds, are one event: they were all sent at one rate."""

    def __init__(self, share: float = 1.0) -> None:
        self._share = min(1.0, max(self._FLOOR, share))
        self._changed_at: float | None = None
        self._cut_at = float("-inf")

    def throttled(self, now: float) -> None:
        if now - self._cut_at >= self._ONE_EVENT:
            self._share = max(self._FLOOR, self.share(now) * self._CUT)
            self._cut_at = now
        self._changed_at = now

    def share(self, now: float) -> float:
        """The part of the limit to use now, from 0.1 to 1."""
        if self._changed_at is None:
            self._changed_at = now
        return min(1.0, self._share + max(0.0, now - self._changed_at) * self._RECOVERY)


class Backoff:
    """Slows a lane down while nothing that it sends gets a definite answer.

    Without it a broken network or a wrong address would make a whole audience uncertain in minutes;
    so it is one window per pause, and pauses grow to a minute.
    """

    _PATIENCE = 8
    """Answers in a row that say nothing, before the first pause."""
    _FIRST, _LONGEST = 1.0, 60.0

    def __init__(self) -> None:
        self._silent = 0
        self._pause = 0.0
        self._until = float("-inf")

    def definite(self) -> None:
        """Telegram answered and said what became of a message."""
        self._silent, self._pause = 0, 0.0

    def indefinite(self, now: float) -> float | None:
        """No connection, no answer, or one that says nothing; when to go on, None for at once."""
        self._silent += 1
        if self._silent < self._PATIENCE or now < self._until:
            return None
        self._pause = min(self._LONGEST, max(self._FIRST, 2 * self._pause))
        self._until = now + self._pause
        return self._until


class SendWindow:
    """How many claimed deliveries a lane may have: enough to keep its pace, no more.

    The window is what a kill makes uncertain, so it follows the measured latency.
    """

    def __init__(self) -> None:
        self._latencies: deque[float] = deque(maxlen=_LATENCIES_KEPT)
        self._unseen = 0
        self._p95 = _ASSUMED_LATENCY

    def observe(self, latency: float) -> None:
        self._latencies.append(latency)
        self._unseen += 1
        if self._unseen >= _LATENCIES_BETWEEN_LOOKS:
            self._unseen = 0
            ordered = sorted(self._latencies)
            self._p95 = ordered[int(len(ordered) * 0.95)]

    def size(self, rate: float) -> int:
        """Rate x p95 latency x 1.5, between 8 and 320."""
        return min(MAX_WINDOW, max(MIN_WINDOW, round(rate * self._p95 * _WINDOW_MARGIN)))


class FairShare:
    """Keeps at least a fifth of the budget for a broadcast while replies keep coming."""

    _PER_DIRECT = 0.25
    """A fifth of the whole is a quarter of the rest."""

    def __init__(self) -> None:
        self._owed = 0.0

    def direct_room(self, room: int) -> int:
        """How much of ``room`` all but the broadcast may take while it waits."""
        return max(0, room - int(self._owed))

    def claimed(self, *, direct: int, broadcast: int) -> None:
        self._owed = max(0.0, self._owed + direct * self._PER_DIRECT - broadcast)


class ChatPace:
    """One message per second to a chat, one in flight at a time.

    Remembers chats for a second after their last send.
    """

    GAP = 1.0

    def __init__(self) -> None:
        self._in_flight: dict[int, float] = {}  # until when: for ever, as far as one knows
        self._sent_at: dict[int, float] = {}
        self._busy = ChainMap(self._in_flight, self._sent_at)

    def claimed(self, chat_id: int) -> None:
        self._in_flight[chat_id] = math.inf

    def finished(self, chat_id: int, sent_at: float | None) -> None:
        """Its delivery has an outcome; ``sent_at`` is when it left, None if it didn't."""
        self._in_flight.pop(chat_id, None)
        if sent_at is not None:
            self._sent_at.pop(chat_id, None)  # so that the dict stays in the order of time
            self._sent_at[chat_id] = sent_at

    def busy(self, now: float) -> AbstractSet[int]:
        """Chats that may get nothing now: a view that follows what happens.

        There may be thousands, and mostly nobody wants to know who they are.
        """
        while self._sent_at:
            chat_id, sent_at = next(iter(self._sent_at.items()))
            if now - sent_at < self.GAP:
                break
            del self._sent_at[chat_id]
        return self._busy.keys()
