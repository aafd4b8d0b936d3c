"""Where a command's database is: at its URL, in a running ``skua up``, or started for so long."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from urllib.parse import urlsplit

from rich.console import Console

from skua_adapters._sql.boot_check import check_storage
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.migrations import check_known, current_and_head
from skua_adapters.embedded_postgres import ClusterInUse
from skua_app.cli.surroundings import Reached
from skua_app.embedded import EmbeddedInstallation
from skua_app.settings import Settings, database_url
from skua_core.errors import ErrorKind, SkuaError, StorageUnavailable, StorageUnfit

_PATIENCE = 60.0
"""Seconds that another process may take to start the database or to bring it up to date."""
_POLL = 0.2


class DatabaseAway(SkuaError):
    kind = ErrorKind.UNAVAILABLE
    code = "database-away"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"The database at {_place(url)} is not available ({reason}). Check that it runs and "
            "that SKUA_DATABASE_URL names it."
        )


@contextmanager
def reach(settings: Settings) -> Iterator[Reached]:
    """Raises DatabaseAway, StorageUnfit and EmbeddedPostgresError."""
    if settings.skua_database_url is not None:
        asyncio.run(check(settings))
        yield Reached(settings=settings, alone=False)
        return
    installation = EmbeddedInstallation(settings)
    with ExitStack() as running:
        with _told():
            alone = _enter(installation, running)
        yield Reached(settings=installation.settings, alone=alone)


async def check(settings: Settings) -> None:
    """Whether the database of SKUA_DATABASE_URL can be used as it is.

    Raises DatabaseAway and StorageUnfit.
    """
    url = database_url(settings)
    engine = create_engine(url, pooled=settings.skua_database_pooled)
    try:
        await check_storage(engine)
    except StorageUnavailable as error:
        raise DatabaseAway(url, error.reason) from None
    finally:
        await engine.dispose()


def _enter(installation: EmbeddedInstallation, running: ExitStack) -> bool:
    """Whether the server was started here, not found running."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            running.enter_context(installation)
        except ClusterInUse:
            if _is_ready(installation):
                return False
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL)
        else:
            return True


def _is_ready(installation: EmbeddedInstallation) -> bool:
    """Whether the server that another process started is up, with its tables in place.

    Raises StorageUnfit when that process is of a newer Skua.
    """
    try:
        current, head = asyncio.run(current_and_head(database_url(installation.settings)))
    except (StorageUnavailable, StorageUnfit):
        return False
    check_known(current)
    return current == head


def _told() -> AbstractContextManager[object]:
    console = Console(stderr=True)
    return console.status("Starting the database …") if console.is_terminal else nullcontext()


def _place(url: str) -> str:
    """Host, port and name: a URL also holds a password."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return "SKUA_DATABASE_URL"
    return f"{parts.hostname or 'a local socket'}{port}{parts.path}"
