"""An installation on one machine: its own PostgreSQL, its roles and tables, its secret key."""

import asyncio
import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from skua_adapters._keys.ring import make_key
from skua_adapters._sql import roles
from skua_adapters._sql.direct import connect
from skua_adapters._sql.migrations.runner import migrate
from skua_adapters.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from skua_app.settings import Settings

_log = logging.getLogger(__name__)
_DATABASE = "skua"
_LOOK = 0.5
"""Seconds between two looks at the server."""
_PAUSE = 5.0
"""Seconds until another try, after a start that failed."""


class EmbeddedInstallation:
    """Everything below one directory; two of them don't meet.

    Entering starts PostgreSQL, which ends with this process whatever ends that.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.directory = settings.skua_data_dir
        self.postgres = EmbeddedPostgres(self.directory / "postgres")

    def __enter__(self) -> Self:
        self.postgres.start()
        try:
            asyncio.run(self._prepare())
        except BaseException:
            self.postgres.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.postgres.stop()

    @property
    def settings(self) -> Settings:
        """The operator's settings, completed with where this installation keeps its things."""
        return msgspec.structs.replace(
            self._settings,
            skua_database_url=self.postgres.url(roles.APP, _DATABASE),
            skua_database_owner_url=self.postgres.url(roles.OWNER, _DATABASE),
            # One process does all the work, so nobody would take a job from there.
            skua_redis_url=None,
            web_secret_key=self._settings.web_secret_key or kept_secret_key(self.directory),
        )

    async def keep_database(self) -> None:
        """Start PostgreSQL again whenever it ends by itself, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            if self.postgres.pid is not None:
                continue
            _log.error("PostgreSQL ended; starting it again")
            try:
                await asyncio.to_thread(self.postgres.start)
            except EmbeddedPostgresError as error:
                _log.error("PostgreSQL can't be started again: %s", error)
                await asyncio.sleep(_PAUSE)

    async def _prepare(self) -> None:
        await _create_database(self.postgres.url())
        passwords = {role: self.postgres.role_password(role) for role in roles.LOGINS}
        await roles.create_roles(self.postgres.url(database=_DATABASE), passwords)
        await migrate(self.postgres.url(roles.OWNER, _DATABASE))


async def _create_database(url: str) -> None:
    async with connect(url, connect_timeout=10) as connection:
        there = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", _DATABASE)
        if not there:
            await connection.execute(f"CREATE DATABASE {_DATABASE}")


def kept_secret_key(directory: Path) -> str:
    """The random key of this installation, made at the first call and readable by its owner only.

    Without it no stored token can be read: it belongs into a backup, apart from the database.
    """
    path = directory / "secret.key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(make_key() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path.read_text().strip()
