"""A row for each job, taken by compare-and-set: no leader who could be lost, and no session."""

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, Executable, and_, exists, func, literal, not_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql.sessions import Sessions
from skua_adapters._sql.tables import ScheduledJobRow
from skua_core.ports.scheduled_jobs import JobTurn, ScheduledJobs


class PostgresScheduledJobs(ScheduledJobs):
    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = Sessions(engine)

    async def take(self, name: str, *, every: float, hold: float, holder: str) -> JobTurn | None:
        turn = JobTurn(name=name, turn_id=uuid4())
        mine = {
            "due_at": _in(hold),
            "turn_id": literal(turn.turn_id),
            "holder": literal(holder),
        }
        waits = and_(
            ScheduledJobRow.due_at > func.clock_timestamp(),
            ScheduledJobRow.due_at <= _in(max(every, hold)),
        )
        # Looked at first without a lock, for most of the time that is all there is to do. Then
        # under the row's lock, and by the time after it was waited for.
        row = select(literal(name), *mine.values()).where(
            ~exists().where(ScheduledJobRow.name == name, waits)
        )
        taken = await self._write(
            insert(ScheduledJobRow)
            .from_select(["name", *mine], row)
            .on_conflict_do_update(
                index_elements=[ScheduledJobRow.name], set_=mine, where=not_(waits)
            )
            .returning(ScheduledJobRow.turn_id)
        )
        return turn if taken else None

    async def keep(self, turn: JobTurn, *, hold: float) -> bool:
        return await self._set_due(turn, hold)

    async def finish(self, turn: JobTurn, *, next_in: float) -> None:
        await self._set_due(turn, next_in)

    async def _set_due(self, turn: JobTurn, seconds: float) -> bool:
        return await self._write(
            update(ScheduledJobRow)
            .where(ScheduledJobRow.name == turn.name, ScheduledJobRow.turn_id == turn.turn_id)
            .values(due_at=_in(seconds))
            .returning(ScheduledJobRow.turn_id)
        )

    async def _write(self, statement: Executable) -> bool:
        """Whether a row was written."""
        async with self._sessions.begin() as session:
            written = (await session.execute(statement)).first() is not None
            await session.commit()
            return written


def _in(seconds: float) -> ColumnElement[datetime]:
    return func.clock_timestamp() + timedelta(seconds=seconds)
