"""How many updates are taken in at once."""

from types import TracebackType

from litestar.exceptions import ServiceUnavailableException


class IntakeGate:
    """At most ``limit`` updates at once in this process; one more is told to come again.

    Telegram repeats an update until it is acknowledged, so refusing at once loses nothing, while
    waiting would hold its connection and let the queue grow here.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"a gate for {limit} updates would never open")
        self._free = limit

    def __enter__(self) -> None:
        if not self._free:
            raise ServiceUnavailableException(detail="Too many updates at once")
        self._free -= 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._free += 1
