"""Campaigns and their revisions."""

from collections.abc import Sequence

from skua_adapters._memory.memory import Transaction
from skua_core.domain.campaign import Campaign, CampaignRevision
from skua_core.ids import CampaignId
from skua_core.ports.repositories import CampaignRepository


class InMemoryCampaignRepository(CampaignRepository):
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(
        self,
        campaign_id: CampaignId,
        *,
        lock: bool = False,  # noqa: ARG002 - units of a bot take turns
    ) -> Campaign | None:
        return self._transaction.campaigns.get(campaign_id)

    async def save(self, campaign: Campaign) -> None:
        self._transaction.campaigns.put(campaign.id, campaign)

    async def add_revision(self, revision: CampaignRevision) -> None:
        self._transaction.revisions.put((revision.campaign_id, revision.number), revision)

    async def revision(self, campaign_id: CampaignId, number: int) -> CampaignRevision | None:
        return self._transaction.revisions.get((campaign_id, number))

    async def page(self, *, after: CampaignId | None, limit: int) -> Sequence[Campaign]:
        campaigns = sorted(self._transaction.campaigns.values(), key=lambda row: row.id)
        return [row for row in campaigns if after is None or row.id > after][:limit]
