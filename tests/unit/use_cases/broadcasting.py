"""Steps of a broadcast, as short calls."""

from skua_core.domain.bot import Bot
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.delivery import ClaimedDelivery, DeliveryStatus, Reason, Settlement
from skua_core.domain.lane import ClaimOrder
from skua_core.ids import BroadcastId, CampaignId
from skua_core.ports.tenant_storage import UnitKind
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.bots import (
    SetReadOnly,
    SetReadOnlyCommand,
)
from skua_core.use_cases.broadcasts import (
    CancelBroadcast,
    CancelBroadcastCommand,
    PauseBroadcast,
    PauseBroadcastCommand,
    ResumeBroadcast,
    ResumeBroadcastCommand,
    SendBroadcast,
    SendBroadcastCommand,
)
from tests.unit.use_cases.world import World


async def send(
    world: World,
    access: BotAccess,
    campaign_id: CampaignId,
    *,
    repeat: bool = False,
    revision: int | None = None,
) -> Broadcast:
    send_it = SendBroadcast(
        storage=world.storage, queue=world.queue, clock=world.clock, ids=world.ids
    )
    return await send_it(
        SendBroadcastCommand(
            access=access, campaign_id=campaign_id, repeat=repeat, revision=revision
        )
    )


async def pause(world: World, access: BotAccess, broadcast_id: BroadcastId) -> Broadcast:
    return await PauseBroadcast(storage=world.storage, clock=world.clock)(
        PauseBroadcastCommand(access=access, broadcast_id=broadcast_id)
    )


async def resume(
    world: World, access: BotAccess, broadcast_id: BroadcastId, revision: int | None = None
) -> Broadcast:
    resume_it = ResumeBroadcast(storage=world.storage, queue=world.queue, clock=world.clock)
    return await resume_it(
        ResumeBroadcastCommand(access=access, broadcast_id=broadcast_id, revision=revision)
    )


async def cancel(world: World, access: BotAccess, broadcast_id: BroadcastId) -> Broadcast:
    cancel_it = CancelBroadcast(storage=world.storage, queue=world.queue, clock=world.clock)
    return await cancel_it(CancelBroadcastCommand(access=access, broadcast_id=broadcast_id))


async def set_read_only(world: World, access: BotAccess, *, read_only: bool) -> Bot:
    return await SetReadOnly(storage=world.storage, queue=world.queue)(
        SetReadOnlyCommand(access=access, read_only=read_only)
    )


async def stored(world: World, access: BotAccess, broadcast_id: BroadcastId) -> Broadcast:
    async with world.storage.unit(access.bot_id) as unit:
        found = await unit.broadcasts.get(broadcast_id)
    assert found is not None
    return found


async def freeze(world: World, access: BotAccess, broadcast_id: BroadcastId) -> None:
    async with world.storage.unit(access.bot_id, UnitKind.LANE) as unit:
        await unit.deliveries.freeze(broadcast_id)
        await unit.commit()


async def claim(world: World, access: BotAccess, room: int) -> int:
    """How many deliveries a new holder of the lane gets."""
    async with world.storage.unit(access.bot_id, UnitKind.LANE) as unit:
        acquired = await unit.lane.acquire("test")
        assert acquired is not None
        claimed = await unit.lane.claim(acquired.lease, ClaimOrder(room=room, direct_room=room))
        await unit.commit()
    return len(claimed.deliveries)


async def claimed(world: World, access: BotAccess) -> list[ClaimedDelivery]:
    """What leaves now, by a holder that comes and goes; all of it arrives."""
    return await settled(world, access, DeliveryStatus.SENT)


async def settled(
    world: World,
    access: BotAccess,
    status: DeliveryStatus,
    reason: Reason | None = None,
    *,
    room: int = 100,
) -> list[ClaimedDelivery]:
    """Claim, and record the same outcome for all of it."""
    async with world.storage.unit(access.bot_id, UnitKind.LANE) as unit:
        acquired = await unit.lane.acquire("test")
        assert acquired is not None
        lease = acquired.lease
        claim = await unit.lane.claim(lease, ClaimOrder(room=room, direct_room=room))
        await unit.lane.settle(
            lease,
            [
                Settlement(
                    key=each.key,
                    attempt=each.attempt,
                    subscriber_id=each.subscriber_id,
                    status=status,
                    reason=reason,
                    started_at=world.clock.now(),
                    message_id=10_000 + each.key.position
                    if status is DeliveryStatus.SENT
                    else None,
                )
                for each in claim.deliveries
            ],
        )
        await unit.lane.release(lease)
        await unit.commit()
    return list(claim.deliveries)
