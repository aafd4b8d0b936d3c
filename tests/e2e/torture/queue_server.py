"""The queue between the processes, where it isn't the database."""

from abc import abstractmethod
from typing import Protocol

from tests.e2e.torture.plan import Act


class QueueServer(Protocol):
    """A server that wake-ups go through, and that nothing may depend on."""

    @abstractmethod
    async def disturb(self, act: Act, seconds: float) -> None:
        """Flush it, or take it away or slow it down for so many seconds."""
