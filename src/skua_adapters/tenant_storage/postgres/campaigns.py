"""Campaigns and their revisions."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters._sql.tables import (
    BroadcastRow,
    CampaignRevisionRow,
    CampaignRow,
    DeliveryRow,
    DirectMessageRow,
    SubscriberRow,
)
from skua_core.domain.campaign import Campaign, CampaignRevision
from skua_core.domain.content import CompiledMessage, MessageSource
from skua_core.ids import BotId, CampaignId, ChatId, SourceId
from skua_core.ports.repositories import CampaignRepository


class PostgresCampaignRepository(CampaignRepository):
    def __init__(self, session: AsyncSession, bot_id: BotId) -> None:
        self._session = session
        self._bot_id = bot_id

    async def get(self, campaign_id: CampaignId, *, lock: bool = False) -> Campaign | None:
        found = select(CampaignRow).where(CampaignRow.id == campaign_id)
        if lock:
            found = found.with_for_update()
        row = await self._session.scalar(found.execution_options(populate_existing=True))
        return None if row is None else _to_campaign(row)

    async def save(self, campaign: Campaign) -> None:
        values = {
            "name": campaign.name,
            "revision": campaign.revision,
            "updated_at": campaign.updated_at,
        }
        await self._session.execute(
            upsert(CampaignRow)
            .values(bot_id=self._bot_id, id=campaign.id, created_at=campaign.created_at, **values)
            .on_conflict_do_update(index_elements=["bot_id", "id"], set_=values)
        )

    async def add_revision(self, revision: CampaignRevision) -> None:
        await self._session.execute(
            insert(CampaignRevisionRow).values(
                bot_id=self._bot_id,
                campaign_id=revision.campaign_id,
                number=revision.number,
                source=msgspec.json.encode(revision.source).decode(),
                compiled=msgspec.json.encode(revision.compiled).decode(),
                created_at=revision.created_at,
            )
        )

    async def revision(self, campaign_id: CampaignId, number: int) -> CampaignRevision | None:
        row = await self._session.scalar(
            select(CampaignRevisionRow).where(
                CampaignRevisionRow.campaign_id == campaign_id,
                CampaignRevisionRow.number == number,
            )
        )
        if row is None:
            return None
        return CampaignRevision(
            campaign_id=CampaignId(row.campaign_id),
            number=row.number,
            source=msgspec.json.decode(row.source, type=MessageSource),
            compiled=msgspec.json.decode(row.compiled, type=CompiledMessage),
            created_at=row.created_at,
        )

    async def sent_as(self, source_id: SourceId, chat_id: ChatId) -> CampaignRevision | None:
        subscriber = (
            select(SubscriberRow.id).where(SubscriberRow.chat_id == chat_id).scalar_subquery()
        )
        delivered = (
            select(DeliveryRow.revision)
            .where(DeliveryRow.source_id == source_id, DeliveryRow.subscriber_id == subscriber)
            .scalar_subquery()
        )
        broadcast = select(
            BroadcastRow.campaign_id, func.coalesce(delivered, BroadcastRow.revision)
        ).where(BroadcastRow.id == source_id)
        direct = select(DirectMessageRow.campaign_id, DirectMessageRow.revision).where(
            DirectMessageRow.id == source_id
        )
        for found in (broadcast, direct):
            row = (await self._session.execute(found)).one_or_none()
            if row is not None:
                campaign_id, number = row
                return None if number is None else await self.revision(campaign_id, number)
        return None

    async def page(self, *, after: CampaignId | None, limit: int) -> Sequence[Campaign]:
        found = select(CampaignRow).order_by(CampaignRow.id).limit(limit)
        if after is not None:
            found = found.where(CampaignRow.id > after)
        rows = await self._session.scalars(found.execution_options(populate_existing=True))
        return [_to_campaign(row) for row in rows]


def _to_campaign(row: CampaignRow) -> Campaign:
    return Campaign(
        id=CampaignId(row.id),
        name=row.name,
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
