"""Port: enter one bot's data, one transaction at a time."""

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from skua_core.ids import BotId
from skua_core.ports.audit_trail import AuditTrail
from skua_core.ports.lane_ledger import LaneLedger
from skua_core.ports.repositories import (
    Audience,
    AutoMessageRepository,
    BotRepository,
    BroadcastRepository,
    CampaignRepository,
    ChatLinkRepository,
    DeliveryRepository,
    MediaRepository,
    SubscriberRepository,
    UpdateLedger,
)


class UnitKind(StrEnum):
    COMMAND = "command"
    """Somebody changes something: commits only with an audit entry, if it changed anything."""
    INBOUND = "inbound"
    """Takes an update in. Updates are a ledger of their own; an audit entry each would make all
    intake of a bot wait for one row."""
    LANE = "lane"
    """Claims and records deliveries, which are a ledger of their own."""


class TenantUnit(Protocol):
    """One transaction inside one bot. Leaving without ``commit`` discards everything.

    Belongs to one task. Never held open across a call to Telegram or any other service.
    """

    bot: BotRepository
    subscribers: SubscriberRepository
    audience: Audience
    campaigns: CampaignRepository
    broadcasts: BroadcastRepository
    deliveries: DeliveryRepository
    auto_messages: AutoMessageRepository
    chat_links: ChatLinkRepository
    media: MediaRepository
    updates: UpdateLedger
    lane: LaneLedger
    audit: AuditTrail

    @abstractmethod
    async def commit(self) -> None:
        """Make it real; the unit is over then.

        Raises MissingAudit when a unit of kind ``command`` changed rows and wrote no entry, and
        StorageUnavailable with ``unsure`` when the connection broke during the commit.
        """


class TenantStorage(Protocol):
    """The only door to a tenant's rows. Shared by all tasks."""

    @abstractmethod
    def unit(
        self, bot_id: BotId, kind: UnitKind = UnitKind.COMMAND
    ) -> AbstractAsyncContextManager[TenantUnit]:
        """Enter one bot. No check is made that it exists: an unknown bot simply has no rows.

        Any method inside may raise StorageUnavailable.
        """

    @abstractmethod
    async def close(self) -> None: ...
