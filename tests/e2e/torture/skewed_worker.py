"""``skua worker`` on a host whose wall clock is wrong: ``python … SECONDS``.

There is no way to set one process's clock, so what asks for the time is answered wrongly: Skua's
Clock, and ``time.time``, by which libraries date what they send each other. Time that only passes
is right, as on such a host.
"""

import sys
import time
from datetime import datetime, timedelta

from dishka import provide

SKEW = float(sys.argv[1])
_right = time.time


def _wrong() -> float:
    return _right() + SKEW


# Before anything else is imported: many keep the function itself.
time.time = _wrong

from skua_adapters.clock.system import SystemClock  # noqa: E402 - see above
from skua_app.cli import main  # noqa: E402
from skua_app.container import SystemProvider  # noqa: E402
from skua_core.ports.clock import Clock  # noqa: E402


class SkewedClock(SystemClock):
    def now(self) -> datetime:
        return super().now() + timedelta(seconds=SKEW)


if __name__ == "__main__":
    assert "clock" in vars(SystemProvider), "another provider makes the Clock now"
    SystemProvider.clock = provide(SkewedClock, provides=Clock)
    sys.argv = ["skua", "worker"]
    main()
