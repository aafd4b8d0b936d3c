"""What comes to light of deliveries whose outcome nobody knew."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters.tenant_storage.postgres import proof_statements as sql
from skua_adapters.tenant_storage.postgres.settle_statements import LOCK_ITEMS
from skua_core.ids import BotId, CampaignId, ChatId, SourceId
from skua_core.ports.repositories import LateProofs, Unproven

_SOURCES = 20


class PostgresLateProofs(LateProofs):
    def __init__(self, session: AsyncSession, bot_id: BotId) -> None:
        self._session = session
        self._bot_id = bot_id

    async def unproven(self, chat_id: ChatId) -> Sequence[Unproven]:
        rows = await self._session.execute(
            sql.UNPROVEN, {"bot": self._bot_id, "chat": chat_id, "sources": _SOURCES}
        )
        return [
            Unproven(
                source_id=SourceId(row.source_id),
                campaign_id=CampaignId(row.campaign_id),
                revision=row.revision,
                attempt=row.attempt,
                claimed_at=row.claimed_at,
                finished_at=row.finished_at,
            )
            for row in rows
        ]

    async def prove(self, source_id: SourceId, chat_id: ChatId, message_id: int) -> bool:
        which = {"bot": self._bot_id, "source": source_id, "chat": chat_id}
        if not await self._session.scalar(sql.IS_PROVABLE, which):
            return False
        await self._session.execute(LOCK_ITEMS, {"bot": self._bot_id, "sources": [source_id]})
        proven = await self._session.scalar(sql.PROVE, which | {"message": message_id})
        return bool(proven)
