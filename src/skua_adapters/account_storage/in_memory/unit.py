"""Units over memory: one transaction over accounts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from skua_adapters._memory import Memory
from skua_adapters.account_storage.in_memory.accounts import InMemoryAccountRepository
from skua_adapters.account_storage.in_memory.api_keys import InMemoryApiKeyRepository
from skua_adapters.account_storage.in_memory.challenges import InMemoryChallengeRepository
from skua_adapters.account_storage.in_memory.devices import InMemoryDeviceRepository
from skua_adapters.account_storage.in_memory.outbox import InMemoryOutbox
from skua_adapters.account_storage.in_memory.recovery_codes import InMemoryRecoveryCodeRepository
from skua_adapters.account_storage.in_memory.sessions import InMemorySessionRepository
from skua_adapters.account_storage.in_memory.transaction import AccountTransaction
from skua_adapters.audit_trail.in_memory import InMemoryAuditTrail
from skua_core.ids import UserId
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.audit_trail import AuditTrail


class InMemoryAccountStorage(AccountStorage):
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[AccountUnit]:
        async with self._memory.alone_in(None):
            yield _InMemoryAccountUnit(self._memory)

    async def close(self) -> None:
        """Nothing to let go: the memory is its owner's."""


class _InMemoryAccountUnit(AccountUnit):
    def __init__(self, memory: Memory) -> None:
        transaction = AccountTransaction(memory)
        self._transaction = transaction
        self._over = False
        self.accounts = InMemoryAccountRepository(transaction)
        self.challenges = InMemoryChallengeRepository(transaction)
        self.sessions = InMemorySessionRepository(transaction)
        self.devices = InMemoryDeviceRepository(transaction)
        self.api_keys = InMemoryApiKeyRepository(transaction)
        self.recovery_codes = InMemoryRecoveryCodeRepository(transaction)
        self.outbox = InMemoryOutbox(transaction)

    async def now(self) -> datetime:
        return self._transaction.now()

    async def invited(self, login: str) -> bool:
        return any(
            row.accepted_at is None
            and row.revoked_at is None
            and self._transaction.now() < row.expires_at
            and self._transaction.bots.get(row.bot_id) is not None
            for row in self._transaction.invitations.find("login", login)
        )

    async def prune(self, *, before: datetime) -> int:
        return self._transaction.prune(before)

    def audit(self, user_id: UserId) -> AuditTrail:
        transaction = self._transaction
        return InMemoryAuditTrail(transaction.audit, chain=str(user_id), now=transaction.now)

    async def commit(self) -> None:
        if self._over:
            raise RuntimeError("this unit is over: open another")
        self._over = True
        self._transaction.apply()
