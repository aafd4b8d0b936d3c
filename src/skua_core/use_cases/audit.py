"""Read the audit log, and check that nobody changed it."""

from collections.abc import Sequence

import msgspec

from skua_core.domain.audit import AuditEntry, ChainCheck
from skua_core.ids import BotId
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit
from skua_core.use_cases.access import BotAccess

_PAGE = 1000


class VerifyAuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    bot_id: BotId
    """Also one that was removed: its chain stays."""


class VerifyAudit:
    """Follow a bot's audit chain from its first entry to the head, every hash computed anew."""

    def __init__(self, *, storage: TenantStorage) -> None:
        self._storage = storage

    async def __call__(self, query: VerifyAuditQuery) -> int:
        """The number of entries. Raises AuditChainBroken."""
        check = ChainCheck(str(query.bot_id))
        async with self._storage.unit(query.bot_id) as unit:
            # The head first: what is appended meanwhile comes after it and isn't looked at.
            head = await unit.audit.head()
            await _follow(unit, check, last=None if head is None else head.seq)
        return check.end(head)


async def _follow(unit: TenantUnit, check: ChainCheck, *, last: int | None) -> None:
    seen = 0
    while entries := await unit.audit.read(after=seen, limit=_PAGE):
        for entry in entries:
            if last is not None and entry.seq > last:
                return
            check.follow(entry)
            seen = entry.seq


class ReadAuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    after: int = 0
    limit: int = 100


class ReadAudit:
    """A page of a bot's audit log, oldest first."""

    def __init__(self, *, storage: TenantStorage) -> None:
        self._storage = storage

    async def __call__(self, query: ReadAuditQuery) -> Sequence[AuditEntry]:
        async with self._storage.unit(query.access.bot_id) as unit:
            return await unit.audit.read(after=query.after, limit=query.limit)
