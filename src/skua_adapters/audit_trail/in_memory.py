"""An audit chain in memory, with the same hashes as any other."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from skua_adapters._memory.tables import OpenTable
from skua_core.domain.audit import (
    AuditEntry,
    AuditHead,
    NewAuditEntry,
    first_hash,
    format_time,
)
from skua_core.faults import fault
from skua_core.ports.audit_trail import AuditTrail

_TICK = timedelta(microseconds=1)


class InMemoryAuditTrail(AuditTrail):
    def __init__(
        self,
        entries: OpenTable[tuple[str, int], AuditEntry],
        *,
        chain: str,
        now: Callable[[], datetime],
    ) -> None:
        self._table = entries
        self._chain = chain
        self._now = now

    async def append(self, entry: NewAuditEntry) -> None:
        await fault("audit.before_insert")
        last = self._last()
        link = AuditEntry(
            chain=self._chain,
            seq=last.seq + 1 if last else 1,
            at=format_time(self._next_time(last)),
            actor=entry.actor.name,
            action=entry.action,
            resource=entry.resource,
            ip=entry.actor.ip,
            user_agent=entry.actor.user_agent,
            details=entry.encoded_details(),
            hash=b"",
        )
        previous = last.hash if last else first_hash(self._chain)
        link = msgspec.structs.replace(link, hash=link.expected_hash(previous))
        self._table.put((self._chain, link.seq), link)

    async def read(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        return [entry for entry in self._entries() if entry.seq > after][:limit]

    async def head(self) -> AuditHead | None:
        last = self._last()
        return AuditHead(chain=last.chain, seq=last.seq, hash=last.hash) if last else None

    def _entries(self) -> list[AuditEntry]:
        entries = self._table.find("chain", self._chain)
        return sorted(entries, key=lambda entry: entry.seq)

    def _last(self) -> AuditEntry | None:
        entries = self._entries()
        return entries[-1] if entries else None

    def _next_time(self, last: AuditEntry | None) -> datetime:
        """Now, or just after the last entry where the clock stands still or went back."""
        now = self._now()
        if last is None:
            return now
        return max(now, datetime.fromisoformat(last.at).astimezone(UTC) + _TICK)
