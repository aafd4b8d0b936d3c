"""Transactions over one engine, inside one bot or inside none."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from skua_adapters._sql.errors import Trouble, translated
from skua_adapters._sql.tenancy import TenantSession, begin_now
from skua_core.errors import StorageUnavailable


class Sessions:
    """Shared by all tasks."""

    def __init__(
        self, engine: AsyncEngine, *, lock_timeout: float = 5.0, idle_timeout: float = 12.0
    ) -> None:
        """``lock_timeout`` is how many seconds a statement waits for a row that somebody holds.

        A process that freezes inside a transaction keeps its locks for ``idle_timeout`` seconds.
        """
        self._engine = engine
        self._settings = {
            "lock_timeout": _milliseconds(lock_timeout),
            "idle_in_transaction_session_timeout": _milliseconds(idle_timeout),
            # A claim that a crash of the server forgets would be sent again.
            "synchronous_commit": "on",
        }

    @asynccontextmanager
    async def begin(
        self, bot_id: UUID | None = None, *, settings: Mapping[str, str] = MappingProxyType({})
    ) -> AsyncIterator[AsyncSession]:
        """A session whose transaction has begun; what isn't committed is discarded.

        ``settings`` are PostgreSQL's own, in force for this transaction beside the usual ones. It
        can't be used again after its end. Raises StorageUnavailable and StorageUnfit.
        """
        try:
            session = await self._begun(bot_id, settings)
        except StorageUnavailable as error:
            if error.reason is not Trouble.LOST:
                raise
            # The pool's connections died while they were idle. Nothing has been done yet, and the
            # pool knows now: the next one is new.
            session = await self._begun(bot_id, settings)
        async with session:
            yield session

    async def close(self) -> None:
        await self._engine.dispose()

    async def _begun(self, bot_id: UUID | None, settings: Mapping[str, str]) -> AsyncSession:
        session = AsyncSession(
            self._engine,
            sync_session_class=TenantSession,
            expire_on_commit=False,
            close_resets_only=False,
            bot_id=bot_id,
            settings={**self._settings, **settings},
        )
        try:
            with translated():
                await session.run_sync(begin_now)
        except BaseException:
            await session.close()
            raise
        return session


async def commit(session: AsyncSession) -> None:
    """Raises StorageUnavailable with ``unsure`` when the connection broke meanwhile."""
    try:
        await session.commit()
    except StorageUnavailable as error:
        unsure = error.reason in {Trouble.LOST, Trouble.SLOW}
        raise StorageUnavailable(error.reason, unsure=unsure) from None


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
