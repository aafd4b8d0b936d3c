"""Which updates have been taken in."""

from uuid import uuid4

from skua_adapters._memory.memory import Transaction
from skua_adapters._memory.rows import SetAside, UpdateRow
from skua_core.ports.repositories import UpdateLedger


class InMemoryUpdateLedger(UpdateLedger):
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def record(self, update_id: int) -> bool:
        if self._transaction.updates.get(update_id) is not None:
            return False
        row = UpdateRow(update_id, self._transaction.now())
        self._transaction.updates.put(update_id, row)
        return True

    async def set_aside(self, update_id: int | None, raw: bytes, problem: str) -> None:
        row = SetAside(update_id, raw, problem, self._transaction.now())
        self._transaction.updates_set_aside.put(uuid4(), row)
