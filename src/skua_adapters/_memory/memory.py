"""The memory itself: every table of the platform and of each bot, and transactions over them."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from skua_adapters._memory.account_tables import AccountTables
from skua_adapters._memory.rows import (
    DeliveryRow,
    DirectMessage,
    FormerOutcome,
    LaneRow,
    Progress,
    SetAside,
    StoredFile,
    UpdateRow,
)
from skua_adapters._memory.tables import K, OpenTable, Table, V
from skua_core.domain.audit import AuditEntry
from skua_core.domain.auto_message import AutoMessage
from skua_core.domain.bot import Bot
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.campaign import Campaign, CampaignRevision
from skua_core.domain.chat_link import ChatLink
from skua_core.domain.delivery import DeliveryKey, DeliveryKind, DeliveryStatus, Reason
from skua_core.domain.media import MediaUpload
from skua_core.domain.subscriber import Subscriber
from skua_core.domain.user import User
from skua_core.errors import StorageUnavailable
from skua_core.ids import (
    AutoMessageId,
    BotId,
    BroadcastId,
    CampaignId,
    ChatId,
    MediaId,
    SourceId,
    SubscriberId,
    UserId,
)
from skua_core.ports.clock import Clock
from skua_core.ports.repositories import BotSecrets

DIRECT = "direct"
"""Bucket of the due replies, tests and auto-messages; a broadcast's rows have one by its id."""


class TenantTables:
    """The rows of one bot."""

    def __init__(self) -> None:
        self.secrets = Table[BotId, BotSecrets]()
        self.subscribers = Table[SubscriberId, Subscriber](chat=lambda row: row.chat_id)
        self.campaigns = Table[CampaignId, Campaign]()
        self.revisions = Table[tuple[CampaignId, int], CampaignRevision]()
        self.media = Table[MediaId, MediaUpload]()
        self.media_files = Table[str, str]()
        self.stored_files = Table[MediaId, StoredFile]()
        self.broadcasts = Table[BroadcastId, Broadcast](status=lambda row: row.status)
        self.progress = Table[BroadcastId, Progress]()
        self.archived_reasons = Table[BroadcastId, dict[Reason, int]]()
        self.auto_messages = Table[AutoMessageId, AutoMessage]()
        self.chat_links = Table[UserId, ChatLink]()
        self.direct_messages = Table[SourceId, DirectMessage]()
        self.deliveries = Table[DeliveryKey, DeliveryRow](
            status=_open_status, due=_due_bucket, subscriber=lambda row: row.subscriber_id
        )
        self.delivery_attempts = Table[tuple[DeliveryKey, int], FormerOutcome]()
        self.received = Table[UUID, tuple[str, ...]]()
        """Wordings that somebody has received, by broadcast or auto-message."""
        self.next_sends = Table[SubscriberId, datetime]()
        """When the next message may leave to a chat that has to wait."""
        self.updates = Table[int, UpdateRow]()
        self.updates_set_aside = Table[UUID, SetAside]()


class Memory:
    """What a database is to the other adapters. Those that belong together are given the same one.

    ``clock`` is its time. One unit of a bot runs at a time, and one over accounts; the next waits
    ``lock_timeout`` seconds for it. Units of different bots don't meet.
    """

    def __init__(self, clock: Clock, *, lock_timeout: float = 5.0) -> None:
        self.clock = clock
        self.lock_timeout = lock_timeout
        self.users = Table[UserId, User](
            login=lambda row: row.login, local_login=lambda row: row.local_login
        )
        self.accounts = AccountTables()
        self.bots = Table[BotId, Bot](
            slug=lambda row: row.slug,
            public_id=lambda row: row.public_id,
            telegram_id=lambda row: row.telegram_id,
        )
        self.roles = Table[tuple[BotId, UserId], str]()
        """Roles of users on bots that they don't own."""
        self.lanes = Table[BotId, LaneRow]()
        self.audit = Table[tuple[str, int], AuditEntry](chain=lambda row: row.chain)
        self.tenants = defaultdict[BotId, TenantTables](TenantTables)
        self._locks = defaultdict[BotId | None, asyncio.Lock](asyncio.Lock)

    @asynccontextmanager
    async def alone_in(self, bot_id: BotId | None) -> AsyncIterator[None]:
        """Keep everybody else out of this bot; None for what belongs to no bot.

        Raises StorageUnavailable after ``lock_timeout``.
        """
        lock = self._locks[bot_id]
        try:
            async with asyncio.timeout(self.lock_timeout):
                await lock.acquire()
        except TimeoutError:
            where = "over accounts" if bot_id is None else "of this bot"
            raise StorageUnavailable(f"another unit {where} is still open") from None
        try:
            yield
        finally:
            lock.release()


