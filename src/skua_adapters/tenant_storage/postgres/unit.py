"""Units over PostgreSQL: one transaction inside one bot, behind both tenancy locks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from skua_adapters._sql.errors import Trouble
from skua_adapters._sql.sessions import Sessions
from skua_adapters.audit_trail.postgres import PostgresAuditTrail
from skua_adapters.tenant_storage.postgres.bots import PostgresBotRepository
from skua_adapters.tenant_storage.postgres.broadcasts import PostgresBroadcastRepository
from skua_adapters.tenant_storage.postgres.campaigns import PostgresCampaignRepository
from skua_adapters.tenant_storage.postgres.deliveries import PostgresDeliveryRepository
from skua_adapters.tenant_storage.postgres.lane_ledger import PostgresLaneLedger
from skua_adapters.tenant_storage.postgres.subscribers import PostgresSubscriberRepository
from skua_adapters.tenant_storage.postgres.updates import PostgresUpdateLedger
from skua_core.domain.lane import LaneTimes
from skua_core.errors import MissingAudit, StorageUnavailable
from skua_core.ids import BotId
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind

# A row that was merely locked has a transaction id too, so the server's own counts decide.
_CHANGED_ROWS = text("""
    SELECT pg_current_xact_id_if_assigned() IS NOT NULL AND EXISTS (
        SELECT FROM pg_stat_xact_user_tables
        WHERE schemaname IN ('tenant', 'platform') AND n_tup_ins + n_tup_upd + n_tup_del > 0
    )
""")


class PostgresTenantStorage(TenantStorage):
    def __init__(
        self,
        engine: AsyncEngine,
        *,
        times: LaneTimes,
        ids: IdFactory,
    ) -> None:
        # Whoever freezes in the middle of a unit loses its locks before its lanes can be taken.
        self._sessions = Sessions(engine, idle_timeout=times.fence)
        self._times = times
        self._ids = ids

    @asynccontextmanager
    async def unit(
        self, bot_id: BotId, kind: UnitKind = UnitKind.COMMAND
    ) -> AsyncIterator[TenantUnit]:
        async with self._sessions.begin(bot_id) as session:
            yield PostgresTenantUnit(session, bot_id, kind, times=self._times, ids=self._ids)

    async def close(self) -> None:
        await self._sessions.close()


class PostgresTenantUnit(TenantUnit):
    def __init__(
        self,
        session: AsyncSession,
        bot_id: BotId,
        kind: UnitKind,
        *,
        times: LaneTimes,
        ids: IdFactory,
    ) -> None:
        self.session = session
        self.bot_id = bot_id
        self._kind = kind
        self._over = False
        self.bot = PostgresBotRepository(session, bot_id)
        self.subscribers = PostgresSubscriberRepository(session, bot_id)
        self.campaigns = PostgresCampaignRepository(session, bot_id)
        self.broadcasts = PostgresBroadcastRepository(session, bot_id)
        self.deliveries = PostgresDeliveryRepository(session, bot_id)
        self.updates = PostgresUpdateLedger(session, bot_id)
        self.lane = PostgresLaneLedger(
            session, bot_id, subscribers=self.subscribers, times=times, ids=ids
        )
        self.audit = PostgresAuditTrail(session)

    async def commit(self) -> None:
        if self._over:
            raise RuntimeError("this unit is over: open another")
        self._over = True
        await self.session.flush()
        if self._kind is UnitKind.COMMAND and not self.audit.appended:
            if await self.session.scalar(_CHANGED_ROWS):
                raise MissingAudit(self.bot_id)
        try:
            await self.session.commit()
        except StorageUnavailable as error:
            unsure = error.reason in {Trouble.LOST, Trouble.SLOW}
            raise StorageUnavailable(error.reason, unsure=unsure) from None
