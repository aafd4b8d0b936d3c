"""The bot that a unit is about: its platform row, its lane, its secrets."""

from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import func

from skua_adapters._sql.bots import bot_of
from skua_adapters._sql.errors import constraint_of
from skua_adapters._sql.tables import (
    AutoMessageRow,
    BotRow,
    BotSecretsRow,
    BroadcastRow,
    CampaignRevisionRow,
    CampaignRow,
    ChatLinkRow,
    DeliveryAttemptRow,
    DeliveryRow,
    DirectMessageRow,
    LaneRow,
    MediaChunkRow,
    MediaFileRow,
    MediaRow,
    SetAsideUpdateRow,
    SubscriberRow,
    UpdateRow,
)
from skua_core.domain.bot import Bot
from skua_core.domain.secret import SealedSecret
from skua_core.errors import BotForbidden, BotInUse, ForeignRow
from skua_core.ids import BotId
from skua_core.ports.repositories import BotRepository, BotSecrets

# Those that others refer to come last.
_TENANT_ROWS = (
    DeliveryRow,
    DeliveryAttemptRow,
    DirectMessageRow,
    BroadcastRow,
    AutoMessageRow,
    CampaignRevisionRow,
    CampaignRow,
    MediaRow,
    MediaChunkRow,
    MediaFileRow,
    ChatLinkRow,
    SubscriberRow,
    UpdateRow,
    SetAsideUpdateRow,
    BotSecretsRow,
)


class PostgresBotRepository(BotRepository):
    def __init__(self, session: AsyncSession, bot_id: BotId) -> None:
        self._session = session
        self._bot_id = bot_id

    async def get(self, *, lock: bool = False) -> Bot:
        found = select(BotRow).where(BotRow.id == self._bot_id)
        if lock:
            await lock_lane(self._session, self._bot_id)
            found = found.with_for_update()
        row = await self._session.scalar(found.execution_options(populate_existing=True))
        if row is None:
            raise BotForbidden
        return bot_of(row)

    async def add(self, bot: Bot) -> None:
        self._check(bot)
        values = {
            "id": bot.id,
            "public_id": bot.public_id,
            "created_at": bot.created_at,
            "updated_at": bot.updated_at,
            **_values(bot),
        }
        try:
            await self._session.execute(insert(BotRow).values(values))
        except IntegrityError as error:
            raise _meaning(error, bot) from None
        await self._session.execute(insert(LaneRow).values(bot_id=bot.id))

    async def save(self, bot: Bot) -> None:
        self._check(bot)
        change = update(BotRow).where(BotRow.id == bot.id).values(_values(bot)).returning(BotRow.id)
        try:
            saved = await self._session.scalar(change)
        except IntegrityError as error:
            raise _meaning(error, bot) from None
        if saved is None:
            raise BotForbidden

    async def remove(self) -> None:
        await self.get(lock=True)
        for rows in _TENANT_ROWS:
            await self._session.execute(
                delete(rows)
                .where(rows.bot_id == self._bot_id)
                .execution_options(synchronize_session=False)
            )
        await self._session.execute(
            delete(BotRow)
            .where(BotRow.id == self._bot_id)
            .execution_options(synchronize_session=False)
        )

    async def secrets(self) -> BotSecrets:
        row = await self._session.scalar(
            select(BotSecretsRow)
            .where(BotSecretsRow.bot_id == self._bot_id)
            .execution_options(populate_existing=True)
        )
        if row is None:
            return BotSecrets()
        return BotSecrets(
            sealed_token=None if row.sealed_token is None else SealedSecret(row.sealed_token),
            webhook_fingerprint=row.webhook_fingerprint,
        )

    async def save_secrets(self, secrets: BotSecrets) -> None:
        values: dict[str, Any] = {
            "sealed_token": None if secrets.sealed_token is None else secrets.sealed_token.value,
            "webhook_fingerprint": secrets.webhook_fingerprint,
            "updated_at": func.clock_timestamp(),
        }
        await self._session.execute(
            upsert(BotSecretsRow)
            .values(bot_id=self._bot_id, **values)
            .on_conflict_do_update(index_elements=["bot_id"], set_=values)
        )

    def _check(self, bot: Bot) -> None:
        if bot.id != self._bot_id:
            raise ForeignRow


async def lock_lane(session: AsyncSession, bot_id: BotId) -> None:
    """Wait for every claim and record that is under way; the first lock of all."""
    await session.execute(select(LaneRow.bot_id).where(LaneRow.bot_id == bot_id).with_for_update())


async def lock_bot(session: AsyncSession, bot_id: BotId) -> None:
    """After the lane, before any item."""
    await session.execute(select(BotRow.id).where(BotRow.id == bot_id).with_for_update())


def _values(bot: Bot) -> dict[str, Any]:
    """What may change of a bot."""
    return {
        "slug": bot.slug,
        "name": bot.name,
        "owner_id": bot.owner_id,
        "telegram_id": bot.telegram_id,
        "telegram_username": bot.telegram_username,
        "token_state": bot.token_state.value,
        "webhook_state": bot.webhook_state.value,
        "read_only": bot.read_only,
    }


def _meaning(error: IntegrityError, bot: Bot) -> Exception:
    if constraint_of(error) == "bots_telegram_id":
        return BotInUse(bot.telegram_username or str(bot.telegram_id))
    return error
