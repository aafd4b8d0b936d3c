"""Chats to which nothing may leave for a while, whatever it comes from."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters.tenant_storage.postgres import settle_statements as sql
from skua_core.ids import BotId


async def delay_chats(session: AsyncSession, bot_id: BotId, waits: Mapping[UUID, float]) -> None:
    """By subscriber, seconds from now; what a chat waits for already is never shortened."""
    parameters = {"bot": bot_id, "ids": list(waits), "waits": list(waits.values())}
    await session.execute(sql.LOCK_SUBSCRIBERS, parameters)
    await session.execute(sql.DELAY_CHATS, parameters)
