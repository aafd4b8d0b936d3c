"""Monthly partitions, dropped one at a time by a function of their owner."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import func

from skua_adapters._sql.sessions import Sessions
from skua_core.ids import BotId, BroadcastId
from skua_core.ports.retention import KeptMonths, Retention


class PostgresRetention(Retention):
    """Whoever reads a table for long, such as a backup, keeps its months from being dropped."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = Sessions(engine)

    async def to_archive(
        self, keep: KeptMonths, *, after: BroadcastId | None, limit: int
    ) -> Sequence[tuple[BotId, BroadcastId]]:
        found = func.platform.broadcasts_to_archive(keep.deliveries, after, limit).table_valued(
            "bot_id", "broadcast_id"
        )
        async with self._sessions.begin() as session:
            rows = await session.execute(select(found.c.bot_id, found.c.broadcast_id))
            return [(BotId(bot_id), BroadcastId(broadcast_id)) for bot_id, broadcast_id in rows]

    async def drop_next(self, keep: KeptMonths) -> str | None:
        async with self._sessions.begin() as session:
            dropped: str | None = await session.scalar(
                select(func.tenant.drop_old_partition(keep.deliveries, keep.updates))
            )
            await session.commit()
            return dropped
