"""All lanes in PostgreSQL at once. Times are the database's."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql.sessions import Sessions
from skua_core.domain.lane import LaneSnapshot, LaneTimes, Lease
from skua_core.faults import fault
from skua_core.ids import BotId, BroadcastId
from skua_core.ports.platform_storage import LaneRegistry

_HEARTBEAT = text("""
    UPDATE platform.lanes AS lane SET heartbeat_at = clock_timestamp()
    FROM unnest(CAST(:bots AS uuid[]), CAST(:leases AS uuid[])) AS held (bot_id, lease_id)
    WHERE lane.bot_id = held.bot_id AND lane.lease_id = held.lease_id
    RETURNING lane.bot_id
""")
_DUE = text("SELECT * FROM platform.due_lanes(:limit, :takeover, :future)")
# The heartbeat stays: it tells when the lane was served last.
_FREE = text("""
    UPDATE platform.lanes SET lease_id = NULL, holder = NULL WHERE holder = :holder
    RETURNING bot_id
""")
_UNSERVED = text("""
    SELECT bot_id, broadcast_id FROM platform.unserved_broadcasts(:unserved, :future)
""")
_SNAPSHOT = text("""
    SELECT bot_id, epoch, holder, heartbeat_at, not_before, learned_rate
    FROM platform.lanes WHERE bot_id = :bot
""")


class PostgresLaneRegistry(LaneRegistry):
    def __init__(self, engine: AsyncEngine, *, times: LaneTimes) -> None:
        self._sessions = Sessions(engine)
        self._takeover = timedelta(seconds=times.takeover)
        self._future = timedelta(seconds=times.future_tolerance)
        self._unserved = timedelta(seconds=times.unserved)

    async def heartbeat(self, leases: Sequence[Lease]) -> frozenset[BotId]:
        await fault("heartbeat.skip")
        if not leases:
            return frozenset()
        rows = await self._run(
            _HEARTBEAT,
            bots=[lease.bot_id for lease in leases],
            leases=[lease.lease_id for lease in leases],
        )
        return frozenset(BotId(row.bot_id) for row in rows)

    async def due(self, *, limit: int) -> Sequence[BotId]:
        rows = await self._run(_DUE, limit=limit, takeover=self._takeover, future=self._future)
        return [BotId(row[0]) for row in rows]

    async def free(self, holder: str) -> int:
        return len(await self._run(_FREE, holder=holder))

    async def unserved(self) -> Sequence[tuple[BotId, BroadcastId]]:
        rows = await self._run(_UNSERVED, unserved=self._unserved, future=self._future)
        return [(BotId(row.bot_id), BroadcastId(row.broadcast_id)) for row in rows]

    async def snapshot(self, bot_id: BotId) -> LaneSnapshot | None:
        for row in await self._run(_SNAPSHOT, bot=bot_id):
            return LaneSnapshot(**row._asdict())
        return None

    async def _run(self, statement: TextClause, **parameters: Any) -> Sequence[Row[Any]]:
        async with self._sessions.begin() as session:
            rows = (await session.execute(statement, parameters)).all()
            await session.commit()
            return rows
