"""Users and bots in PostgreSQL, across tenants."""

from collections.abc import Sequence

from sqlalchemy import exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import ColumnElement

from skua_adapters._sql.bots import bot_of
from skua_adapters._sql.sessions import Sessions
from skua_adapters._sql.tables import BotPermissionRow, BotRow, UserRow
from skua_adapters._sql.users import user_of
from skua_core.domain.bot import Bot, TokenState, WebhookState
from skua_core.domain.user import User
from skua_core.errors import BotForbidden
from skua_core.ids import BotId, UserId
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.platform_storage import BotDirectory, PlatformStorage


class PostgresPlatformStorage(PlatformStorage, BotDirectory):
    def __init__(self, engine: AsyncEngine, *, ids: IdFactory) -> None:
        self._sessions = Sessions(engine)
        self._ids = ids

    async def ensure_user(self, login: str) -> User:
        async with self._sessions.begin() as session:
            # Whoever took the local user over comes first, also when another was made meanwhile.
            known = (
                select(UserRow)
                .where(or_(UserRow.login == login, UserRow.local_login == login))
                .order_by(UserRow.login == login)
                .limit(1)
            )
            row = await session.scalar(known)
            if row is None:
                await session.execute(
                    insert(UserRow)
                    .values(id=self._ids.new(), login=login, created_at=func.clock_timestamp())
                    .on_conflict_do_nothing(index_elements=[UserRow.login])
                )
                row = (await session.scalars(known)).one()
            await session.commit()
            return user_of(row)

    async def resolve_bot(self, slug: str, user_id: UserId) -> Bot:
        found = await self._bots(BotRow.slug == slug, _may_see(user_id))
        if not found:
            raise BotForbidden
        return found[0]

    async def list_bots(self, user_id: UserId) -> Sequence[Bot]:
        return await self._bots(_may_see(user_id))

    async def find_by_public_id(self, public_id: str) -> BotId | None:
        found = await self._bots(BotRow.public_id == public_id)
        return found[0].id if found else None

    async def polled_bots(self) -> Sequence[BotId]:
        return await self._working_with(WebhookState.POLLING)

    async def webhooks_to_repair(self, *, public: bool) -> Sequence[BotId]:
        other = WebhookState.POLLING if public else WebhookState.SET
        return await self._working_with(WebhookState.PENDING, other)

    async def page(self, *, after: BotId | None, limit: int) -> Sequence[BotId]:
        found = select(BotRow.id).order_by(BotRow.id).limit(limit)
        if after is not None:
            found = found.where(BotRow.id > after)
        async with self._sessions.begin() as session:
            return [BotId(bot_id) for bot_id in await session.scalars(found)]

    async def linked_to(self, user_id: UserId) -> Sequence[BotId]:
        found = func.platform.chat_links_of(user_id).table_valued("bot_id")
        async with self._sessions.begin() as session:
            return [BotId(bot_id) for bot_id in await session.scalars(select(found.c.bot_id))]

    async def _working_with(self, *states: WebhookState) -> list[BotId]:
        bots = await self._bots(
            BotRow.token_state == TokenState.ACTIVE, BotRow.webhook_state.in_(states)
        )
        return [bot.id for bot in bots]

    async def _bots(self, *where: ColumnElement[bool]) -> list[Bot]:
        async with self._sessions.begin() as session:
            rows = await session.scalars(select(BotRow).where(*where).order_by(BotRow.slug))
            return [bot_of(row) for row in rows]


def _may_see(user_id: UserId) -> ColumnElement[bool]:
    granted = exists().where(
        BotPermissionRow.bot_id == BotRow.id, BotPermissionRow.user_id == user_id
    )
    return or_(BotRow.owner_id == user_id, granted)
