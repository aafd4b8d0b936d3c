"""Send a campaign to everybody, stop, go on, call it off."""

from collections.abc import Sequence

import msgspec

from skua_core.domain.audit import Details, NewAuditEntry
from skua_core.domain.broadcast import Broadcast, BroadcastStatus, PauseReason
from skua_core.domain.subscriber import SubscriberStatus
from skua_core.domain.user import SYSTEM, Actor
from skua_core.errors import (
    AlreadySent,
    AudienceEmpty,
    BroadcastAlreadySending,
    ResourceNotFound,
)
from skua_core.ids import BotId, BroadcastId, CampaignId
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.job_queue import JobQueue
from skua_core.ports.platform_storage import LaneRegistry
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind
from skua_core.use_cases.access import BotAccess

_CANCEL_BATCH = 10_000


class SendBroadcastCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    campaign_id: CampaignId
    revision: int | None = None
    """None for the newest."""
    paid: bool = False
    repeat: bool = False
    """Send it although this revision was broadcast before."""


class SendBroadcast:
    """Begin to send a campaign to every active subscriber.

    A bot sends one broadcast at a time, and the slot is taken here: of two clicks the second is
    refused at once. So is one that comes after the first is through, unless it says ``repeat``.
    Whoever holds the lane freezes the audience.
    """

    def __init__(
        self, *, storage: TenantStorage, queue: JobQueue, clock: Clock, ids: IdFactory
    ) -> None:
        self._storage = storage
        self._queue = queue
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: SendBroadcastCommand) -> Broadcast:
        """Raises ResourceNotFound, BotReadOnly, TokenMissing, BroadcastAlreadySending, AlreadySent
        and AudienceEmpty."""
        access = command.access
        now = self._clock.now()
        async with self._storage.unit(access.bot_id) as unit:
            (await unit.bot.get()).require_open_gates()
            revision = await _find_revision(unit, command.campaign_id, command.revision)
            broadcast = Broadcast(
                id=BroadcastId(self._ids.new()),
                campaign_id=command.campaign_id,
                revision=revision,
                paid=command.paid,
                created_by=access.actor.user_id,
                created_at=now,
                changed_at=now,
            )
            await _require_sendable(unit, command, revision)
            await unit.broadcasts.add(broadcast)
            details: Details = {
                "campaign": str(command.campaign_id),
                "revision": revision,
                "paid": command.paid,
                "repeat": command.repeat,
            }
            await unit.audit.append(_entry(access.actor, "started", broadcast.id, details))
            await unit.commit()
        await self._queue.wake(access.bot_id)
        return broadcast


class PauseBroadcastCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    broadcast_id: BroadcastId


