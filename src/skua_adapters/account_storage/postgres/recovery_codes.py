"""Recovery codes."""

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters._sql.tables import RecoveryCodeRow
from skua_core.ids import UserId
from skua_core.ports.account_storage import RecoveryCodeRepository


class PostgresRecoveryCodeRepository(RecoveryCodeRepository):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def replace(self, user_id: UserId, hashes: Sequence[bytes]) -> None:
        await self._session.execute(
            delete(RecoveryCodeRow)
            .where(RecoveryCodeRow.user_id == user_id)
            .execution_options(synchronize_session=False)
        )
        if hashes:
            codes = [{"user_id": user_id, "code_hash": code_hash} for code_hash in hashes]
            await self._session.execute(insert(RecoveryCodeRow).values(codes))

    async def use(self, user_id: UserId, code_hash: bytes) -> bool:
        used = await self._session.scalar(
            delete(RecoveryCodeRow)
            .where(RecoveryCodeRow.user_id == user_id, RecoveryCodeRow.code_hash == code_hash)
            .returning(RecoveryCodeRow.user_id)
            .execution_options(synchronize_session=False)
        )
        return used is not None

    async def left(self, user_id: UserId) -> int:
        counted = select(func.count()).where(RecoveryCodeRow.user_id == user_id)
        return (await self._session.scalars(counted)).one()
