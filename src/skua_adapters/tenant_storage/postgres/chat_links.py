"""Which chat of a bot is whose."""

from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters._sql.tables import ChatLinkRow
from skua_core.domain.chat_link import ChatLink
from skua_core.ids import BotId, SubscriberId, UserId
from skua_core.ports.repositories import ChatLinkRepository


class PostgresChatLinkRepository(ChatLinkRepository):
    def __init__(self, session: AsyncSession, bot_id: BotId) -> None:
        self._session = session
        self._bot_id = bot_id

    async def of_user(self, user_id: UserId) -> ChatLink | None:
        return await self._one(select(ChatLinkRow).where(ChatLinkRow.user_id == user_id))

    async def by_fingerprint(self, fingerprint: bytes) -> ChatLink | None:
        return await self._one(select(ChatLinkRow).where(ChatLinkRow.fingerprint == fingerprint))

    async def save(self, link: ChatLink) -> None:
        values = {
            "fingerprint": link.fingerprint,
            "expires_at": link.expires_at,
            "subscriber_id": link.subscriber_id,
            "linked_at": link.linked_at,
        }
        await self._session.execute(
            upsert(ChatLinkRow)
            .values(bot_id=self._bot_id, user_id=link.user_id, **values)
            .on_conflict_do_update(index_elements=["bot_id", "user_id"], set_=values)
        )

    async def remove(self, user_id: UserId) -> bool:
        removed = await self._session.scalar(
            delete(ChatLinkRow)
            .where(ChatLinkRow.user_id == user_id)
            .returning(ChatLinkRow.user_id)
            .execution_options(synchronize_session=False)
        )
        return removed is not None

    async def _one(self, found: Select[ChatLinkRow]) -> ChatLink | None:
        row = await self._session.scalar(
            found.with_for_update().execution_options(populate_existing=True)
        )
        if row is None:
            return None
        subscriber_id = row.subscriber_id
        return ChatLink(
            user_id=UserId(row.user_id),
            fingerprint=row.fingerprint,
            expires_at=row.expires_at,
            subscriber_id=None if subscriber_id is None else SubscriberId(subscriber_id),
            linked_at=row.linked_at,
        )
