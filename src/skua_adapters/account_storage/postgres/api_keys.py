"""Keys of programs."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from skua_adapters._sql.tables import ApiKeyRow, UserRow
from skua_adapters._sql.users import user_of
from skua_core.domain.session import ApiKey, KeyAccess, LiveKey
from skua_core.ids import ApiKeyId, BotId, UserId
from skua_core.ports.account_storage import ApiKeyRepository

_NOTED_EVERY = timedelta(minutes=1)


class PostgresApiKeyRepository(ApiKeyRepository):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, key: ApiKey) -> None:
        await self._session.execute(
            insert(ApiKeyRow).values(
                id=key.id,
                secret_hash=key.secret_hash,
                user_id=key.user_id,
                name=key.name,
                access=key.access.value,
                bot_ids=None if key.bots is None else list(key.bots),
                created_at=key.created_at,
                expires_at=key.expires_at,
                last_used_at=key.last_used_at,
            )
        )

    async def live(self, secret_hash: bytes) -> LiveKey | None:
        found = await self._session.execute(
            select(ApiKeyRow, UserRow, _is_stale())
            .join(UserRow, UserRow.id == ApiKeyRow.user_id)
            .where(
                ApiKeyRow.secret_hash == secret_hash,
                or_(ApiKeyRow.expires_at.is_(None), ApiKeyRow.expires_at > func.clock_timestamp()),
                UserRow.disabled_at.is_(None),
            )
            .execution_options(populate_existing=True)
        )
        for row, user, stale in found:
            live = LiveKey(key=_key_of(row), user=user_of(user))
            if stale:
                await self._note_used(ApiKeyId(row.id))
            return live
        return None

    async def of_user(self, user_id: UserId) -> Sequence[ApiKey]:
        rows = await self._session.scalars(
            select(ApiKeyRow)
            .where(ApiKeyRow.user_id == user_id)
            .order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.id.desc())
            .execution_options(populate_existing=True)
        )
        return [_key_of(row) for row in rows]

    async def remove(self, user_id: UserId, *, only: ApiKeyId | None = None) -> int:
        removed = delete(ApiKeyRow).where(ApiKeyRow.user_id == user_id)
        if only is not None:
            removed = removed.where(ApiKeyRow.id == only)
        ids = await self._session.scalars(
            removed.returning(ApiKeyRow.id).execution_options(synchronize_session=False)
        )
        return len(ids.all())

    async def _note_used(self, key_id: ApiKeyId) -> None:
        # A busy program uses its key in many requests at once: one of them notes it.
        free = (
            select(ApiKeyRow.id)
            .where(ApiKeyRow.id == key_id, _is_stale())
            .with_for_update(key_share=True, skip_locked=True)
        )
        await self._session.execute(
            update(ApiKeyRow)
            .where(ApiKeyRow.id.in_(free))
            .values(last_used_at=func.clock_timestamp())
            .execution_options(synchronize_session=False)
        )


def _is_stale() -> ColumnElement[bool]:
    return or_(
        ApiKeyRow.last_used_at.is_(None),
        ApiKeyRow.last_used_at + _NOTED_EVERY <= func.clock_timestamp(),
    )


def _key_of(row: ApiKeyRow) -> ApiKey:
    bots = row.bot_ids
    return ApiKey(
        id=ApiKeyId(row.id),
        secret_hash=row.secret_hash,
        user_id=UserId(row.user_id),
        name=row.name,
        access=KeyAccess(row.access),
        bots=None if bots is None else tuple(BotId(bot_id) for bot_id in bots),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
