"""Where a command's database is: at its URL, in a running ``skua up``, or started for so long."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from rich.console import Console

from skua_adapters._sql.boot_check import check_storage
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.migrations import current_and_head
from skua_adapters.embedded_postgres import ClusterInUse
from skua_app.cli.surroundings import Reached
from skua_app.container import database_url
from skua_app.embedded import EmbeddedInstallation
from skua_app.settings import Settings
from skua_core.errors import StorageUnavailable, StorageUnfit

_PATIENCE = 60.0
"""Seconds that another process may take to start the database or to bring it up to date."""
_POLL = 0.2


@contextmanager
def reach(settings: Settings) -> Iterator[Reached]:
    """Raises StorageUnavailable, StorageUnfit and EmbeddedPostgresError."""
    if settings.skua_database_url is not None:
        asyncio.run(_check(settings))
        yield Reached(settings=settings, alone=False)
        return
    installation = EmbeddedInstallation(settings)
    with ExitStack() as running:
        with _told():
            alone = _enter(installation, running)
        yield Reached(settings=installation.settings, alone=alone)


async def _check(settings: Settings) -> None:
    engine = create_engine(database_url(settings), pooled=settings.skua_database_pooled)
    try:
        await check_storage(engine)
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
    """Whether the server that another process started is up, with its tables in place."""
    try:
        current, head = asyncio.run(current_and_head(database_url(installation.settings)))
    except (StorageUnavailable, StorageUnfit):
        return False
    return current == head


def _told() -> AbstractContextManager[object]:
    console = Console(stderr=True)
    return console.status("Starting the database …") if console.is_terminal else nullcontext()