class PauseBroadcast:
    """Stop sending. Once this has answered nothing more is claimed; what is in flight finishes."""

    def __init__(self, *, storage: TenantStorage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def __call__(self, command: PauseBroadcastCommand) -> Broadcast:
        """Raises ResourceNotFound, and BroadcastStateConflict unless it is being sent."""
        access = command.access
        async with self._storage.unit(access.bot_id) as unit:
            broadcast = await _locked(unit, command.broadcast_id)
            broadcast.pause(PauseReason.OPERATOR, now=self._clock.now())
            await unit.broadcasts.save(broadcast)
            await unit.audit.append(_entry(access.actor, "paused", broadcast.id))
            await unit.commit()
        return broadcast


class ResumeBroadcastCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    broadcast_id: BroadcastId
    revision: int | None = None
    """Another wording for whoever hasn't got it yet."""


class ResumeBroadcast:
    """Go on where a paused or interrupted broadcast stopped, if no other one is being sent."""

    def __init__(self, *, storage: TenantStorage, queue: JobQueue, clock: Clock) -> None:
        self._storage = storage
        self._queue = queue
        self._clock = clock

    async def __call__(self, command: ResumeBroadcastCommand) -> Broadcast:
        """Raises ResourceNotFound, BotReadOnly, TokenMissing, BroadcastAlreadySending, and
        BroadcastStateConflict unless it was stopped."""
        access = command.access
        async with self._storage.unit(access.bot_id) as unit:
            broadcast = await _locked(unit, command.broadcast_id)
            (await unit.bot.get()).require_open_gates()
            if command.revision is not None:
                await _find_revision(unit, broadcast.campaign_id, command.revision)
            broadcast.resume(now=self._clock.now(), revision=command.revision)
            await unit.broadcasts.save(broadcast)
            details: Details = {"revision": broadcast.revision}
            await unit.audit.append(_entry(access.actor, "resumed", broadcast.id, details))
            await unit.commit()
        await self._queue.wake(access.bot_id)
        return broadcast


class CancelBroadcastCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    broadcast_id: BroadcastId


class CancelBroadcast:
    """Call a broadcast off for good: the gate first, then whoever is still waiting is skipped.

    Nothing is claimed from the moment the gate is shut. Should this end before everybody is
    skipped, the lane's holder does the rest.
    """

    def __init__(self, *, storage: TenantStorage, queue: JobQueue, clock: Clock) -> None:
        self._storage = storage
        self._queue = queue
        self._clock = clock

    async def __call__(self, command: CancelBroadcastCommand) -> Broadcast:
        """Raises ResourceNotFound, and BroadcastStateConflict when it is over already."""
        access = command.access
        async with self._storage.unit(access.bot_id) as unit:
            broadcast = await _locked(unit, command.broadcast_id)
            broadcast.cancel(now=self._clock.now())
            await unit.broadcasts.save(broadcast)
            await unit.audit.append(_entry(access.actor, "cancelled", broadcast.id))
            await unit.commit()
        await self._queue.wake(access.bot_id)
        return await self._skip_waiting(access.bot_id, broadcast)

    async def _skip_waiting(self, bot_id: BotId, broadcast: Broadcast) -> Broadcast:
        skipped = _CANCEL_BATCH
        while skipped == _CANCEL_BATCH:
            # Deliveries are a ledger of their own; the audit entry stands with the gate.
            async with self._storage.unit(bot_id, UnitKind.LANE) as unit:
                skipped = await unit.deliveries.cancel_pending(broadcast.id, limit=_CANCEL_BATCH)
                broadcast = await unit.broadcasts.get(broadcast.id) or broadcast
                await unit.commit()
        return broadcast


class InterruptUnserved:
    """Release broadcasts that nobody has served for too long, so that their bots may send again.

    They go on from the ledger when somebody resumes them, never by themselves: what was urgent
    then may be wrong now.
    """

    def __init__(self, *, storage: TenantStorage, lanes: LaneRegistry, clock: Clock) -> None:
        self._storage = storage
        self._lanes = lanes
        self._clock = clock

    async def __call__(self) -> Sequence[tuple[BotId, BroadcastId]]:
        """Those that were released."""
        unserved = await self._lanes.unserved()
        return [pair for pair in unserved if await self._interrupt(*pair)]

    async def _interrupt(self, bot_id: BotId, broadcast_id: BroadcastId) -> bool:
        async with self._storage.unit(bot_id) as unit:
            broadcast = await unit.broadcasts.get(broadcast_id, lock=True)
            if broadcast is None or broadcast.status is not BroadcastStatus.SENDING:
                return False
            broadcast.interrupt(now=self._clock.now())
            await unit.broadcasts.save(broadcast)
            await unit.audit.append(_entry(SYSTEM, "interrupted", broadcast_id))
            await unit.commit()
        return True


async def _find_revision(unit: TenantUnit, campaign_id: CampaignId, number: int | None) -> int:
    campaign = await unit.campaigns.get(campaign_id)
    if campaign is None:
        raise ResourceNotFound
    found = campaign.revision if number is None else number
    if await unit.campaigns.revision(campaign_id, found) is None:
        raise ResourceNotFound
    return found


async def _require_sendable(unit: TenantUnit, command: SendBroadcastCommand, revision: int) -> None:
    # Asked before AlreadySent, which would be misleading while the first click is still at work;
    # the slot itself is taken by ``add``.
    if await unit.broadcasts.page(before=None, limit=1, status=BroadcastStatus.SENDING):
        raise BroadcastAlreadySending
    sent_at = await unit.broadcasts.last_sent(command.campaign_id, revision)
    if sent_at is not None and not command.repeat:
        raise AlreadySent(revision, sent_at)
    counts = await unit.audience.by_status()
    if not counts.get(SubscriberStatus.ACTIVE):
        raise AudienceEmpty


async def _locked(unit: TenantUnit, broadcast_id: BroadcastId) -> Broadcast:
    broadcast = await unit.broadcasts.get(broadcast_id, lock=True)
    if broadcast is None:
        raise ResourceNotFound
    return broadcast


def _entry(
    actor: Actor, action: str, broadcast_id: BroadcastId, details: Details | None = None
) -> NewAuditEntry:
    return NewAuditEntry(
        actor=actor,
        action=f"broadcast.{action}",
        resource=f"broadcast:{broadcast_id}",
        details=details or {},
    )
