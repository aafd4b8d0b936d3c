"""Send a broadcast again to some of those of whom nobody knows that they got it."""

from collections.abc import Collection

import msgspec

from skua_core.domain.audit import Details, NewAuditEntry
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.delivery import DeliveryStatus
from skua_core.errors import ResourceNotFound
from skua_core.ids import BotId, BroadcastId
from skua_core.ports.clock import Clock
from skua_core.ports.job_queue import JobQueue
from skua_core.ports.tenant_storage import TenantStorage, UnitKind
from skua_core.use_cases.access import BotAccess


class ResendBroadcastCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    broadcast_id: BroadcastId
    outcomes: Collection[DeliveryStatus]


class ResendBroadcast:
    """Let a completed broadcast go on for those whose outcome is failed, uncertain, or either.

    Those who are uncertain may get it twice: that is what asking for it means, and the audit log
    says who asked. The slot is taken first, then the deliveries become pending again; should this
    end early, the lane's holder does the rest.
    """

    def __init__(self, *, storage: TenantStorage, queue: JobQueue, clock: Clock) -> None:
        self._storage = storage
        self._queue = queue
        self._clock = clock

    async def __call__(self, command: ResendBroadcastCommand) -> Broadcast:
        """Raises ResourceNotFound, BotReadOnly, TokenMissing, BroadcastArchived, NotResendable,
        NothingToResend, BroadcastAlreadySending, and BroadcastStateConflict unless it is completed.
        """
        access = command.access
        async with self._storage.unit(access.bot_id) as unit:
            broadcast = await unit.broadcasts.get(command.broadcast_id, lock=True)
            if broadcast is None:
                raise ResourceNotFound
            (await unit.bot.get()).require_open_gates()
            broadcast.resend(command.outcomes, now=self._clock.now())
            await unit.broadcasts.save(broadcast)
            details: Details = {
                str(outcome): broadcast.counts.of(outcome) for outcome in broadcast.resending
            }
            await unit.audit.append(
                NewAuditEntry(
                    actor=access.actor,
                    action="broadcast.resent",
                    resource=f"broadcast:{broadcast.id}",
                    details=details,
                )
            )
            await unit.commit()
        await self._queue.wake(access.bot_id)
        return await self._make_pending(access.bot_id, broadcast)

    async def _make_pending(self, bot_id: BotId, broadcast: Broadcast) -> Broadcast:
        more = True
        while more:
            # Deliveries are a ledger of their own; the audit entry stands with the slot.
            async with self._storage.unit(bot_id, UnitKind.LANE) as unit:
                more = await unit.deliveries.resend_next(broadcast.id)
                broadcast = await unit.broadcasts.get(broadcast.id) or broadcast
                await unit.commit()
        await self._queue.wake(bot_id)
        return broadcast
