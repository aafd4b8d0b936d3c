"""``skua up``: its child dies and is started again; it dies itself and leaves nothing behind."""

import os
import signal
from http import HTTPStatus
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from skua_adapters._sql import roles
from skua_adapters.embedded_postgres import EmbeddedPostgres
from skua_adapters.telegram_simulator import LatencySettings
from skua_core.domain.delivery import DeliveryStatus
from tests.e2e.delivery.conftest import BuildScene, Scene
from tests.e2e.delivery.installation import SHORT_LANES
from tests.e2e.delivery.programs import Program, free_port
from tests.e2e.embedded_postgres.rig import processes_in

pytestmark = [pytest.mark.external, pytest.mark.timeout(240)]

LATENCY = LatencySettings(mean=0.2, deviation=0.05)


async def _build(build_scene: BuildScene, place: Path, **settings: str) -> Scene:
    data = place / "data"
    postgres = EmbeddedPostgres(data / "postgres")
    environment = {"SKUA_DATA_DIR": str(data), "SKUA_SEND_RATE": "100", **settings}
    return await build_scene(
        environment,
        dsn=postgres.dsn(database="skua"),
        database_url=postgres.url(roles.APP, "skua"),
        latency=LATENCY,
    )


async def test_child_that_dies_costs_seconds_not_the_time_of_a_takeover(
    build_scene: BuildScene, place: Path
) -> None:
    scene = await _build(build_scene, place)
    installation = scene.installation
    supervisor = await _up(scene)
    bot, _ = await scene.connect(500)
    broadcast = await installation.broadcast(bot, "spring")
    await installation.until_broadcast(
        broadcast, lambda row: row["sent"] > 100 and row["in_flight"] > 0
    )
    os.kill(_child_of(supervisor), signal.SIGKILL)
    await installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)

    (books,) = await installation.books()
    assert books.lane_epoch == 2
    first, second = (
        [row.claimed_at or 0.0 for row in books.rows if row.epoch == epoch] for epoch in (1, 2)
    )
    # A lane whose heartbeat is missing is taken over after 20 seconds; this one was set free.
    assert min(second) - max(first) < 15
    assert books.broadcasts[0].counts[DeliveryStatus.UNCERTAIN]
    await scene.assert_promises_kept()
    assert await supervisor.stop() == 0


async def test_supervisor_that_dies_leaves_nothing_behind_and_the_next_goes_on(
    build_scene: BuildScene, place: Path
) -> None:
    scene = await _build(build_scene, place, **SHORT_LANES)
    installation, telegram = scene.installation, scene.telegram
    supervisor = await _up(scene)
    bot, audience = await scene.connect(400)
    broadcast = await installation.broadcast(bot, "spring")
    await installation.until_broadcast(broadcast, lambda row: row["sent"] > 100)
    child = _child_of(supervisor)
    await supervisor.kill()
    await installation.until(lambda: _gone(child, place), "child and database to end", seconds=25)

    # The next one starts although Telegram can't be reached, and catches up when it can.
    await telegram.stop()
    again = await _up(scene)
    await installation.until(lambda: _put_back(scene), "a message to find no Telegram")
    await telegram.start()
    await telegram.add_audience(bot.telegram_id, audience)
    newcomers = range(audience.stop, audience.stop + 20)
    await telegram.join(bot.telegram_id, newcomers, rate=0)
    await installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)
    await installation.until(lambda: _joined(scene, newcomers), "updates to be fetched")

    await scene.assert_promises_kept()
    assert await again.stop() == 0


async def test_database_that_dies_alone_is_started_again(
    build_scene: BuildScene, place: Path
) -> None:
    scene = await _build(build_scene, place)
    installation = scene.installation
    supervisor = await _up(scene)
    bot, _ = await scene.connect(400)
    broadcast = await installation.broadcast(bot, "spring")
    await installation.until_broadcast(broadcast, lambda row: row["sent"] > 100)
    os.kill(_child_of(supervisor, "postgres"), signal.SIGKILL)

    await installation.until(lambda: _answers(scene), "the database", show_books=False)
    await installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)
    await scene.assert_promises_kept()
    assert await supervisor.stop() == 0


async def _answers(scene: Scene) -> bool | None:
    try:
        await scene.installation.row("SELECT 1")
    except (OSError, asyncpg.PostgresError):
        return None
    return True


async def _up(scene: Scene) -> Program:
    port = free_port()
    supervisor = await scene.installation.start(scene.installation.supervisor(port))

    async def look() -> bool | None:
        try:
            async with aiohttp.request("GET", f"http://127.0.0.1:{port}/healthz") as response:
                return response.status == HTTPStatus.OK or None
        except aiohttp.ClientConnectionError:
            return None

    await scene.installation.until(look, "skua up to serve", show_books=False)
    return supervisor


def _child_of(supervisor: Program, program: str = "skua_app.child") -> int:
    children = Path(f"/proc/{supervisor.pid}/task").glob("*/children")
    pids = [int(pid) for each in children for pid in each.read_text().split()]
    (child,) = (
        pid for pid in pids if program.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    return child


async def _gone(child: int, place: Path) -> bool | None:
    return None if processes_in(place) or _lives(child) else True


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def _put_back(scene: Scene) -> bool | None:
    row = await scene.installation.row(
        "SELECT count(*) FROM tenant.deliveries WHERE status = 'pending' AND due_at IS NOT NULL"
    )
    return True if row["count"] else None


async def _joined(scene: Scene, newcomers: range) -> bool | None:
    row = await scene.installation.row(
        "SELECT count(*) FROM tenant.subscribers WHERE chat_id >= $1 AND status = 'active'",
        newcomers.start,
    )
    return True if row["count"] == len(newcomers) else None
