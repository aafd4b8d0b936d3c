"""Beginning a broadcast: one at a time, never twice, and through open gates only."""

import asyncio

import pytest

from skua_core.domain.broadcast import Broadcast, BroadcastStatus
from skua_core.errors import (
    AlreadySent,
    AudienceEmpty,
    BotReadOnly,
    BroadcastAlreadySending,
    ResourceNotFound,
    StorageUnavailable,
    TokenMissing,
)
from skua_core.ids import CampaignId
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.bots import (
    RemoveToken,
    RemoveTokenCommand,
)
from tests.unit.use_cases.broadcasting import (
    cancel,
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


async def test_a_broadcast_takes_the_slot_and_wakes_the_lane(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    broadcast = await send(world, access, campaign_id)

    kept = await stored(world, access, broadcast.id)
    assert (kept.status, kept.revision, kept.frozen_at) == (BroadcastStatus.SENDING, 1, None)
    assert kept.created_by == access.actor.user_id
    assert world.queue.woken == [access.bot_id]
    entry = (await world.audit(access))[-1]
    assert (entry.action, entry.resource) == ("broadcast.started", f"broadcast:{broadcast.id}")
    assert details_of(entry) == {
        "campaign": str(campaign_id),
        "revision": 1,
        "paid": False,
        "repeat": False,
    }


@pytest.mark.promise("P19")
async def test_two_clicks_never_send_twice(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    clicks = await asyncio.gather(
        *(send(world, access, campaign_id) for _ in range(20)), return_exceptions=True
    )

    assert [isinstance(click, Broadcast) for click in clicks].count(True) == 1
    refusals = [click for click in clicks if not isinstance(click, Broadcast)]
    assert {type(refusal) for refusal in refusals} == {BroadcastAlreadySending}
    assert (await world.actions(access)).count("broadcast.started") == 1


@pytest.mark.promise("P19")
async def test_a_second_click_that_comes_late_is_caught_too(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    first = await send(world, access, campaign_id)
    await cancel(world, access, first.id)

    with pytest.raises(AlreadySent):
        await send(world, access, campaign_id)
    again = await send(world, access, campaign_id, repeat=True)

    assert again.id != first.id


async def test_another_wording_is_not_a_repeat(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    first = await send(world, access, campaign_id)
    await cancel(world, access, first.id)
    other = await world.compose(access, "Something else")

    assert (await send(world, access, other.campaign.id)).status is BroadcastStatus.SENDING


async def test_a_broadcast_to_nobody_is_refused(world: World) -> None:
    access = await world.add_bot()
    campaign_id = (await world.compose(access)).campaign.id

    with pytest.raises(AudienceEmpty):
        await send(world, access, campaign_id)

    assert "broadcast.started" not in await world.actions(access)


@pytest.mark.promise("P21")
async def test_a_read_only_bot_begins_nothing(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    await set_read_only(world, access, read_only=True)

    with pytest.raises(BotReadOnly):
        await send(world, access, campaign_id)


@pytest.mark.promise("P21")
async def test_a_bot_without_a_token_begins_nothing(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    remove = RemoveToken(storage=world.storage, vault=world.vault, route=world.route)
    await remove(RemoveTokenCommand(access=access))

    with pytest.raises(TokenMissing, match="missing"):
        await send(world, access, campaign_id)


async def test_an_unknown_campaign_or_revision_is_not_found(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    for unknown, revision in [(CampaignId(world.ids.new()), None), (campaign_id, 2)]:
        with pytest.raises(ResourceNotFound):
            await send(world, access, unknown, revision=revision)

    assert world.queue.woken == []


async def test_nothing_is_woken_when_the_database_is_away(
    world: World, access: BotAccess, campaign_id: CampaignId
) -> None:
    async with world.storage.unit(access.bot_id):
        with pytest.raises(StorageUnavailable):
            await send(world, access, campaign_id)

    assert world.queue.woken == []
