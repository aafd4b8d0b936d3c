"""One bot's audit chain in PostgreSQL; a function there links and hashes the entries.

Which chain is meant follows from the transaction's bot.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from skua_core.domain.audit import AuditEntry, AuditHead, NewAuditEntry
from skua_core.faults import fault
from skua_core.ports.audit_trail import AuditTrail

_APPEND = text("SELECT audit.append(:actor, :action, :resource, :ip, :user_agent, :details)")
_READ = text("SELECT * FROM audit.read(:after, :limit)")
_HEAD = text("SELECT * FROM audit.head()")


class PostgresAuditTrail(AuditTrail):
    def __init__(self, session: AsyncSession) -> None:
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
