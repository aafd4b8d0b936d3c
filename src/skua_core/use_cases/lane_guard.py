"""The fence: whether a process may still act for a lane that it believes to hold."""

from skua_core.domain.lane import LaneTimes, Lease
from skua_core.ports.clock import Clock


class LaneGuard:
    """Knows when a lease was last prolonged for certain, and forbids sending once that is old.

    The time is taken when the heartbeat is *issued*, by a clock that runs on while the process is
    frozen: a holder that wakes up after a takeover finds its fence closed before it sends anything.
    """

    def __init__(self, lease: Lease, times: LaneTimes, clock: Clock, *, issued_at: float) -> None:
        self.lease = lease
        self._fence = times.fence
        self._clock = clock
        self._beaten_at = issued_at
        self.lost = False
        """Another lease has been written over this one: it never comes back."""

    def beat(self, issued_at: float) -> None:
        """A heartbeat that was issued then has been committed."""
        self._beaten_at = max(self._beaten_at, issued_at)

    def lose(self) -> None:
        self.lost = True

    def may_act(self) -> bool:
        """Whether claiming and sending are allowed at this instant."""
        return not self.lost and self._clock.monotonic() - self._beaten_at <= self._fence
