"""Files in the database, cut into chunks: every process that can send can read them."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql.sessions import Sessions
from skua_adapters._sql.tables import MediaChunkRow
from skua_core.errors import MediumMissing, SkuaError
from skua_core.ids import BotId, MediaId
from skua_core.ports.media_store import MediaStore

_CHUNK = 512 * 1024
"""Bytes: few round trips for a large file, and little memory for many at once."""


class PostgresMediaStore(MediaStore):
    """Each chunk is a transaction of its own, so that none waits for whoever sends or receives.

    A file ends with an empty chunk. Until that is there the file isn't, whatever else is.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = Sessions(engine)

    async def put(self, bot_id: BotId, media_id: MediaId, chunks: AsyncIterator[bytes]) -> int:
        size = number = 0
        try:
            async for chunk in _recut(chunks):
                await self._write(bot_id, media_id, number, chunk)
                size += len(chunk)
                number += 1
            await self._write(bot_id, media_id, number, b"")
        except BaseException:
            # Should this fail too, ``stored_before`` still tells of what is left.
            with contextlib.suppress(SkuaError):
                await self.remove(bot_id, media_id)
            raise
        return size

    async def read(self, bot_id: BotId, media_id: MediaId) -> AsyncIterator[bytes]:
        for number in range(await self._count(bot_id, media_id)):
            yield await self._chunk(bot_id, media_id, number)

    async def remove(self, bot_id: BotId, media_id: MediaId) -> None:
        async with self._sessions.begin(bot_id) as session:
            await session.execute(
                delete(MediaChunkRow)
                .where(MediaChunkRow.media_id == media_id)
                .execution_options(synchronize_session=False)
            )
            await session.commit()

    async def stored_before(self, bot_id: BotId, moment: datetime) -> Sequence[MediaId]:
        begun = select(MediaChunkRow.media_id).where(
            MediaChunkRow.number == 0, MediaChunkRow.stored_at < moment
        )
        async with self._sessions.begin(bot_id) as session:
            return [MediaId(media_id) for media_id in await session.scalars(begun)]

    async def _write(self, bot_id: BotId, media_id: MediaId, number: int, data: bytes) -> None:
        async with self._sessions.begin(bot_id) as session:
            await session.execute(
                insert(MediaChunkRow).values(
                    bot_id=bot_id, media_id=media_id, number=number, data=data
                )
            )
            await session.commit()

    async def _count(self, bot_id: BotId, media_id: MediaId) -> int:
        """Chunks with something in them. Raises MediumMissing when the file isn't whole."""
        last = (
            select(MediaChunkRow.number, func.octet_length(MediaChunkRow.data))
            .where(MediaChunkRow.media_id == media_id)
            .order_by(MediaChunkRow.number.desc())
            .limit(1)
        )
        async with self._sessions.begin(bot_id) as session:
            found = (await session.execute(last)).one_or_none()
        if found is None or found[1] != 0:
            raise MediumMissing(media_id)
        count: int = found[0]
        return count

    async def _chunk(self, bot_id: BotId, media_id: MediaId, number: int) -> bytes:
        wanted = select(MediaChunkRow.data).where(
            MediaChunkRow.media_id == media_id, MediaChunkRow.number == number
        )
        async with self._sessions.begin(bot_id) as session:
            data = await session.scalar(wanted)
        if data is None:
            raise MediumMissing(media_id)
        return data


async def _recut(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of ``_CHUNK``; the last may be smaller, none is empty."""
    held = bytearray()
    async for chunk in chunks:
        rest = memoryview(chunk)
        while len(held) + len(rest) >= _CHUNK:
            room = _CHUNK - len(held)
            yield bytes(held) + rest[:room]
            held.clear()
            rest = rest[room:]
        held += rest
    if held:
        yield bytes(held)
