"""Units over memory: one transaction inside one bot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from skua_adapters._memory.memory import Memory, Transaction
from skua_adapters.audit_trail.in_memory import InMemoryAuditTrail
from skua_adapters.tenant_storage.in_memory.audience import InMemoryAudience
from skua_adapters.tenant_storage.in_memory.auto_messages import InMemoryAutoMessageRepository
from skua_adapters.tenant_storage.in_memory.bots import InMemoryBotRepository
from skua_adapters.tenant_storage.in_memory.broadcasts import InMemoryBroadcastRepository
from skua_adapters.tenant_storage.in_memory.campaigns import InMemoryCampaignRepository
from skua_adapters.tenant_storage.in_memory.chat_links import InMemoryChatLinkRepository
from skua_adapters.tenant_storage.in_memory.deliveries import InMemoryDeliveryRepository
from skua_adapters.tenant_storage.in_memory.lane_ledger import InMemoryLaneLedger
from skua_adapters.tenant_storage.in_memory.media import InMemoryMediaRepository
from skua_adapters.tenant_storage.in_memory.subscribers import InMemorySubscriberRepository
from skua_adapters.tenant_storage.in_memory.updates import InMemoryUpdateLedger
from skua_core.domain.lane import LaneTimes
from skua_core.errors import MissingAudit
from skua_core.ids import BotId
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind


class InMemoryTenantStorage(TenantStorage):
    def __init__(self, memory: Memory, *, times: LaneTimes) -> None:
        self._memory = memory
        self._times = times

    @asynccontextmanager
    async def unit(
        self, bot_id: BotId, kind: UnitKind = UnitKind.COMMAND
    ) -> AsyncIterator[TenantUnit]:
        async with self._memory.alone_in(bot_id):
            yield _InMemoryTenantUnit(self._memory, bot_id, kind, self._times)

    async def close(self) -> None:
        """Nothing to let go: the memory is its owner's."""


class _InMemoryTenantUnit(TenantUnit):
    def __init__(self, memory: Memory, bot_id: BotId, kind: UnitKind, times: LaneTimes) -> None:
        transaction = Transaction(memory, bot_id)
        self._transaction = transaction
        self._kind = kind
        self._over = False
        self.bot = InMemoryBotRepository(transaction)
        self.subscribers = InMemorySubscriberRepository(transaction)
        self.audience = InMemoryAudience(transaction)
        self.campaigns = InMemoryCampaignRepository(transaction)
        self.broadcasts = InMemoryBroadcastRepository(transaction)
        self.deliveries = InMemoryDeliveryRepository(transaction)
        self.auto_messages = InMemoryAutoMessageRepository(transaction)
        self.chat_links = InMemoryChatLinkRepository(transaction)
        self.media = InMemoryMediaRepository(transaction)
        self.updates = InMemoryUpdateLedger(transaction)
        self.lane = InMemoryLaneLedger(transaction, times)
        self.audit = InMemoryAuditTrail(transaction.audit, chain=str(bot_id), now=transaction.now)

    async def commit(self) -> None:
        if self._over:
            raise RuntimeError("this unit is over: open another")
        self._over = True
        transaction = self._transaction
        if self._kind is UnitKind.COMMAND and transaction.changed and not transaction.audit.changed:
            raise MissingAudit(transaction.bot_id)
        # Another bot's unit may have connected the same Telegram bot since this one looked.
        self.bot.check_telegram_id()
        transaction.apply()
