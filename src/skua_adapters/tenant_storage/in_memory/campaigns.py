"""Campaigns and their revisions."""

from collections.abc import Sequence

from skua_adapters._memory.memory import Transaction
from skua_core.domain.campaign import Campaign, CampaignRevision
from skua_core.ids import BroadcastId, CampaignId, ChatId, SourceId
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

    async def sent_as(self, source_id: SourceId, chat_id: ChatId) -> CampaignRevision | None:
        broadcast = self._transaction.broadcasts.get(BroadcastId(source_id))
        if broadcast is not None:
            number = self._delivered(source_id, chat_id) or broadcast.revision
            return await self.revision(broadcast.campaign_id, number)
        direct = self._transaction.direct_messages.get(source_id)
        if direct is None or direct.origin is None:
            return None
        return await self.revision(direct.origin.campaign_id, direct.origin.revision)

    def _delivered(self, source_id: SourceId, chat_id: ChatId) -> int | None:
        for subscriber in self._transaction.subscribers.find("chat", chat_id):
            for row in self._transaction.deliveries.find("subscriber", subscriber.id):
                if row.key.source_id == source_id:
                    return row.revision
        return None

    async def page(self, *, after: CampaignId | None, limit: int) -> Sequence[Campaign]:
        campaigns = sorted(self._transaction.campaigns.values(), key=lambda row: row.id)
        return [row for row in campaigns if after is None or row.id > after][:limit]
