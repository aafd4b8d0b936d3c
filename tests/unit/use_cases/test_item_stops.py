"""Skua itself pauses what must not go on."""

import pytest

from skua_core.domain.auto_message import AutoMessage, AutoMessageStatus, Trigger
from skua_core.domain.broadcast import BroadcastStatus, PauseReason
from skua_core.domain.content import MessageSource
from skua_core.ids import AutoMessageId, CampaignId
from skua_core.ports.tenant_storage import UnitKind
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.campaigns import EditCampaign, EditCampaignCommand
from skua_core.use_cases.item_stops import Item, ItemKind, PauseItem, PauseItemCommand
from tests.unit.use_cases.broadcasting import cancel, claim, freeze, pause, resume, send, stored
from tests.unit.use_cases.world import World, details_of

WORDS = "Bad Request: BUTTON_URL_INVALID"


@pytest.fixture
async def access(world: World) -> BotAccess:
    access = await world.add_bot()
    await world.join(access, 1, 2, 3)
    return access


@pytest.fixture
async def campaign_id(world: World, access: BotAccess) -> CampaignId:
    return (await world.compose(access)).campaign.id


async def stop(
    world: World,
    access: BotAccess,
    item: Item,
    *,
    revision: int | None = None,
    unless_received: str | None = None,
) -> bool:
    command = PauseItemCommand(
        bot_id=access.bot_id,
        item=item,
        reason=PauseReason.CONTENT_REFUSED,
        detail=WORDS,
        revision=revision,
        unless_received=unless_received,
    )
    return await PauseItem(storage=world.storage, clock=world.clock)(command)


async def answering(world: World, access: BotAccess, campaign_id: CampaignId) -> AutoMessage:
    now = world.clock.now()
    auto_message = AutoMessage(
        id=AutoMessageId(world.ids.new()),
        campaign_id=campaign_id,
        trigger=Trigger.START,
        created_at=now,
        updated_at=now,
    )
    async with world.storage.unit(access.bot_id, UnitKind.INBOUND) as unit:
        await unit.auto_messages.save(auto_message)
        await unit.commit()
    return auto_message


async def receive(world: World, access: BotAccess, item: Item, wording: str) -> None:
    """Somebody got it."""
    async with world.storage.unit(access.bot_id, UnitKind.LANE) as unit:
        acquired = await unit.lane.acquire("test")
        assert acquired is not None
        await unit.lane.note_received(acquired.lease, item.id, wording)
        await unit.commit()


async def test_a_stopped_broadcast_says_why_and_nothing_more_is_claimed(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)
    await freeze(world, access, broadcast.id)

    assert await stop(world, access, Item(ItemKind.BROADCAST, broadcast.id))

    paused = await stored(world, access, broadcast.id)
    assert paused.status is BroadcastStatus.PAUSED
    assert (paused.pause_reason, paused.pause_detail) == (PauseReason.CONTENT_REFUSED, WORDS)
    assert await claim(world, access, 10) == 0


async def test_the_audit_log_says_that_skua_did_it_and_why(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)

    await stop(world, access, Item(ItemKind.BROADCAST, broadcast.id))

    entry = (await world.audit(access))[-1]
    assert (entry.action, entry.actor) == ("broadcast.paused", "system")
    assert entry.resource == f"broadcast:{broadcast.id}"
    assert details_of(entry) == {"reason": "content_refused", "detail": WORDS}


@pytest.mark.parametrize("step", [pause, cancel])
async def test_it_is_harmless_where_nothing_is_being_sent(
    world: World, access: BotAccess, campaign_id: CampaignId, step: object
) -> None:
    broadcast = await send(world, access, campaign_id)
    assert callable(step)
    before = await step(world, access, broadcast.id)
    actions = await world.actions(access)

    assert not await stop(world, access, Item(ItemKind.BROADCAST, broadcast.id))

    after = await stored(world, access, broadcast.id)
    assert (after.status, after.pause_reason) == (before.status, before.pause_reason)
    assert await world.actions(access) == actions


async def test_it_is_harmless_for_what_is_gone(world: World, access: BotAccess) -> None:
    for kind in ItemKind:
        assert not await stop(world, access, Item(kind, world.ids.new()))


async def test_a_wording_that_was_replaced_meanwhile_stops_nothing(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)
    await pause(world, access, broadcast.id)
    edit = EditCampaign(storage=world.storage, renderer=world.renderer, clock=world.clock)
    await edit(
        EditCampaignCommand(access=access, campaign_id=campaign_id, source=MessageSource("Mended"))
    )
    await resume(world, access, broadcast.id, revision=2)

    assert not await stop(world, access, Item(ItemKind.BROADCAST, broadcast.id), revision=1)
    assert (await stored(world, access, broadcast.id)).status is BroadcastStatus.SENDING
    assert await stop(world, access, Item(ItemKind.BROADCAST, broadcast.id), revision=2)


async def test_an_auto_message_that_nobody_received_is_paused(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    auto_message = await answering(world, access, campaign_id)
    item = Item(ItemKind.AUTO_MESSAGE, auto_message.id)
    await receive(world, access, item, "1:pt")

    assert not await stop(world, access, item, unless_received="1:pt")
    assert await stop(world, access, item, unless_received="1:")

    async with world.storage.unit(access.bot_id) as unit:
        paused = await unit.auto_messages.get(auto_message.id)
    assert paused is not None
    assert paused.status is AutoMessageStatus.PAUSED
    assert (paused.pause_reason, paused.pause_detail) == (PauseReason.CONTENT_REFUSED, WORDS)
    assert (await world.actions(access))[-1] == "auto_message.paused"
    assert not await stop(world, access, item)
