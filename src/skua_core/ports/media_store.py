"""Port: keep an uploaded medium until Telegram has it."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from skua_core.ids import BotId, MediaId


class MediaStore(Protocol):
    """Bytes of files, each of one bot. What is known about them hangs off the unit (``media``).

    Shared by all tasks and reachable from every process that sends. Any method may raise
    StorageUnavailable.
    """

    @abstractmethod
    async def put(self, bot_id: BotId, media_id: MediaId, chunks: AsyncIterator[bytes]) -> int:
        """Keep a file under an id that has none; how many bytes it has.

        In constant memory, and whole or not at all: until the end it can't be read. What
        ``chunks`` raises goes through, and nothing is kept then.
        """

    @abstractmethod
    def read(self, bot_id: BotId, media_id: MediaId) -> AsyncIterator[bytes]:
        """The file from its beginning, in pieces. Raises MediumMissing."""

    @abstractmethod
    async def remove(self, bot_id: BotId, media_id: MediaId) -> None:
        """Harmless when it is gone already."""

    @abstractmethod
    async def stored_before(self, bot_id: BotId, moment: datetime) -> Sequence[MediaId]:
        """Everything that began to be kept before then, also what never came to its end."""
