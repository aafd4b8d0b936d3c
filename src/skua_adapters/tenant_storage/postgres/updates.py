"""Which updates have been taken in."""

from uuid import uuid4

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import func

from skua_adapters._sql.tables import SetAsideUpdateRow
from skua_core.ids import BotId
from skua_core.ports.repositories import UpdateLedger


class PostgresUpdateLedger(UpdateLedger):
    def __init__(self, session: AsyncSession, bot_id: BotId) -> None:
        self._session = session
        self._bot_id = bot_id

    async def record(self, update_id: int) -> bool:
        recorded = func.tenant.record_update(self._bot_id, update_id, func.clock_timestamp())
        return bool(await self._session.scalar(select(recorded)))

    async def set_aside(self, update_id: int | None, raw: bytes, problem: str) -> None:
        await self._session.execute(
            insert(SetAsideUpdateRow).values(
                bot_id=self._bot_id,
                id=uuid4(),
                update_id=update_id,
                raw=raw,
                problem=problem,
                received_at=func.clock_timestamp(),
            )
        )
