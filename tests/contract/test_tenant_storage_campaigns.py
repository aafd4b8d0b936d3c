"""Campaigns and their revisions."""

import msgspec
import pytest

from skua_core.domain.campaign import CampaignRevision
from skua_core.domain.content import (
    CompiledMessage,
    EntityType,
    InlineButton,
    MessageEntity,
    MessageSource,
    ParseMode,
    RenderedMessage,
    Slot,
    SlotSpan,
)
from skua_core.domain.delivery import DeliveryKind, DirectOrigin
from skua_core.ids import ChatId, DirectMessageId, SourceId
from tests.contract.rigs.scene import Scene, a_revision, hello
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def test_a_campaign_is_kept_as_it_was_saved(scene: Scene) -> None:
    campaign = await scene.compose()
    async with scene.rig.reading(scene.id) as unit:
        assert await unit.campaigns.get(campaign.id) == campaign
        assert await unit.campaigns.get(campaign.id, lock=True) == campaign


async def test_saving_again_changes_the_campaign(scene: Scene) -> None:
    campaign = await scene.compose()
    changed = msgspec.structs.replace(
        campaign, name="Autumn", revision=2, updated_at=scene.rig.now()
    )
    async with scene.rig.changing(scene.id) as unit:
        await unit.campaigns.save(changed)

    async with scene.rig.reading(scene.id) as unit:
        assert await unit.campaigns.get(campaign.id) == changed
        assert await unit.campaigns.page(after=None, limit=10) == [changed]


async def test_a_revision_is_kept_with_its_compiled_message(scene: Scene) -> None:
    campaign = await scene.compose()
    revision = CampaignRevision(
        campaign_id=campaign.id,
        number=2,
        source=MessageSource(
            "<b>Hi {{ first_name }}</b> 🪶",
            ParseMode.HTML,
            ((InlineButton("Open", url="https://skua.example"),),),
        ),
        compiled=CompiledMessage(
            RenderedMessage(
                "Hi  🪶",
                (MessageEntity(EntityType.BOLD, 0, 3),),
                ((InlineButton("Open", url="https://skua.example"),),),
            ),
            (Slot("first_name", 3, ("first_name",)),),
            (SlotSpan(0, 1),),
        ),
        created_at=scene.rig.now(),
    )
    async with scene.rig.changing(scene.id) as unit:
        await unit.campaigns.add_revision(revision)

    async with scene.rig.reading(scene.id) as unit:
        assert await unit.campaigns.revision(campaign.id, 2) == revision
        assert await unit.campaigns.revision(campaign.id, 1) == a_revision(
            campaign, 1, campaign.created_at
        )
        assert await unit.campaigns.revision(campaign.id, 3) is None


async def test_pages_follow_each_other_by_id(scene: Scene) -> None:
    campaigns = [await scene.compose() for _ in range(3)]
    async with scene.rig.reading(scene.id) as unit:
        first = await unit.campaigns.page(after=None, limit=2)
        second = await unit.campaigns.page(after=first[-1].id, limit=2)

    assert [*first, *second] == campaigns


async def test_a_delivery_leads_back_to_the_wording_it_was_sent_as(scene: Scene) -> None:
    people = await scene.subscribe(2)
    broadcast = await scene.start()
    source_id = SourceId(broadcast.id)

    async with scene.rig.reading(scene.id) as unit:
        found = await unit.campaigns.sent_as(source_id, people[0].chat_id)
        stranger = await unit.campaigns.sent_as(source_id, ChatId(99))
        unknown = await unit.campaigns.sent_as(SourceId(scene.rig.ids.new()), people[0].chat_id)

    assert found is not None
    assert (found.campaign_id, found.number) == (broadcast.campaign_id, broadcast.revision)
    assert stranger == found
    assert unknown is None


async def test_a_single_message_leads_back_to_its_campaign_too(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    message_id, plain = DirectMessageId(scene.rig.ids.new()), DirectMessageId(scene.rig.ids.new())
    origin = DirectOrigin(campaign_id=broadcast.campaign_id, revision=broadcast.revision)
    async with scene.rig.changing(scene.id) as unit:
        for each, its_origin in ((message_id, origin), (plain, None)):
            await unit.deliveries.enqueue_direct(
                each,
                kind=DeliveryKind.REPLY,
                subscriber_id=ana.id,
                content=hello(),
                lifetime=60.0,
                origin=its_origin,
            )

    async with scene.rig.reading(scene.id) as unit:
        found = await unit.campaigns.sent_as(SourceId(message_id), ana.chat_id)
        nothing = await unit.campaigns.sent_as(SourceId(plain), ana.chat_id)

    assert found is not None
    assert found.campaign_id == broadcast.campaign_id
    assert nothing is None