class Transaction:
    """Everything that a unit of one bot may see, and its changes until they are applied."""

    def __init__(self, memory: Memory, bot_id: BotId) -> None:
        self.bot_id = bot_id
        self.now = memory.clock.now
        self._tables: list[OpenTable[Any, Any]] = []
        self.bots = self._open(memory.bots)
        self.lanes = self._open(memory.lanes)
        self.audit = self._open(memory.audit)
        tenant = memory.tenants[bot_id]
        self.secrets = self._open(tenant.secrets)
        self.subscribers = self._open(tenant.subscribers)
        self.campaigns = self._open(tenant.campaigns)
        self.revisions = self._open(tenant.revisions)
        self.media = self._open(tenant.media)
        self.media_files = self._open(tenant.media_files)
        self.stored_files = self._open(tenant.stored_files)
        self.broadcasts = self._open(tenant.broadcasts)
        self.progress = self._open(tenant.progress)
        self.archived_reasons = self._open(tenant.archived_reasons)
        self.auto_messages = self._open(tenant.auto_messages)
        self.chat_links = self._open(tenant.chat_links)
        self.direct_messages = self._open(tenant.direct_messages)
        self.deliveries = self._open(tenant.deliveries)
        self.delivery_attempts = self._open(tenant.delivery_attempts)
        self.received = self._open(tenant.received)
        self.next_sends = self._open(tenant.next_sends)
        self.updates = self._open(tenant.updates)
        self.updates_set_aside = self._open(tenant.updates_set_aside)

    @property
    def changed(self) -> bool:
        return any(table.changed for table in self._tables)

    def broadcast_rows(self, broadcast_id: BroadcastId) -> Iterator[DeliveryRow]:
        """Its audience by position."""
        for position in count(1):
            row = self.deliveries.get(DeliveryKey(SourceId(broadcast_id), position))
            if row is None:
                return
            yield row

    def delivery_to(self, source_id: SourceId, chat_id: ChatId) -> DeliveryRow | None:
        """What one source has for a chat."""
        for subscriber in self.subscribers.find("chat", chat_id):
            for row in self.deliveries.find("subscriber", subscriber.id):
                if row.key.source_id == source_id:
                    return row
        return None

    def clear_tenant(self) -> None:
        for table in self._tables:
            if table not in (self.bots, self.lanes, self.audit):
                table.clear()

    def apply(self) -> None:
        for table in self._tables:
            table.apply()

    def _open(self, table: Table[K, V]) -> OpenTable[K, V]:
        opened = OpenTable(table)
        self._tables.append(opened)
        return opened


def _open_status(row: DeliveryRow) -> DeliveryStatus | None:
    """Only what is in flight is ever looked for by its status."""
    return row.status if row.status is DeliveryStatus.IN_FLIGHT else None


def _due_bucket(row: DeliveryRow) -> str | SourceId | None:
    if row.status is not DeliveryStatus.PENDING or row.due_at is None:
        return None
    return row.key.source_id if row.kind is DeliveryKind.BROADCAST else DIRECT
