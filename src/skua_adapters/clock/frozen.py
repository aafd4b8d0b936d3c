"""A clock that moves only when it is told to."""

from datetime import datetime, timedelta

from skua_core.ports.clock import Clock


class FrozenClock(Clock):
    def __init__(self, now: datetime) -> None:
        if now.utcoffset() != timedelta(0):
            raise ValueError(f"the Clock speaks UTC, {now.isoformat()} doesn't")
        self._now = now
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("time doesn't run backwards")
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds
