"""Units over PostgreSQL: one transaction inside one bot, behind both tenancy locks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from skua_adapters._sql.sessions import Sessions, commit
from skua_adapters._sql.tenancy import TenantSession
from skua_adapters.audit_trail.postgres import PostgresAuditTrail
from skua_adapters.tenant_storage.postgres.audience import PostgresAudience
from skua_adapters.tenant_storage.postgres.auto_messages import PostgresAutoMessageRepository
from skua_adapters.tenant_storage.postgres.bots import PostgresBotRepository
from skua_adapters.tenant_storage.postgres.broadcasts import PostgresBroadcastRepository
from skua_adapters.tenant_storage.postgres.campaigns import PostgresCampaignRepository
from skua_adapters.tenant_storage.postgres.chat_links import PostgresChatLinkRepository
from skua_adapters.tenant_storage.postgres.deliveries import PostgresDeliveryRepository
from skua_adapters.tenant_storage.postgres.lane_ledger import PostgresLaneLedger
from skua_adapters.tenant_storage.postgres.media import PostgresMediaRepository
from skua_adapters.tenant_storage.postgres.subscribers import PostgresSubscriberRepository
from skua_adapters.tenant_storage.postgres.updates import PostgresUpdateLedger
from skua_core.domain.lane import LaneTimes
from skua_core.errors import MissingAudit
from skua_core.ids import BotId
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind

# A statement that changes rows inside a larger one may have found none.
_HAS_CHANGED = select(func.pg_current_xact_id_if_assigned().is_not(None))

# A lane's statements go from key to key. Left alone, the planner reads whole tables while it has
# no statistics, as after a freeze, and plans the same statement anew hundreds of times a second.
BY_KEY = {
    "plan_cache_mode": "force_generic_plan",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "enable_sort": "off",
}


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
        settings = BY_KEY if kind is UnitKind.LANE else {}
        async with self._sessions.begin(bot_id, settings=settings) as session:
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
        self.audience = PostgresAudience(session)
        self.campaigns = PostgresCampaignRepository(session, bot_id)
        self.broadcasts = PostgresBroadcastRepository(session, bot_id)
        self.deliveries = PostgresDeliveryRepository(session, bot_id)
        self.auto_messages = PostgresAutoMessageRepository(session, bot_id)
        self.chat_links = PostgresChatLinkRepository(session, bot_id)
        self.media = PostgresMediaRepository(session, bot_id)
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
        if self._kind is UnitKind.COMMAND and not self.audit.appended and await self._has_changed():
            raise MissingAudit(self.bot_id)
        await commit(self.session)

    async def _has_changed(self) -> bool:
        session = self.session.sync_session
        if not isinstance(session, TenantSession) or not session.has_written:
            return False
        return bool(await self.session.scalar(_HAS_CHANGED))
