"""Recording: item first, then deliveries with the item's counters, then subscribers by id."""

import math
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters.tenant_storage.postgres import settle_statements as sql
from skua_adapters.tenant_storage.postgres.chat_delays import delay_chats
from skua_core.domain.delivery import Settlement
from skua_core.domain.lane import Lease
from skua_core.ids import BotId, ChatId
from skua_core.ports.repositories import SubscriberRepository


async def settle(
    session: AsyncSession,
    lease: Lease,
    settlements: Sequence[Settlement],
    subscribers: SubscriberRepository,
) -> None:
    sources = list({settlement.key.source_id for settlement in settlements})
    await session.execute(sql.LOCK_ITEMS, {"bot": lease.bot_id, "sources": sources})
    rows = await session.execute(
        sql.SETTLE,
        {
            "bot": lease.bot_id,
            "epoch": lease.epoch,
            "sources": [each.key.source_id for each in settlements],
            "positions": [each.key.position for each in settlements],
            "attempts": [each.attempt for each in settlements],
            "statuses": [each.status.value for each in settlements],
            "reasons": [each.reason for each in settlements],
            "details": [each.detail for each in settlements],
            "message_ids": [each.message_id for each in settlements],
            "retries": [math.inf if each.behind else each.retry_in for each in settlements],
        },
    )
    settled = [settlements[number - 1] for (number,) in rows]
    learned = [each for each in settled if each.reach]
    waits = _waits(settlements)
    if learned or waits:
        ids = [*(each.subscriber_id for each in learned), *waits]
        await session.execute(sql.LOCK_SUBSCRIBERS, {"bot": lease.bot_id, "ids": ids})
    if learned:
        await _change_reach(session, lease.bot_id, learned)
    if waits:
        await delay_chats(session, lease.bot_id, waits)
    for each in settled:
        if each.new_chat_id is not None:
            await _move_chat(session, lease.bot_id, each, each.new_chat_id, subscribers)


def _waits(settlements: Sequence[Settlement]) -> dict[UUID, float]:
    """The longest for each subscriber."""
    waits: dict[UUID, float] = {}
    for each in settlements:
        if each.chat_wait is not None:
            waits[each.subscriber_id] = max(waits.get(each.subscriber_id, 0.0), each.chat_wait)
    return waits


async def _change_reach(
    session: AsyncSession, bot_id: BotId, settled: Sequence[Settlement]
) -> None:
    await session.execute(
        sql.CHANGE_REACH,
        {
            "bot": bot_id,
            "ids": [each.subscriber_id for each in settled],
            "reaches": [each.reach for each in settled],
            "times": [each.started_at for each in settled],
        },
    )


async def _move_chat(
    session: AsyncSession,
    bot_id: BotId,
    settled: Settlement,
    new_chat_id: ChatId,
    subscribers: SubscriberRepository,
) -> None:
    """The chat has another id; if that is a subscriber already, the two are one from now on."""
    old_chat_id = await session.scalar(sql.CHAT_OF, {"bot": bot_id, "id": settled.subscriber_id})
    if old_chat_id is None:
        return
    await subscribers.migrate(ChatId(old_chat_id), new_chat_id)
    await session.execute(
        sql.MARK_MIGRATED,
        {"bot": bot_id, "source": settled.key.source_id, "position": settled.key.position},
    )
