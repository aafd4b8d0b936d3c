"""Where a lane is served: its settings, how it is told of work, and why it was let go."""

import asyncio
from collections.abc import Callable
from enum import StrEnum

import msgspec

from skua_core.domain.lane import LaneTimes


class SendRates(msgspec.Struct, frozen=True, kw_only=True):
    """Messages per second that a token may send: Telegram's FAQ says 30, or 1000 for Stars."""

    free: float = 30.0
    paid: float = 1000.0

    def of(self, *, paid: bool) -> float:
        return self.paid if paid else self.free


class LaneSettings(msgspec.Struct, frozen=True, kw_only=True):
    times: LaneTimes = LaneTimes()
    rates: SendRates = SendRates()
    poll: float = 20.0
    """Seconds after which an idle lane looks for work without having been woken."""
    withhold: float = 5.0
    """Seconds of quiet after which an outcome is recorded that might have been a wrong audience's:
    chats that aren't found, with nobody after them who could have told."""


class LaneEnd(StrEnum):
    """Why a lane was let go."""

    IDLE = "idle"
    HELD_BACK = "held_back"
    """Telegram asked for a pause that is too long to hold a place through."""
    YIELDED = "yielded"
    LOST = "lost"
    STOPPED = "stopped"
    TOKEN = "token"  # noqa: S105 - a reason
    """The token doesn't work any more, or can't be read."""


class LanePlace:
    """One of a process's places for lanes. The runner speaks to the lane through it."""

    def __init__(self, *, wanted: Callable[[], bool] = bool) -> None:
        self.wanted = wanted
        """Whether another lane waits for a place."""
        self.stopping = False
        self.woken = False
        self.attention = asyncio.Event()

    def wake(self) -> None:
        """There is new work: look for it at once."""
        self.woken = True
        self.attention.set()

    def stop(self) -> None:
        """Finish what is under way and let the lane go."""
        self.stopping = True
        self.attention.set()
