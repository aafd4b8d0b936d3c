"""Campaigns as commands know them: by name."""

from skua_app.cli.composing import Draft
from skua_app.cli.surroundings import Session
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
)

_PAGE = 200


def keep_campaign(session: Session, access: BotAccess, draft: Draft, name: str) -> CampaignView:
    """The campaign of that name with this wording: the same message twice is the same revision,
    and so isn't sent twice by mistake."""
    campaign_id = _find_campaign(session, access, name)
    if campaign_id is None:
        source = draft.attachments.upload(session, access, draft.source, former=None)
        compose = ComposeCampaignCommand(access=access, name=name, source=source)
        return session.run(session.get(ComposeCampaign)(compose))
    return reword_campaign(session, access, draft, campaign_id)


def reword_campaign(
    session: Session, access: BotAccess, draft: Draft, campaign_id: CampaignId
) -> CampaignView:
    """The campaign with this wording, as a new revision unless it is the same."""
    query = GetCampaignQuery(access=access, campaign_id=campaign_id)
    former = session.run(session.get(GetCampaign)(query)).revision.source
    source = draft.attachments.upload(session, access, draft.source, former=former)
    edit = EditCampaignCommand(access=access, campaign_id=campaign_id, source=source)
    return session.run(session.get(EditCampaign)(edit))


def _find_campaign(session: Session, access: BotAccess, name: str) -> CampaignId | None:
    use = session.get(ListCampaigns)
    after = None
    while True:
        page = session.run(use(ListCampaignsQuery(access=access, after=after, limit=_PAGE)))
        for campaign in page:
            if campaign.name == name:
                return campaign.id
        if len(page) < _PAGE:
            return None
        after = page[-1].id
