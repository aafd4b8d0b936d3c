"""Files in memory, beside the rest of their bot's data."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from skua_adapters._memory import Memory
from skua_adapters._memory.rows import StoredFile
from skua_core.errors import MediumMissing
from skua_core.ids import BotId, MediaId
from skua_core.ports.media_store import MediaStore

_PIECE = 64 * 1024
"""Bytes handed out at once."""


class InMemoryMediaStore(MediaStore):
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def put(self, bot_id: BotId, media_id: MediaId, chunks: AsyncIterator[bytes]) -> int:
        data = b"".join([chunk async for chunk in chunks])
        stored = StoredFile(media_id, data, self._memory.clock.now())
        self._memory.tenants[bot_id].stored_files.put(media_id, stored)
        return len(data)

    async def read(self, bot_id: BotId, media_id: MediaId) -> AsyncIterator[bytes]:
        stored = self._memory.tenants[bot_id].stored_files.rows.get(media_id)
        if stored is None:
            raise MediumMissing(media_id)
        for start in range(0, len(stored.data), _PIECE):
            yield stored.data[start : start + _PIECE]

    async def remove(self, bot_id: BotId, media_id: MediaId) -> None:
        self._memory.tenants[bot_id].stored_files.delete(media_id)

    async def stored_before(self, bot_id: BotId, moment: datetime) -> Sequence[MediaId]:
        files = self._memory.tenants[bot_id].stored_files.rows.values()
        return [stored.media_id for stored in files if stored.stored_at < moment]
