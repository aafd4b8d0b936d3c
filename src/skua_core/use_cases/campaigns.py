"""Compose campaigns, edit them, look at them as a subscriber would."""

from collections.abc import Sequence

import msgspec

from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.bot import check_name
from skua_core.domain.campaign import Campaign, CampaignRevision
from skua_core.domain.content import (
    CompiledMessage,
    MessageSource,
    Personalisation,
    RenderedMessage,
)
from skua_core.errors import ResourceNotFound
from skua_core.ids import CampaignId
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.renderer import Renderer
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit
from skua_core.use_cases.access import BotAccess


class CampaignView(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign with one of its wordings."""

    campaign: Campaign
    revision: CampaignRevision


class ComposeCampaignCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    name: str
    source: MessageSource


class ComposeCampaign:
    """Keep a message under a name. It is parsed now, so that no mistake waits for the send."""

    def __init__(
        self, *, storage: TenantStorage, renderer: Renderer, clock: Clock, ids: IdFactory
    ) -> None:
        self._storage = storage
        self._renderer = renderer
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: ComposeCampaignCommand) -> CampaignView:
        """Raises NameInvalid, and what ``Renderer.compile`` raises."""
        now = self._clock.now()
        campaign = Campaign(
            id=CampaignId(self._ids.new()),
            name=check_name("campaign", command.name),
            revision=1,
            created_at=now,
            updated_at=now,
        )
        revision = CampaignRevision(
            campaign_id=campaign.id,
            number=campaign.revision,
            source=command.source,
            compiled=self._renderer.compile(command.source),
            created_at=now,
        )
        async with self._storage.unit(command.access.bot_id) as unit:
            await unit.campaigns.save(campaign)
            await unit.campaigns.add_revision(revision)
            await unit.audit.append(_entry(command.access, "composed", campaign))
            await unit.commit()
        return CampaignView(campaign=campaign, revision=revision)


class EditCampaignCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    campaign_id: CampaignId
    source: MessageSource
    name: str | None = None
    """None keeps the name."""


class EditCampaign:
    """Give a campaign another wording, as a new revision.

    Broadcasts stay bound to the revision they began with. The same wording makes no new one.
    """

    def __init__(self, *, storage: TenantStorage, renderer: Renderer, clock: Clock) -> None:
        self._storage = storage
        self._renderer = renderer
        self._clock = clock

    async def __call__(self, command: EditCampaignCommand) -> CampaignView:
        """Raises ResourceNotFound, NameInvalid, and what ``Renderer.compile`` raises."""
        compiled = self._renderer.compile(command.source)
        name = None if command.name is None else check_name("campaign", command.name)
        async with self._storage.unit(command.access.bot_id) as unit:
            campaign = await unit.campaigns.get(command.campaign_id, lock=True)
            if campaign is None:
                raise ResourceNotFound
            revision = await _revision(unit, campaign.id, campaign.revision)
            renamed = name is not None and name != campaign.name
            if revision.source == command.source and not renamed:
                return CampaignView(campaign=campaign, revision=revision)
            campaign.name = name or campaign.name
            campaign.updated_at = self._clock.now()
            if revision.source != command.source:
                campaign.revision += 1
                revision = self._next_revision(campaign, command.source, compiled)
                await unit.campaigns.add_revision(revision)
            await unit.campaigns.save(campaign)
            await unit.audit.append(_entry(command.access, "edited", campaign))
            await unit.commit()
        return CampaignView(campaign=campaign, revision=revision)

    def _next_revision(
        self, campaign: Campaign, source: MessageSource, compiled: CompiledMessage
    ) -> CampaignRevision:
        return CampaignRevision(
            campaign_id=campaign.id,
            number=campaign.revision,
            source=source,
            compiled=compiled,
            created_at=campaign.updated_at,
        )


class GetCampaignQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    campaign_id: CampaignId
    revision: int | None = None
    """None for the newest."""


class GetCampaign:
    """A campaign with its newest wording, or an earlier one."""

    def __init__(self, *, storage: TenantStorage) -> None:
        self._storage = storage

    async def __call__(self, query: GetCampaignQuery) -> CampaignView:
        """Raises ResourceNotFound."""
        async with self._storage.unit(query.access.bot_id) as unit:
            campaign = await unit.campaigns.get(query.campaign_id)
            if campaign is None:
                raise ResourceNotFound
            revision = await _revision(unit, campaign.id, query.revision or campaign.revision)
        return CampaignView(campaign=campaign, revision=revision)


class ListCampaignsQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    after: CampaignId | None = None
    limit: int = 100


class ListCampaigns:
    """A page of campaigns, in the order in which they were composed."""

    def __init__(self, *, storage: TenantStorage) -> None:
        self._storage = storage

    async def __call__(self, query: ListCampaignsQuery) -> Sequence[Campaign]:
        async with self._storage.unit(query.access.bot_id) as unit:
            return await unit.campaigns.page(after=query.after, limit=query.limit)


class PreviewCampaignQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    campaign_id: CampaignId
    revision: int | None = None
    """None for the newest."""
    values: Personalisation = Personalisation()
    """A made-up subscriber."""


class PreviewCampaign:
    """A campaign as one subscriber would get it."""

    def __init__(self, *, get_campaign: GetCampaign, renderer: Renderer) -> None:
        self._get_campaign = get_campaign
        self._renderer = renderer

    async def __call__(self, query: PreviewCampaignQuery) -> RenderedMessage:
        """Raises ResourceNotFound, and what ``Renderer.render`` raises."""
        view = await self._get_campaign(
            GetCampaignQuery(
                access=query.access, campaign_id=query.campaign_id, revision=query.revision
            )
        )
        return self._renderer.render(view.revision.compiled, query.values)


async def _revision(unit: TenantUnit, campaign_id: CampaignId, number: int) -> CampaignRevision:
    revision = await unit.campaigns.revision(campaign_id, number)
    if revision is None:
        raise ResourceNotFound
    return revision


def _entry(access: BotAccess, action: str, campaign: Campaign) -> NewAuditEntry:
    return NewAuditEntry(
        actor=access.actor,
        action=f"campaign.{action}",
        resource=f"campaign:{campaign.id}",
        details={"name": campaign.name, "revision": campaign.revision},
    )
