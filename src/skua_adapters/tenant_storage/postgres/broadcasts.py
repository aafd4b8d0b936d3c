"""Broadcasts of one bot, and the slot that one of them may hold."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import insert, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import func

from skua_adapters._sql.errors import Trouble
from skua_adapters._sql.tables import BroadcastRow, DeliveryRow
from skua_adapters.tenant_storage.postgres import (
    archive_statements,
    proof_statements,
    settle_statements,
)
from skua_adapters.tenant_storage.postgres.bots import lock_bot, lock_lane
from skua_adapters.tenant_storage.postgres.delivery_statements import LOCK_BROADCAST
from skua_core.domain.broadcast import Broadcast, BroadcastReport, BroadcastStatus, PauseReason
from skua_core.domain.delivery import DeliveryCounts, DeliveryStatus, Reason
from skua_core.domain.subscriber import SubscriberStatus
from skua_core.errors import BroadcastAlreadySending, ResourceNotFound, StorageUnavailable
from skua_core.ids import BotId, BroadcastId, CampaignId, ChatId, UserId
from skua_core.ports.repositories import BroadcastRepository

_SLOT_WAIT = "300ms"
"""For whoever holds the slot in a transaction that is still open."""


class PostgresBroadcastRepository(BroadcastRepository):
    def __init__(self, session: AsyncSession, bot_id: BotId) -> None:
        self._session = session
        self._bot_id = bot_id

    async def get(self, broadcast_id: BroadcastId, *, lock: bool = False) -> Broadcast | None:
        found = select(BroadcastRow).where(BroadcastRow.id == broadcast_id)
        if lock:
            await lock_lane(self._session, self._bot_id)
            await lock_bot(self._session, self._bot_id)
            found = found.with_for_update()
        row = await self._session.scalar(found.execution_options(populate_existing=True))
        return None if row is None else to_broadcast(row)

    async def add(self, broadcast: Broadcast) -> None:
        new = insert(BroadcastRow).values(
            bot_id=self._bot_id,
            id=broadcast.id,
            campaign_id=broadcast.campaign_id,
            revision=broadcast.revision,
            former_revisions=broadcast.former_revisions,
            status=broadcast.status.value,
            pause_reason=broadcast.pause_reason,
            pause_detail=broadcast.pause_detail,
            paid=broadcast.paid,
            excluded={},
            resending=[each.value for each in broadcast.resending],
            blocks=broadcast.blocks,
            blocks_since=broadcast.blocks_since,
            unknown_chats_accepted=broadcast.unknown_chats_accepted,
            created_by=broadcast.created_by,
            created_at=broadcast.created_at,
            changed_at=broadcast.changed_at,
            finished_at=broadcast.finished_at,
        )
        async with self._taking_slot(broadcast):
            await self._session.execute(new)

    async def save(self, broadcast: Broadcast) -> None:
        change = (
            update(BroadcastRow)
            .where(BroadcastRow.id == broadcast.id)
            .values(
                status=broadcast.status.value,
                pause_reason=broadcast.pause_reason,
                pause_detail=broadcast.pause_detail,
                revision=broadcast.revision,
                former_revisions=broadcast.former_revisions,
                resending=[each.value for each in broadcast.resending],
                blocks=broadcast.blocks,
                blocks_since=broadcast.blocks_since,
                unknown_chats_accepted=broadcast.unknown_chats_accepted,
                changed_at=broadcast.changed_at,
                finished_at=broadcast.finished_at,
            )
            .returning(BroadcastRow.id)
            .execution_options(synchronize_session=False)
        )
        async with self._taking_slot(broadcast):
            saved = await self._session.scalar(change)
        if saved is None:
            raise ResourceNotFound

    async def last_sent(self, campaign_id: CampaignId, revision: int) -> datetime | None:
        return await self._session.scalar(
            select(func.max(BroadcastRow.created_at)).where(
                BroadcastRow.campaign_id == campaign_id,
                or_(
                    BroadcastRow.revision == revision,
                    BroadcastRow.former_revisions.contains([revision]),
                ),
            )
        )

    async def page(
        self, *, before: BroadcastId | None, limit: int, status: BroadcastStatus | None = None
    ) -> Sequence[Broadcast]:
        found = select(BroadcastRow).order_by(BroadcastRow.id.desc()).limit(limit)
        if before is not None:
            found = found.where(BroadcastRow.id < before)
        if status is not None:
            found = found.where(BroadcastRow.status == status.value)
        rows = await self._session.scalars(found.execution_options(populate_existing=True))
        return [to_broadcast(row) for row in rows]

    async def report(self, broadcast_id: BroadcastId) -> BroadcastReport | None:
        broadcast = await self.get(broadcast_id)
        if broadcast is None:
            return None
        if broadcast.archived_at is None:
            reasons = await self._reasons(broadcast_id)
        else:
            reasons = await self._archived_reasons(broadcast_id)
        return BroadcastReport(
            broadcast=broadcast,
            reasons={Reason(reason): number for reason, number in reasons.items()},
        )

    async def archive(self, broadcast_id: BroadcastId) -> bool:
        which = {"bot": self._bot_id, "id": broadcast_id}
        # A statement of its own: what it waited for has to be seen by the next one.
        await self._session.execute(LOCK_BROADCAST, which)
        return bool(await self._session.scalar(archive_statements.ARCHIVE, which))

    async def note_block(self, chat_id: ChatId, at: datetime) -> Broadcast | None:
        bot = {"bot": self._bot_id}
        received = await self._session.scalar(
            proof_statements.RECEIVED_LAST, bot | {"chat": chat_id, "at": at}
        )
        if received is None:
            return None
        await self._session.execute(settle_statements.LOCK_ITEMS, bot | {"sources": [received]})
        counted = await self._session.scalar(
            proof_statements.COUNT_BLOCK, bot | {"source": received, "chat": chat_id}
        )
        return None if counted is None else await self.get(BroadcastId(received))

    async def _reasons(self, broadcast_id: BroadcastId) -> dict[str, int]:
        found = await self._session.execute(
            select(DeliveryRow.reason, func.count())
            .where(DeliveryRow.source_id == broadcast_id, DeliveryRow.finished_at.is_not(None))
            .group_by(DeliveryRow.reason)
        )
        return {reason: number for reason, number in found if reason is not None}

    async def _archived_reasons(self, broadcast_id: BroadcastId) -> dict[str, int]:
        found = select(BroadcastRow.archived_reasons).where(BroadcastRow.id == broadcast_id)
        return await self._session.scalar(found) or {}

    @asynccontextmanager
    async def _taking_slot(self, broadcast: Broadcast) -> AsyncIterator[None]:
        """A broadcast that is to be sent has to get the slot at once, or not at all."""
        if broadcast.status is not BroadcastStatus.SENDING:
            yield
            return
        usual_wait = await self._session.scalar(select(func.current_setting("lock_timeout")))
        try:
            # A savepoint, so that whoever asked can still use the unit.
            async with self._session.begin_nested():
                await self._wait_for_locks(_SLOT_WAIT)
                yield
                await self._wait_for_locks(usual_wait)
        except StorageUnavailable as error:
            if error.reason == Trouble.LOCKED:
                raise BroadcastAlreadySending from None
            raise

    async def _wait_for_locks(self, at_most: str | None) -> None:
        await self._session.execute(select(func.set_config("lock_timeout", at_most, true())))


def to_broadcast(row: BroadcastRow) -> Broadcast:
    return Broadcast(
        id=BroadcastId(row.id),
        campaign_id=CampaignId(row.campaign_id),
        revision=row.revision,
        former_revisions=tuple(row.former_revisions),
        status=BroadcastStatus(row.status),
        pause_reason=None if row.pause_reason is None else PauseReason(row.pause_reason),
        pause_detail=row.pause_detail,
        paid=row.paid,
        frozen_at=row.frozen_at,
        counts=DeliveryCounts(
            pending=row.pending,
            in_flight=row.in_flight,
            sent=row.sent,
            failed=row.failed,
            skipped=row.skipped,
            uncertain=row.uncertain,
        ),
        excluded={SubscriberStatus(status): number for status, number in row.excluded.items()},
        resending=tuple(DeliveryStatus(status) for status in row.resending),
        blocks=row.blocks,
        blocks_since=row.blocks_since,
        unknown_chats_accepted=row.unknown_chats_accepted,
        created_by=None if row.created_by is None else UserId(row.created_by),
        created_at=row.created_at,
        changed_at=row.changed_at,
        finished_at=row.finished_at,
        archived_at=row.archived_at,
    )
