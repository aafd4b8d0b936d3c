"""The database is stopped the hard way in the middle of a broadcast, and started again."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from skua_adapters._keys.ring import make_key
from skua_adapters.telegram_simulator import LatencySettings
from skua_app.embedded import EmbeddedInstallation
from skua_app.settings import load
from skua_core.domain.delivery import DeliveryStatus
from tests.e2e.delivery.conftest import BuildScene, separate_processes

pytestmark = [pytest.mark.external, pytest.mark.timeout(180)]


@pytest.fixture
async def database(place: Path, cleanup: AsyncExitStack) -> EmbeddedInstallation:
    """A server of its own, with all that survives a crash switched on."""
    environment = {"SKUA_DATA_DIR": str(place / "database"), "WEB_SECRET_KEY": make_key()}
    installation = EmbeddedInstallation(load(environment))
    # Entering runs an event loop, which can't be done on this thread.
    await asyncio.to_thread(installation.__enter__)
    cleanup.push_async_callback(asyncio.to_thread, installation.postgres.stop)
    return installation


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(signal.SIGQUIT, id="immediate shutdown"),
        pytest.param(signal.SIGKILL, id="kill"),
    ],
)
async def test_broadcast_goes_on_after_the_database_fell(
    database: EmbeddedInstallation, build_scene: BuildScene, end: signal.Signals
) -> None:
    url = database.settings.skua_database_url
    assert url is not None
    scene = await build_scene(
        separate_processes(url, rate=100),
        dsn=database.postgres.dsn(database="skua"),
        database_url=url,
        latency=LatencySettings(mean=0.15, deviation=0.05),
    )
    installation = scene.installation
    bot, _ = await scene.connect(600)
    broadcast = await installation.broadcast(bot, "spring")
    await installation.start(installation.worker())
    for _ in range(2):
        await scene.until_sent(broadcast, more=100)
        assert database.postgres.pid is not None
        os.kill(database.postgres.pid, end)
        await asyncio.to_thread(_start_again, database)
    await installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)

    (books,) = await installation.books()
    counts = books.broadcasts[0].counts
    assert counts[DeliveryStatus.SENT] + counts[DeliveryStatus.UNCERTAIN] == 600
    await scene.assert_promises_kept()


def _start_again(database: EmbeddedInstallation) -> None:
    while database.postgres.pid is not None:
        time.sleep(0.01)
    database.postgres.start()
