"""Campaigns that answer what people do."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from skua_core.domain.audit import Details, NewAuditEntry
from skua_core.domain.auto_message import AutoMessage, Trigger, check_keyword
from skua_core.domain.broadcast import PauseReason
from skua_core.errors import ResourceNotFound
from skua_core.ids import AutoMessageId, CampaignId
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit
from skua_core.use_cases.access import BotAccess


class AddAutoMessageCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    campaign_id: CampaignId
    keyword: str | None = None
    """None answers ``/start``."""


class AddAutoMessage:
    """Let a campaign answer ``/start`` or a keyword. Edits of the campaign count at once."""

    def __init__(self, *, storage: TenantStorage, clock: Clock, ids: IdFactory) -> None:
        self._storage = storage
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: AddAutoMessageCommand) -> AutoMessage:
        """Raises KeywordInvalid, TriggerTaken, and ResourceNotFound without such a campaign."""
        keyword = None if command.keyword is None else check_keyword(command.keyword)
        now = self._clock.now()
        auto_message = AutoMessage(
            id=AutoMessageId(self._ids.new()),
            campaign_id=command.campaign_id,
            trigger=Trigger.START if keyword is None else Trigger.KEYWORD,
            keyword=keyword,
            created_at=now,
            updated_at=now,
        )
        async with self._storage.unit(command.access.bot_id) as unit:
            if await unit.campaigns.get(command.campaign_id) is None:
                raise ResourceNotFound
            await unit.auto_messages.save(auto_message)
            await unit.audit.append(_entry(command.access, "added", auto_message))
            await unit.commit()
        return auto_message


class ListAutoMessagesQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    after: AutoMessageId | None = None
    limit: int = 100


class ListAutoMessages:
    """A page of auto-messages, in the order in which they were added."""

    def __init__(self, *, storage: TenantStorage) -> None:
        self._storage = storage

    async def __call__(self, query: ListAutoMessagesQuery) -> Sequence[AutoMessage]:
        async with self._storage.unit(query.access.bot_id) as unit:
            return await unit.auto_messages.page(after=query.after, limit=query.limit)


class AutoMessageCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    auto_message_id: AutoMessageId


class PauseAutoMessage:
    """Let it answer nothing until it is resumed."""

    def __init__(self, *, storage: TenantStorage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def __call__(self, command: AutoMessageCommand) -> AutoMessage:
        """Raises ResourceNotFound."""
        async with self._storage.unit(command.access.bot_id) as unit:
            auto_message = await _locked(unit, command.auto_message_id)
            now = _later(self._clock.now(), auto_message)
            auto_message.pause(PauseReason.OPERATOR, now=now)
            await unit.auto_messages.save(auto_message)
            await unit.audit.append(_entry(command.access, "paused", auto_message))
            await unit.commit()
        return auto_message


class ResumeAutoMessage:
    """Let it answer again."""

    def __init__(self, *, storage: TenantStorage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def __call__(self, command: AutoMessageCommand) -> AutoMessage:
        """Raises ResourceNotFound."""
        async with self._storage.unit(command.access.bot_id) as unit:
            auto_message = await _locked(unit, command.auto_message_id)
            auto_message.resume(now=_later(self._clock.now(), auto_message))
            await unit.auto_messages.save(auto_message)
            await unit.audit.append(_entry(command.access, "resumed", auto_message))
            await unit.commit()
        return auto_message


class RemoveAutoMessage:
    """Forget it. Its campaign stays, and so do answers that are queued."""

    def __init__(self, *, storage: TenantStorage) -> None:
        self._storage = storage

    async def __call__(self, command: AutoMessageCommand) -> None:
        """Raises ResourceNotFound."""
        async with self._storage.unit(command.access.bot_id) as unit:
            auto_message = await _locked(unit, command.auto_message_id)
            await unit.auto_messages.remove(auto_message.id)
            await unit.audit.append(_entry(command.access, "removed", auto_message))
            await unit.commit()


def _later(now: datetime, auto_message: AutoMessage) -> datetime:
    """A clock that was set back must not make a change look older than the one before."""
    return max(now, auto_message.updated_at)


async def _locked(unit: TenantUnit, auto_message_id: AutoMessageId) -> AutoMessage:
    auto_message = await unit.auto_messages.get(auto_message_id, lock=True)
    if auto_message is None:
        raise ResourceNotFound
    return auto_message


def _entry(access: BotAccess, action: str, auto_message: AutoMessage) -> NewAuditEntry:
    details: Details = {
        "campaign": str(auto_message.campaign_id),
        "answers": auto_message.keyword or "/start",
    }
    return NewAuditEntry(
        actor=access.actor,
        action=f"auto_message.{action}",
        resource=f"auto_message:{auto_message.id}",
        details=details,
    )
