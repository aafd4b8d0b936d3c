"""A real PostgreSQL for the tests: one cluster for each session, a database for whoever asks.

Each xdist worker is a session and has its own. SKUA_TEST_POSTGRES_BIN names the folder of other
programs, such as those of PostgreSQL 15.
"""

import asyncio
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Self

import asyncpg
import pytest

from skua_adapters.embedded_postgres import ClusterInUse, EmbeddedPostgres, EmbeddedPostgresError
from skua_adapters.embedded_postgres.lock import ClusterLock

_PREFIX = f"skua-tests-{os.geteuid()}-"
_YOUNG_SECONDS = 60
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


@dataclass(frozen=True)
class Database:
    """One database of the test cluster; ``url`` and ``dsn`` are the superuser's."""

    name: str
    server: EmbeddedPostgres

    @property
    def url(self) -> str:
        """For SQLAlchemy."""
        return self.server.url(database=self.name)

    @property
    def dsn(self) -> str:
        """For ``asyncpg.connect``."""
        return self.server.dsn(database=self.name)

    def url_of(self, role: str) -> str:
        """For SQLAlchemy as ``role``, made with the cluster's ``role_password(role)``."""
        return self.server.url(role, self.name)


class PostgresCluster:
    """Makes and drops databases; its methods block for milliseconds and may be called anywhere."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        # An event loop of its own, so that plain and async fixtures can both ask.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="test-cluster")
        self._loop = asyncio.Runner()
        self._connection = self._run(asyncpg.connect(server.dsn()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._connection.close())
        self._thread.submit(self._loop.close).result()
        self._thread.shutdown()

    def create_database(self, template: str | None = None) -> Database:
        """A new one, empty or a copy of the database named ``template``.

        Nobody may be connected to the template at that moment.
        """
        name = f"test_{uuid.uuid4().hex}"
        self._run(
            self._connection.execute(
                f'CREATE DATABASE "{name}" TEMPLATE "{template or "template1"}" STRATEGY file_copy'
            )
        )
        return Database(name, self.server)

    def drop_database(self, database: Database) -> None:
        """Also while somebody is connected to it."""
        self._run(self._connection.execute(f'DROP DATABASE "{database.name}" WITH (FORCE)'))

    def role_password(self, role: str) -> str:
        return self.server.role_password(role)

    def _run(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self._thread.submit(self._loop.run, call).result()


def bin_dir_of_tests() -> Path | None:
    named = os.environ.get("SKUA_TEST_POSTGRES_BIN")
    return Path(named) if named else None


def skip_or_fail(error: EmbeddedPostgresError) -> NoReturn:
    if os.environ.get("CI"):
        raise error
    pytest.skip(f"no PostgreSQL can run here: {error}")


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """Skips where no server can run; an error instead when CI is set."""
    with ExitStack() as cleanup:
        server = EmbeddedPostgres(
            cleanup.enter_context(_MemoryDirectory()),
            options=_SETTINGS,
            bin_dir=bin_dir_of_tests(),
        )
        try:
            cleanup.enter_context(server)
        except EmbeddedPostgresError as error:
            skip_or_fail(error)
        yield cleanup.enter_context(PostgresCluster(server))


@pytest.fixture
def postgres_database(postgres_cluster: PostgresCluster) -> Iterator[Database]:
    """An empty one for this test alone."""
    database = postgres_cluster.create_database()
    yield database
    postgres_cluster.drop_database(database)


class _MemoryDirectory:
    """A new folder in memory where there is such a place, else among the temporary files."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")  # noqa: S108 - made with mkdtemp
        self._base = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())

    def __enter__(self) -> Path:
        self._remove_what_killed_sessions_left()
        self._path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._base))
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path)

    def _remove_what_killed_sessions_left(self) -> None:
        """Their servers ended with them; the folders are told by a lock that nobody holds."""
        for left in self._base.glob(f"{_PREFIX}*"):
            try:
                if time.time() - left.stat().st_mtime > _YOUNG_SECONDS:
                    with ClusterLock(left):
                        shutil.rmtree(left)
            except (ClusterInUse, FileNotFoundError):
                continue
