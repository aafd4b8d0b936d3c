"""The machine's clocks."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from skua_core.ports.clock import Clock


class SystemClock(Clock):
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return _boot_time()


def _pick_boot_time() -> Callable[[], float]:
    # Elsewhere than on Linux, time.monotonic is the closest there is: on macOS it stands still
    # while the machine sleeps, so that a holder may think itself younger than it is.
    if hasattr(time, "CLOCK_BOOTTIME"):
        return partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    return time.monotonic


_boot_time = _pick_boot_time()
