"""Stopping a broadcast, going on, calling it off."""

import pytest

from skua_core.domain.broadcast import BroadcastStatus, PauseReason
from skua_core.domain.content import MessageSource
from skua_core.domain.delivery import DeliveryCounts
from skua_core.errors import (
    BotReadOnly,
    BroadcastAlreadySending,
    BroadcastStateConflict,
    ResourceNotFound,
)
from skua_core.ids import BroadcastId, CampaignId
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.broadcasts import (
    InterruptUnserved,
)
from skua_core.use_cases.campaigns import EditCampaign, EditCampaignCommand
from tests.unit.use_cases.broadcasting import (
    cancel,
    claim,
    freeze,
    pause,
    resume,
    send,
    set_read_only,
    stored,
)
from tests.unit.use_cases.world import World, details_of


@pytest.fixture
async def access(world: World) -> BotAccess:
    """A bot with three subscribers."""
    access = await world.add_bot()
    await world.join(access, 1, 2, 3)
    return access


@pytest.fixture
async def campaign_id(world: World, access: BotAccess) -> CampaignId:
    return (await world.compose(access)).campaign.id


# Pausing and going on


@pytest.mark.promise("P21")
async def test_after_a_pause_nothing_is_claimed(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)
    await freeze(world, access, broadcast.id)

    paused = await pause(world, access, broadcast.id)

    assert (paused.status, paused.pause_reason) == (BroadcastStatus.PAUSED, PauseReason.OPERATOR)
    assert await claim(world, access, 10) == 0
    assert (await world.actions(access))[-1] == "broadcast.paused"


async def test_a_resumed_broadcast_goes_on_and_its_lane_is_woken(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)
    await freeze(world, access, broadcast.id)
    await pause(world, access, broadcast.id)

    resumed = await resume(world, access, broadcast.id)

    assert (resumed.status, resumed.pause_reason) == (BroadcastStatus.SENDING, None)
    assert world.queue.woken == [access.bot_id] * 2
    assert await claim(world, access, 10) == 3


async def test_the_rest_of_an_audience_may_get_another_wording(
    world: World, access: BotAccess
) -> None:
    view = await world.compose(access)
    broadcast = await send(world, access, view.campaign.id)
    await pause(world, access, broadcast.id)
    with pytest.raises(ResourceNotFound):
        await resume(world, access, broadcast.id, revision=2)
    assert (await stored(world, access, broadcast.id)).status is BroadcastStatus.PAUSED
    edit = EditCampaign(storage=world.storage, renderer=world.renderer, clock=world.clock)
    await edit(
        EditCampaignCommand(
            access=access, campaign_id=view.campaign.id, source=MessageSource("Hello again")
        )
    )

    resumed = await resume(world, access, broadcast.id, revision=2)

    assert (await stored(world, access, broadcast.id)).revision == resumed.revision == 2
    assert details_of((await world.audit(access))[-1]) == {"revision": 2}


async def test_a_paused_broadcast_lets_another_be_sent_but_not_both(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    first = await send(world, access, campaign_id)
    await pause(world, access, first.id)
    await send(world, access, campaign_id, repeat=True)

    with pytest.raises(BroadcastAlreadySending):
        await resume(world, access, first.id)

    assert (await stored(world, access, first.id)).status is BroadcastStatus.PAUSED


@pytest.mark.promise("P21")
async def test_a_broadcast_does_not_go_on_while_a_gate_is_closed(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)
    await pause(world, access, broadcast.id)
    await set_read_only(world, access, read_only=True)

    with pytest.raises(BotReadOnly):
        await resume(world, access, broadcast.id)


# Calling off


async def test_a_cancelled_broadcast_skips_whoever_waits_and_says_when_it_is_final(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)
    await freeze(world, access, broadcast.id)

    cancelled = await cancel(world, access, broadcast.id)

    assert cancelled.status is BroadcastStatus.CANCELLED
    assert cancelled.counts == DeliveryCounts(skipped=3)
    assert cancelled.finished_at == world.clock.now()
    assert (await world.actions(access))[-1] == "broadcast.cancelled"


async def test_what_is_in_flight_keeps_a_cancelled_broadcast_open(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)
    await freeze(world, access, broadcast.id)
    assert await claim(world, access, 1) == 1

    cancelled = await cancel(world, access, broadcast.id)

    assert cancelled.counts == DeliveryCounts(in_flight=1, skipped=2)
    assert cancelled.finished_at is None


async def test_a_broadcast_that_was_never_frozen_can_be_cancelled(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)

    cancelled = await cancel(world, access, broadcast.id)

    assert cancelled.finished_at == world.clock.now()
    await freeze(world, access, broadcast.id)
    assert (await stored(world, access, broadcast.id)).counts == DeliveryCounts()


async def test_what_does_not_go_with_its_state_is_refused(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)
    with pytest.raises(BroadcastStateConflict):
        await resume(world, access, broadcast.id)
    await cancel(world, access, broadcast.id)
    actions = await world.actions(access)

    for step in (pause, resume, cancel):
        with pytest.raises(BroadcastStateConflict):
            await step(world, access, broadcast.id)
    assert await world.actions(access) == actions


async def test_another_bots_broadcast_is_not_found(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)
    terns = await world.add_bot(None, slug="terns")

    for step in (pause, resume, cancel):
        with pytest.raises(ResourceNotFound):
            await step(world, terns, broadcast.id)
    assert (await stored(world, access, broadcast.id)).status is BroadcastStatus.SENDING


# Unserved


async def interrupt(world: World) -> list[BroadcastId]:
    interrupt_them = InterruptUnserved(storage=world.storage, lanes=world.lanes, clock=world.clock)
    return [broadcast_id for _, broadcast_id in await interrupt_them()]


async def test_a_broadcast_that_nobody_serves_is_interrupted_and_can_be_resumed(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)
    world.clock.advance(599)
    assert await interrupt(world) == []
    world.clock.advance(2)

    assert await interrupt(world) == [broadcast.id]
    assert await interrupt(world) == []

    interrupted = await stored(world, access, broadcast.id)
    assert (interrupted.status, interrupted.pause_reason) == (
        BroadcastStatus.INTERRUPTED,
        PauseReason.UNSERVED,
    )
    entry = (await world.audit(access))[-1]
    assert (entry.action, entry.actor) == ("broadcast.interrupted", "system")
    assert (await resume(world, access, broadcast.id)).status is BroadcastStatus.SENDING


async def test_an_interrupted_broadcast_gives_the_slot_back(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    first = await send(world, access, campaign_id)
    world.clock.advance(601)
    await interrupt(world)

    second = await send(world, access, campaign_id, repeat=True)

    assert second.id != first.id


async def test_a_paused_broadcast_is_not_interrupted(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)
    await pause(world, access, broadcast.id)
    world.clock.advance(3600)

    assert await interrupt(world) == []
