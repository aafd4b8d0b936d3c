"""Two subscribers turn out to be one chat: what becomes of the deliveries of the one that goes.

Where only that one was in an audience, the other takes over its row. Where both were, what was
still pending of it is skipped, and what was done stays as it is.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import and_, case, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import func

from skua_adapters._sql.tables import BroadcastRow, DeliveryRow
from skua_core.domain.broadcast import BroadcastStatus
from skua_core.domain.delivery import DeliveryKind, DeliveryStatus, Reason
from skua_core.ids import SubscriberId

_OPEN = (DeliveryStatus.PENDING, DeliveryStatus.IN_FLIGHT)


async def hand_over_deliveries(
    session: AsyncSession, moved: SubscriberId, survivor: SubscriberId
) -> None:
    """Locks items first, then deliveries; subscribers are the caller's.

    Every item that holds a row, because a row that changes while its broadcast is claimed from
    would be passed over by that claim.
    """
    await _lock_audiences(session, moved)
    of_moved = await _audiences(session, moved)
    of_survivor = await _audiences(session, survivor)
    shared = of_moved.keys() & of_survivor.keys()
    await _skip_duplicates(
        session,
        moved,
        [source for source in shared if of_moved[source] is DeliveryStatus.PENDING],
    )
    own = (
        update(DeliveryRow)
        .where(DeliveryRow.subscriber_id == moved)
        .values(subscriber_id=survivor)
        .execution_options(synchronize_session=False)
    )
    await session.execute(own.where(DeliveryRow.source_id.in_(of_moved.keys() - shared)))
    await session.execute(
        own.where(DeliveryRow.kind != DeliveryKind.BROADCAST, DeliveryRow.status.in_(_OPEN))
    )


async def _lock_audiences(session: AsyncSession, subscriber_id: SubscriberId) -> None:
    sources = (await _audiences(session, subscriber_id)).keys()
    await session.execute(
        select(BroadcastRow.id)
        .where(BroadcastRow.id.in_(sources))
        .order_by(BroadcastRow.id)
        .with_for_update(key_share=True)
    )


async def _audiences(
    session: AsyncSession, subscriber_id: SubscriberId
) -> dict[UUID, DeliveryStatus]:
    """The broadcasts whose audience holds the subscriber, and how far its delivery is there."""
    # By way of the broadcasts, because deliveries are found by source first.
    rows = await session.execute(
        select(DeliveryRow.source_id, DeliveryRow.status)
        .join(BroadcastRow, BroadcastRow.id == DeliveryRow.source_id)
        .where(DeliveryRow.subscriber_id == subscriber_id)
    )
    return {row.source_id: row.status for row in rows}


async def _skip_duplicates(
    session: AsyncSession, moved: SubscriberId, broadcasts: Collection[UUID]
) -> None:
    for broadcast_id in broadcasts:
        skipped = await session.scalar(
            update(DeliveryRow)
            .where(
                DeliveryRow.source_id == broadcast_id,
                DeliveryRow.subscriber_id == moved,
                DeliveryRow.status == DeliveryStatus.PENDING,
            )
            .values(
                status=DeliveryStatus.SKIPPED,
                reason=Reason.DUPLICATE.value,
                detail=None,
                finished_at=func.clock_timestamp(),
            )
            .returning(DeliveryRow.position)
            .execution_options(synchronize_session=False)
        )
        if skipped is not None:
            await _count_skipped(session, broadcast_id)


async def _count_skipped(session: AsyncSession, broadcast_id: UUID) -> None:
    """One fewer is pending; that may have been the last."""
    was_last = and_(BroadcastRow.pending == 1, BroadcastRow.in_flight == 0)
    is_sending = BroadcastRow.status == BroadcastStatus.SENDING.value
    completes = and_(was_last, is_sending, BroadcastRow.resending == [])
    is_cancelled = BroadcastRow.status == BroadcastStatus.CANCELLED.value
    finishes = or_(completes, and_(was_last, is_cancelled))
    now = func.clock_timestamp()
    await session.execute(
        update(BroadcastRow)
        .where(BroadcastRow.id == broadcast_id)
        .values(
            pending=BroadcastRow.pending - 1,
            skipped=BroadcastRow.skipped + 1,
            status=case((completes, BroadcastStatus.COMPLETED.value), else_=BroadcastRow.status),
            changed_at=case((completes, now), else_=BroadcastRow.changed_at),
            finished_at=case((finishes, now), else_=BroadcastRow.finished_at),
        )
        .execution_options(synchronize_session=False)
    )
