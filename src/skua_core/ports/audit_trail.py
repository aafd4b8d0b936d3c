"""Port: append and read audit entries, in the caller's transaction."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from skua_core.domain.audit import AuditEntry, AuditHead, NewAuditEntry


class AuditTrail(Protocol):
    """One audit chain, of a bot or of a user, inside one unit.

    Entries can only be added. They are numbered without gaps, their times rise strictly, and each
    is tied to the one before (``skua_core.domain.audit``). Writers of one chain wait for each
    other, so the entry is written last, just before the commit.
    """

    @abstractmethod
    async def append(self, entry: NewAuditEntry) -> None:
        """Kept exactly when the unit is committed."""

    @abstractmethod
    async def read(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Entries with ``seq > after``, in order."""

    @abstractmethod
    async def head(self) -> AuditHead | None:
        """The newest link; None for a chain without entries."""
