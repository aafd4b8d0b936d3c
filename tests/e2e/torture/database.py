"""A PostgreSQL of the torture's own, with all that survives a crash switched on."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Self

import asyncpg

from skua_adapters._sql import roles
from skua_adapters._sql.migrations.runner import migrate
from skua_adapters.embedded_postgres import EmbeddedPostgres

_NAME = "skua"
_LOOK = 0.01
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a question raises while the server is down or comes up. The last is asyncpg's confusion
over a connection that broke in the middle of an answer."""


class CrashableDatabase:
    """Entering starts the server and migrates; leaving stops it."""

    def __init__(self, directory: Path, *, bin_dir: Path | None) -> None:
        self._server = EmbeddedPostgres(
            directory, options={"max_connections": "200"}, bin_dir=bin_dir
        )
        self.dsn = self._server.dsn(database=_NAME)
        self.url = self._server.url(roles.APP, _NAME)
        self._starting: asyncio.Task[None] | None = None
        self.falls: list[tuple[float, float]] = []
        """When it was away, on the monotonic clock."""

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._server.start)
        try:
            await self._prepare()
        except BaseException:
            await asyncio.to_thread(self._server.stop)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._starting is not None:
            # The run ends in the middle of a fall: what is half started can't be stopped.
            await asyncio.wait({self._starting})
        await asyncio.to_thread(self._server.stop)

    async def version(self) -> str:
        connection = await asyncpg.connect(self.dsn)
        try:
            return str(await connection.fetchval("SHOW server_version"))
        finally:
            await connection.close()

    async def fall(self, number: signal.Signals, seconds: float) -> None:
        """End the server the hard way, and start it again after so many seconds."""
        pid = self._server.pid
        assert pid is not None, "the server isn't there to fall"
        began = time.monotonic()
        os.kill(pid, number)
        while self._server.pid is not None:  # noqa: ASYNC110 - another process's end
            await asyncio.sleep(_LOOK)
        await asyncio.sleep(seconds)
        self._starting = asyncio.create_task(asyncio.to_thread(self._server.start))
        await asyncio.shield(self._starting)
        self.falls.append((began, time.monotonic()))

    async def kill_connection(self) -> None:
        """Kill the process behind one of Skua's connections: the server then begins anew."""
        began = time.monotonic()
        with contextlib.suppress(*AWAY):
            connection = await asyncpg.connect(self.dsn)
            try:
                pid = await connection.fetchval(
                    "SELECT pid FROM pg_stat_activity WHERE usename = $1"
                    " ORDER BY state_change DESC LIMIT 1",
                    roles.APP,
                )
                if pid is not None:
                    os.kill(pid, signal.SIGKILL)
            finally:
                connection.terminate()
        await self.until_there()
        self.falls.append((began, time.monotonic()))

    async def until_there(self) -> None:
        while True:
            with contextlib.suppress(*AWAY):
                connection = await asyncpg.connect(self.dsn, timeout=2)
                await connection.close()
                return
            await asyncio.sleep(_LOOK)

    async def _prepare(self) -> None:
        connection = await asyncpg.connect(self._server.dsn())
        try:
            await connection.execute(f"CREATE DATABASE {_NAME}")
        finally:
            await connection.close()
        passwords = {role: self._server.role_password(role) for role in roles.LOGINS}
        await roles.create_roles(self._server.url(database=_NAME), passwords)
        await migrate(self._server.url(roles.OWNER, _NAME))
