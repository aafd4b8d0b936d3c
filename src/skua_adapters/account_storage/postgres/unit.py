"""Units over PostgreSQL: one transaction over accounts, outside any bot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from skua_adapters._sql.sessions import Sessions, commit
from skua_adapters._sql.tables import InvitationRow
from skua_adapters.account_storage.postgres.accounts import PostgresAccountRepository
from skua_adapters.account_storage.postgres.api_keys import PostgresApiKeyRepository
from skua_adapters.account_storage.postgres.challenges import PostgresChallengeRepository
from skua_adapters.account_storage.postgres.devices import PostgresDeviceRepository
from skua_adapters.account_storage.postgres.outbox import PostgresOutbox
from skua_adapters.account_storage.postgres.pruning import prune
from skua_adapters.account_storage.postgres.recovery_codes import PostgresRecoveryCodeRepository
from skua_adapters.account_storage.postgres.sessions import PostgresSessionRepository
from skua_adapters.audit_trail.postgres import PostgresUserAuditTrail
from skua_core.ids import UserId
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.audit_trail import AuditTrail


class PostgresAccountStorage(AccountStorage):
    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = Sessions(engine)

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[AccountUnit]:
        async with self._sessions.begin() as session:
            yield _PostgresAccountUnit(session)

    async def close(self) -> None:
        await self._sessions.close()


class _PostgresAccountUnit(AccountUnit):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._over = False
        self.accounts = PostgresAccountRepository(session)
        self.challenges = PostgresChallengeRepository(session)
        self.sessions = PostgresSessionRepository(session)
        self.devices = PostgresDeviceRepository(session)
        self.api_keys = PostgresApiKeyRepository(session)
        self.recovery_codes = PostgresRecoveryCodeRepository(session)
        self.outbox = PostgresOutbox(session)

    async def now(self) -> datetime:
        now: datetime = (await self._session.scalars(select(func.clock_timestamp()))).one()
        return now

    async def invited(self, login: str) -> bool:
        good = exists().where(
            InvitationRow.login == login,
            InvitationRow.accepted_at.is_(None),
            InvitationRow.revoked_at.is_(None),
            InvitationRow.expires_at > func.clock_timestamp(),
        )
        return (await self._session.scalars(select(good))).one()

    async def prune(self, *, before: datetime) -> int:
        return await prune(self._session, before)

    def audit(self, user_id: UserId) -> AuditTrail:
        return PostgresUserAuditTrail(self._session, user_id)

    async def commit(self) -> None:
        if self._over:
            raise RuntimeError("this unit is over: open another")
        self._over = True
        await commit(self._session)
