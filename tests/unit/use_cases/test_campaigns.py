"""Composing campaigns, editing them, looking at them."""

import asyncio

import pytest

from skua_core.domain.content import MessageSource, ParseMode, Personalisation
from skua_core.errors import NameInvalid, ResourceNotFound, SkuaError
from skua_core.ids import CampaignId
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.campaigns import (
    CampaignView,
    ComposeCampaign,
    ComposeCampaignCommand,
    EditCampaign,
    EditCampaignCommand,
    GetCampaign,
    GetCampaignQuery,
    ListCampaigns,
    ListCampaignsQuery,
    PreviewCampaign,
    PreviewCampaignQuery,
)
from tests.unit.use_cases.world import World, details_of


@pytest.fixture
async def access(world: World) -> BotAccess:
    return await world.add_bot(None)


async def edit(
    world: World, access: BotAccess, campaign_id: CampaignId, text: str, name: str | None = None
) -> CampaignView:
    edit_it = EditCampaign(storage=world.storage, renderer=world.renderer, clock=world.clock)
    return await edit_it(
        EditCampaignCommand(
            access=access, campaign_id=campaign_id, source=MessageSource(text), name=name
        )
    )


async def get(
    world: World, access: BotAccess, campaign_id: CampaignId, revision: int | None = None
) -> CampaignView:
    return await GetCampaign(storage=world.storage)(
        GetCampaignQuery(access=access, campaign_id=campaign_id, revision=revision)
    )


async def test_a_composed_campaign_has_its_first_revision(world: World, access: BotAccess) -> None:
    composed = await world.compose(access, "<b>Hello</b>")

    assert await get(world, access, composed.campaign.id) == composed
    assert (composed.campaign.name, composed.campaign.revision) == ("Greeting", 1)
    assert composed.revision.compiled.skeleton.text == "Hello"
    entry = (await world.audit(access))[-1]
    assert (entry.action, details_of(entry)) == (
        "campaign.composed",
        {"name": "Greeting", "revision": 1},
    )


@pytest.mark.parametrize("text", ["", "<b>Hello", "{{ nobody }}", "x" * 4097])
async def test_a_message_that_cannot_be_sent_is_not_kept(
    world: World, access: BotAccess, text: str
) -> None:
    with pytest.raises(SkuaError):
        await world.compose(access, text)

    assert await world.actions(access) == ["bot.added"]


async def test_a_campaign_without_a_name_is_refused(world: World, access: BotAccess) -> None:
    compose = ComposeCampaign(
        storage=world.storage, renderer=world.renderer, clock=world.clock, ids=world.ids
    )

    with pytest.raises(NameInvalid):
        await compose(ComposeCampaignCommand(access=access, name=" ", source=MessageSource("Hi")))


async def test_an_edit_makes_a_new_revision_and_keeps_the_old_one(
    world: World, access: BotAccess
) -> None:
    campaign_id = (await world.compose(access, "One")).campaign.id
    world.clock.advance(60)

    edited = await edit(world, access, campaign_id, "Two")

    assert edited.campaign.revision == edited.revision.number == 2
    assert edited.campaign.updated_at == world.clock.now()
    assert (await get(world, access, campaign_id)).revision.source.text == "Two"
    assert (await get(world, access, campaign_id, 1)).revision.source.text == "One"
    assert (await world.actions(access))[-1] == "campaign.edited"


async def test_the_same_wording_makes_no_new_revision(world: World, access: BotAccess) -> None:
    composed = await world.compose(access, "One")

    unchanged = await edit(world, access, composed.campaign.id, "One")
    renamed = await edit(world, access, composed.campaign.id, "One", name="Other")

    assert unchanged == composed
    assert (renamed.campaign.name, renamed.campaign.revision) == ("Other", 1)
    assert (await world.actions(access))[1:] == ["campaign.composed", "campaign.edited"]


async def test_an_edit_that_cannot_be_sent_leaves_the_campaign_as_it_was(
    world: World, access: BotAccess
) -> None:
    composed = await world.compose(access, "One")

    with pytest.raises(SkuaError):
        await edit(world, access, composed.campaign.id, "<b>Two")

    assert await get(world, access, composed.campaign.id) == composed


async def test_edits_at_the_same_time_become_one_revision_each(
    world: World, access: BotAccess
) -> None:
    campaign_id = (await world.compose(access, "One")).campaign.id

    edits = await asyncio.gather(
        *(edit(world, access, campaign_id, f"Wording {n}") for n in range(5))
    )

    assert sorted(view.revision.number for view in edits) == [2, 3, 4, 5, 6]


async def test_an_unknown_or_foreign_campaign_is_not_found(world: World, access: BotAccess) -> None:
    composed = await world.compose(access)
    terns = await world.add_bot(None, slug="terns")

    for where, campaign_id, revision in [
        (access, CampaignId(world.ids.new()), None),
        (access, composed.campaign.id, 2),
        (terns, composed.campaign.id, None),
    ]:
        with pytest.raises(ResourceNotFound):
            await get(world, where, campaign_id, revision)
    with pytest.raises(ResourceNotFound):
        await edit(world, terns, composed.campaign.id, "Two")


async def test_campaigns_are_listed_page_by_page(world: World, access: BotAccess) -> None:
    made = [(await world.compose(access, text)).campaign for text in ("One", "Two", "Three")]
    list_them = ListCampaigns(storage=world.storage)

    first = await list_them(ListCampaignsQuery(access=access, limit=2))
    rest = await list_them(ListCampaignsQuery(access=access, after=first[-1].id))

    assert [*first, *rest] == made


async def test_a_preview_is_what_one_subscriber_would_get(world: World, access: BotAccess) -> None:
    compose = ComposeCampaign(
        storage=world.storage, renderer=world.renderer, clock=world.clock, ids=world.ids
    )
    source = MessageSource('Hello *{{ first_name | default("friend") }}*', ParseMode.MARKDOWN_V2)
    composed = await compose(ComposeCampaignCommand(access=access, name="Hi", source=source))
    preview = PreviewCampaign(
        get_campaign=GetCampaign(storage=world.storage), renderer=world.renderer
    )

    named = await preview(
        PreviewCampaignQuery(
            access=access,
            campaign_id=composed.campaign.id,
            values=Personalisation(first_name="*Ana*"),
        )
    )
    nameless = await preview(
        PreviewCampaignQuery(access=access, campaign_id=composed.campaign.id, revision=1)
    )

    assert named.text == "Hello *Ana*"
    assert nameless.text == "Hello friend"
    assert [entity.length for entity in named.entities] == [5]
