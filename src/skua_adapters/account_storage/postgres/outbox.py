"""Letters that have to leave; several takers never get the same one."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters._sql.tables import MailRow
from skua_core.domain.letter import QueuedLetter
from skua_core.domain.secret import SealedSecret
from skua_core.ids import MailId
from skua_core.ports.account_storage import Outbox


class PostgresOutbox(Outbox):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, mail_id: MailId, sealed: SealedSecret) -> None:
        now = func.clock_timestamp()
        await self._session.execute(
            insert(MailRow).values(
                id=mail_id, sealed=sealed.value, written_at=now, due_at=now, attempts=0
            )
        )

    async def take(self, *, limit: int, hold: float) -> Sequence[QueuedLetter]:
        # The statement's time, which is fixed while it runs, so that the index ends where what
        # is due ends: thousands may wait for a mail server that is away.
        due = await self._session.execute(
            select(MailRow.id, MailRow.sealed, MailRow.written_at, MailRow.attempts)
            .where(MailRow.due_at <= func.statement_timestamp())
            .order_by(MailRow.due_at, MailRow.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        taken = [
            QueuedLetter(
                id=MailId(row.id),
                sealed=SealedSecret(row.sealed),
                written_at=row.written_at,
                attempts=row.attempts + 1,
            )
            for row in due
        ]
        if taken:
            await self._session.execute(
                update(MailRow)
                .where(MailRow.id.in_([letter.id for letter in taken]))
                .values(
                    due_at=func.clock_timestamp() + timedelta(seconds=hold),
                    attempts=MailRow.attempts + 1,
                )
                .execution_options(synchronize_session=False)
            )
        return taken

    async def sent(self, mail_id: MailId) -> None:
        await self._delete(mail_id)

    async def postpone(self, mail_id: MailId, *, seconds: float) -> None:
        await self._session.execute(
            update(MailRow)
            .where(MailRow.id == mail_id)
            .values(due_at=func.clock_timestamp() + timedelta(seconds=seconds))
            .execution_options(synchronize_session=False)
        )

    async def give_up(self, mail_id: MailId) -> None:
        await self._delete(mail_id)

    async def _delete(self, mail_id: MailId) -> None:
        await self._session.execute(
            delete(MailRow)
            .where(MailRow.id == mail_id)
            .execution_options(synchronize_session=False)
        )
