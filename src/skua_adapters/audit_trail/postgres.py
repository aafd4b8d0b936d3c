"""Audit chains in PostgreSQL; a function there links and hashes the entries.

Which chain is meant follows from the transaction's bot, and outside any bot from the user named.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from skua_core.domain.audit import AuditEntry, AuditHead, NewAuditEntry
from skua_core.faults import fault
from skua_core.ids import UserId
from skua_core.ports.audit_trail import AuditTrail

_APPEND = text("SELECT audit.append(:actor, :action, :resource, :ip, :user_agent, :details)")
_READ = text("SELECT * FROM audit.read(:after, :limit)")
_HEAD = text("SELECT * FROM audit.head()")
_NAME_USER = text("SELECT set_config('skua.user_id', :user, true)")


class PostgresAuditTrail(AuditTrail):
    def __init__(self, session: AsyncSession) -> None:
        """The chain of the transaction's bot; the platform's in one without."""
        self._session = session
        self.appended = False
        """Whether this unit wrote an entry."""

    async def append(self, entry: NewAuditEntry) -> None:
        await fault("audit.before_insert")
        await self._session.execute(
            _APPEND,
            {
                "actor": entry.actor.name,
                "action": entry.action,
                "resource": entry.resource,
                "ip": entry.actor.ip,
                "user_agent": entry.actor.user_agent,
                "details": entry.encoded_details(),
            },
        )
        self.appended = True

    async def read(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        rows = await self._session.execute(_READ, {"after": after, "limit": limit})
        return [AuditEntry(**row) for row in rows.mappings()]

    async def head(self) -> AuditHead | None:
        row = (await self._session.execute(_HEAD)).mappings().one_or_none()
        return None if row is None else AuditHead(**row)


class PostgresUserAuditTrail(AuditTrail):
    """A user's chain, in a transaction without a bot."""

    def __init__(self, session: AsyncSession, user_id: UserId) -> None:
        if session.info["bot_id"] is not None:
            raise ValueError("a bot's transaction writes into that bot's chain alone")
        self._session = session
        self._user_id = user_id
        self._chain = PostgresAuditTrail(session)

    async def append(self, entry: NewAuditEntry) -> None:
        async with self._named():
            await self._chain.append(entry)

    async def read(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        async with self._named():
            return await self._chain.read(after=after, limit=limit)

    async def head(self) -> AuditHead | None:
        async with self._named():
            return await self._chain.head()

    @asynccontextmanager
    async def _named(self) -> AsyncIterator[None]:
        await self._session.execute(_NAME_USER, {"user": str(self._user_id)})
        yield
        # After an error the transaction is over, and the setting with it.
        await self._session.execute(_NAME_USER, {"user": ""})
