"""Uploads, and by what Telegram has this bot's media."""

from collections.abc import Collection, Mapping

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters._sql.tables import MediaFileRow, MediaRow
from skua_core.domain.media import MediaKind, MediaUpload
from skua_core.ids import BotId, MediaId
from skua_core.ports.repositories import MediaRepository


class PostgresMediaRepository(MediaRepository):
    def __init__(self, session: AsyncSession, bot_id: BotId) -> None:
        self._session = session
        self._bot_id = bot_id

    async def add(self, upload: MediaUpload) -> None:
        await self._session.execute(
            insert(MediaRow).values(
                bot_id=self._bot_id,
                id=upload.id,
                kind=upload.kind.value,
                name=upload.name,
                size=upload.size,
                created_at=upload.created_at,
            )
        )

    async def get(self, media_id: MediaId) -> MediaUpload | None:
        row = await self._session.scalar(select(MediaRow).where(MediaRow.id == media_id))
        if row is None:
            return None
        return MediaUpload(
            id=MediaId(row.id),
            kind=MediaKind(row.kind),
            name=row.name,
            size=row.size,
            created_at=row.created_at,
        )

    async def file_ids(self, keys: Collection[str]) -> Mapping[str, str]:
        if not keys:
            return {}
        known = select(MediaFileRow.key, MediaFileRow.file_id).where(MediaFileRow.key.in_(keys))
        rows = await self._session.execute(known)
        return {row.key: row.file_id for row in rows}

    async def remember(self, file_ids: Mapping[str, str]) -> None:
        if not file_ids:
            return
        # By key, so that two that remember the same files wait for each other in one order.
        values = [
            {"bot_id": self._bot_id, "key": key, "file_id": file_id}
            for key, file_id in sorted(file_ids.items())
        ]
        known = upsert(MediaFileRow).values(values)
        replaced = {"file_id": known.excluded.file_id, "seen_at": func.clock_timestamp()}
        await self._session.execute(
            known.on_conflict_do_update(index_elements=["bot_id", "key"], set_=replaced)
        )

    async def forget(self, keys: Collection[str]) -> None:
        if not keys:
            return
        await self._session.execute(
            delete(MediaFileRow)
            .where(MediaFileRow.key.in_(keys))
            .execution_options(synchronize_session=False)
        )
