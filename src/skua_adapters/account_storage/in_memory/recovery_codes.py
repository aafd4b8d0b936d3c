"""Recovery codes in memory."""

from collections.abc import Sequence

from skua_adapters._memory.rows import RecoveryCodeRow
from skua_adapters.account_storage.in_memory.transaction import AccountTransaction
from skua_core.ids import UserId
from skua_core.ports.account_storage import RecoveryCodeRepository


class InMemoryRecoveryCodeRepository(RecoveryCodeRepository):
    def __init__(self, transaction: AccountTransaction) -> None:
        self._transaction = transaction
        self._codes = transaction.recovery_codes

    async def replace(self, user_id: UserId, hashes: Sequence[bytes]) -> None:
        for code in self._codes.find("user", user_id):
            self._codes.delete((user_id, code.code_hash))
        for code_hash in hashes:
            self._transaction.check_user(user_id)
            self._codes.put((user_id, code_hash), RecoveryCodeRow(user_id, code_hash))

    async def use(self, user_id: UserId, code_hash: bytes) -> bool:
        known = self._codes.get((user_id, code_hash)) is not None
        self._codes.delete((user_id, code_hash))
        return known

    async def left(self, user_id: UserId) -> int:
        return len(self._codes.find("user", user_id))
