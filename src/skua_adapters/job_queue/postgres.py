"""Wake-ups through the database: LISTEN and NOTIFY, or a poll where a pooler can't carry them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql.errors import driver_dsn
from skua_adapters._sql.sessions import Sessions
from skua_adapters._sql.tables import WakeRow
from skua_adapters.job_queue.in_process import InProcessJobQueue
from skua_core.errors import QueueUnavailable, StorageUnavailable
from skua_core.ids import BotId, parse_id
from skua_core.ports.job_queue import JobQueue

_CHANNEL = "skua_wakes"
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # What it says when the server's farewell came in the midst of a statement.
    asyncpg.InternalClientError,
)
_PING_SECONDS = 15.0
_PAUSE_SECONDS = 0.5
_POLL_SECONDS = 0.2
# A wake-up is seen when its transaction ends, which may be some time after the time it carries.
_OVERLAP = timedelta(seconds=5)


class PostgresJobQueue(JobQueue):
    """Over one connection of its own, past any pooler, made again whenever it breaks."""

    def __init__(self, url: str, *, timeout: float = 2.0) -> None:
        """``timeout`` is how many seconds a connection or a wake-up may take."""
        self._dsn = driver_dsn(url)
        self._timeout = timeout
        self._here = InProcessJobQueue()
        self._keeper: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection | None = None
        self._connected = asyncio.Event()
        # asyncpg runs one statement of a connection at a time.
        self._turn = asyncio.Lock()
        self._closed = False

    async def wake(self, bot_id: BotId) -> None:
        if self._closed:
            return
        self._start()
        try:
            async with asyncio.timeout(self._timeout):
                await self._connected.wait()
                await self._execute("SELECT pg_notify($1, $2)", _CHANNEL, str(bot_id))
        except _AWAY:
            return

    def nudges(self) -> AsyncIterator[BotId]:
        self._start()
        return self._here.nudges()

    async def jobs(self) -> AsyncGenerator[BotId]:
        async for bot_id in self.nudges():
            yield bot_id

    async def check(self) -> None:
        self._start()
        try:
            async with asyncio.timeout(self._timeout):
                await self._connected.wait()
        except TimeoutError:
            raise QueueUnavailable("no connection to the database") from None

    async def close(self) -> None:
        self._closed = True
        await self._here.close()
        await _end(self._keeper)

    def _start(self) -> None:
        if self._keeper is None and not self._closed:
            self._keeper = asyncio.create_task(self._keep_listening())

    async def _keep_listening(self) -> None:
        while True:
            try:
                await self._listen()
            except _AWAY:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=self._timeout)
        broken = asyncio.Event()
        connection.add_termination_listener(lambda _: broken.set())
        try:
            await connection.add_listener(_CHANNEL, self._hear)
            self._connection = connection
            self._connected.set()
            while not broken.is_set():
                try:
                    await asyncio.wait_for(broken.wait(), _PING_SECONDS)
                except TimeoutError:
                    # A peer that vanished without a word is noticed only by writing to it.
                    async with asyncio.timeout(self._timeout):
                        await self._execute("SELECT 1")
        finally:
            self._connected.clear()
            self._connection = None
            connection.terminate()

    async def _execute(self, statement: str, *arguments: str) -> None:
        async with self._turn:
            if self._connection is not None:
                await self._connection.execute(statement, *arguments)

    async def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        bot_id = parse_id(BotId, str(payload))
        if bot_id is not None:
            await self._here.wake(bot_id)


class PolledPostgresJobQueue(JobQueue):
    """For behind a pooler in transaction mode: word is left in a table, and looked for."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = Sessions(engine)
        self._here = InProcessJobQueue()
        self._poller: asyncio.Task[None] | None = None
        self._heard: set[tuple[UUID, object]] = set()
        self._closed = False

    async def wake(self, bot_id: BotId) -> None:
        if self._closed:
            return
        try:
            async with self._sessions.begin() as session:
                await session.execute(
                    insert(WakeRow)
                    .values(bot_id=bot_id, woken_at=func.clock_timestamp())
                    .on_conflict_do_update(
                        index_elements=[WakeRow.bot_id],
                        set_={WakeRow.woken_at: func.clock_timestamp()},
                    )
                )
                await session.commit()
        except StorageUnavailable:
            return

    def nudges(self) -> AsyncIterator[BotId]:
        if self._poller is None and not self._closed:
            self._poller = asyncio.create_task(self._poll())
        return self._here.nudges()

    async def jobs(self) -> AsyncGenerator[BotId]:
        async for bot_id in self.nudges():
            yield bot_id

    async def check(self) -> None:
        try:
            async with self._sessions.begin():
                pass
        except StorageUnavailable as error:
            raise QueueUnavailable(f"the database: {error.reason}") from None

    async def close(self) -> None:
        self._closed = True
        await self._here.close()
        await _end(self._poller)

    async def _poll(self) -> None:
        while True:
            try:
                await self._look()
            except StorageUnavailable:
                await asyncio.sleep(_PAUSE_SECONDS)
            await asyncio.sleep(_POLL_SECONDS)

    async def _look(self) -> None:
        async with self._sessions.begin() as session:
            recent = WakeRow.woken_at > func.clock_timestamp() - _OVERLAP
            rows = await session.execute(select(WakeRow.bot_id, WakeRow.woken_at).where(recent))
        news = {(row.bot_id, row.woken_at) for row in rows}
        for bot_id, _ in news - self._heard:
            await self._here.wake(BotId(bot_id))
        self._heard = news


async def _end(task: asyncio.Task[None] | None) -> None:
    while task is not None and not task.done():
        task.cancel()
        # Before Python 3.12 wait_for, which asyncpg connects with, swallows a cancellation that
        # comes together with what it waited for.
        await asyncio.wait([task], timeout=1)
