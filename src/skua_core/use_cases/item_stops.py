"""Skua itself pauses what must not go on: a broadcast, or an auto-message."""

import logging
from enum import StrEnum
from uuid import UUID

import msgspec

from skua_core.domain.audit import Details, NewAuditEntry
from skua_core.domain.auto_message import AutoMessageStatus
from skua_core.domain.broadcast import BroadcastStatus, PauseReason
from skua_core.domain.user import SYSTEM
from skua_core.ids import AutoMessageId, BotId, BroadcastId
from skua_core.ports.clock import Clock
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit

_log = logging.getLogger(__name__)


class ItemKind(StrEnum):
    BROADCAST = "broadcast"
    AUTO_MESSAGE = "auto_message"


class Item(msgspec.Struct, frozen=True):
    """What sends a campaign to people: a broadcast, or an auto-message."""

    kind: ItemKind
    id: UUID


class PauseItemCommand(msgspec.Struct, frozen=True, kw_only=True):
    bot_id: BotId
    item: Item
    reason: PauseReason
    detail: str | None = None
    """Telegram's words, where they are the reason."""
    revision: int | None = None
    """Of a broadcast: only while it still sends this one."""
    unless_received: str | None = None
    """Of an auto-message: only if nobody has received this wording of it."""


class PauseItem:
    """Pause a broadcast or an auto-message on Skua's own account, so that somebody looks at it.

    Harmless when it is paused, over or gone already: whoever asks may be late.
    """

    def __init__(self, *, storage: TenantStorage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def __call__(self, command: PauseItemCommand) -> bool:
        """Whether this call paused it."""
        async with self._storage.unit(command.bot_id) as unit:
            if command.item.kind is ItemKind.BROADCAST:
                paused = await self._pause_broadcast(unit, command)
            else:
                paused = await self._pause_auto_message(unit, command)
            if not paused:
                return False
            await unit.audit.append(_entry(command))
            await unit.commit()
        _log.warning(
            "Paused %s %s of bot %s: %s",
            command.item.kind.replace("_", "-"),
            command.item.id,
            command.bot_id,
            command.reason,
        )
        return True

    async def _pause_broadcast(self, unit: TenantUnit, command: PauseItemCommand) -> bool:
        broadcast = await unit.broadcasts.get(BroadcastId(command.item.id), lock=True)
        if broadcast is None or broadcast.status is not BroadcastStatus.SENDING:
            return False
        if command.revision not in {None, broadcast.revision}:
            return False
        broadcast.pause(command.reason, now=self._clock.now(), detail=command.detail)
        await unit.broadcasts.save(broadcast)
        return True

    async def _pause_auto_message(self, unit: TenantUnit, command: PauseItemCommand) -> bool:
        item_id, wording = AutoMessageId(command.item.id), command.unless_received
        auto_message = await unit.auto_messages.get(item_id, lock=True)
        if auto_message is None or auto_message.status is not AutoMessageStatus.ACTIVE:
            return False
        if wording is not None and await unit.auto_messages.was_received(item_id, wording):
            return False
        auto_message.pause(command.reason, now=self._clock.now(), detail=command.detail)
        await unit.auto_messages.save(auto_message)
        return True


def _entry(command: PauseItemCommand) -> NewAuditEntry:
    details: Details = {"reason": command.reason.value, "detail": command.detail}
    return NewAuditEntry(
        actor=SYSTEM,
        action=f"{command.item.kind}.paused",
        resource=f"{command.item.kind}:{command.item.id}",
        details=details,
    )
