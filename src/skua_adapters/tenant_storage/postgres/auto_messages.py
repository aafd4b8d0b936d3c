"""Auto-messages of one bot."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters._sql.tables import AutoMessageRow
from skua_core.domain.auto_message import AutoMessage, AutoMessageStatus, Trigger
from skua_core.domain.broadcast import PauseReason
from skua_core.errors import TriggerTaken
from skua_core.ids import AutoMessageId, BotId, CampaignId
from skua_core.ports.repositories import AutoMessageRepository

_ONE_TRIGGER = "auto_messages_trigger"


class PostgresAutoMessageRepository(AutoMessageRepository):
    def __init__(self, session: AsyncSession, bot_id: BotId) -> None:
        self._session = session
        self._bot_id = bot_id

    async def get(
        self, auto_message_id: AutoMessageId, *, lock: bool = False
    ) -> AutoMessage | None:
        found = select(AutoMessageRow).where(AutoMessageRow.id == auto_message_id)
        if lock:
            found = found.with_for_update()
        row = await self._session.scalar(found.execution_options(populate_existing=True))
        return None if row is None else _to_auto_message(row)

    async def save(self, auto_message: AutoMessage) -> None:
        values = {
            "campaign_id": auto_message.campaign_id,
            "trigger": auto_message.trigger.value,
            "keyword": auto_message.keyword,
            "status": auto_message.status.value,
            "pause_reason": auto_message.pause_reason,
            "pause_detail": auto_message.pause_detail,
            "updated_at": auto_message.updated_at,
        }
        try:
            await self._session.execute(
                upsert(AutoMessageRow)
                .values(
                    bot_id=self._bot_id,
                    id=auto_message.id,
                    created_at=auto_message.created_at,
                    **values,
                )
                .on_conflict_do_update(index_elements=["bot_id", "id"], set_=values)
            )
        except IntegrityError as error:
            if _ONE_TRIGGER not in str(error.orig):
                raise
            raise TriggerTaken(auto_message.keyword or "/start") from None

    async def remove(self, auto_message_id: AutoMessageId) -> None:
        await self._session.execute(
            delete(AutoMessageRow)
            .where(AutoMessageRow.id == auto_message_id)
            .execution_options(synchronize_session=False)
        )

    async def page(self, *, after: AutoMessageId | None, limit: int) -> Sequence[AutoMessage]:
        found = select(AutoMessageRow).order_by(AutoMessageRow.id).limit(limit)
        if after is not None:
            found = found.where(AutoMessageRow.id > after)
        rows = await self._session.scalars(found.execution_options(populate_existing=True))
        return [_to_auto_message(row) for row in rows]

    async def answering(self, trigger: Trigger, keyword: str | None = None) -> AutoMessage | None:
        row = await self._session.scalar(
            select(AutoMessageRow).where(
                AutoMessageRow.trigger == trigger.value,
                AutoMessageRow.keyword.is_not_distinct_from(keyword),
                AutoMessageRow.status == AutoMessageStatus.ACTIVE.value,
            )
        )
        return None if row is None else _to_auto_message(row)

    async def was_received(self, auto_message_id: AutoMessageId, wording: str) -> bool:
        received = await self._session.scalar(
            select(AutoMessageRow.received).where(AutoMessageRow.id == auto_message_id)
        )
        return received is not None and wording in received


def _to_auto_message(row: AutoMessageRow) -> AutoMessage:
    return AutoMessage(
        id=AutoMessageId(row.id),
        campaign_id=CampaignId(row.campaign_id),
        trigger=Trigger(row.trigger),
        keyword=row.keyword,
        status=AutoMessageStatus(row.status),
        pause_reason=None if row.pause_reason is None else PauseReason(row.pause_reason),
        pause_detail=row.pause_detail,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
