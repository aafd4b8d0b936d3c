"""Everything through PgBouncer in transaction mode: broadcast, pause, takeover, hand-over."""

from collections.abc import Iterator

import pytest

from skua_adapters._sql import roles
from skua_adapters.telegram_simulator import LatencySettings
from tests.e2e.delivery.conftest import BuildScene, Scene, separate_processes
from tests.e2e.delivery.programs import free_port
from tests.e2e.queue.conftest import holder_pid
from tests.e2e.queue.pgbouncer import pgbouncer, program
from tests.postgres_cluster import Database

pytestmark = [
    pytest.mark.external,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        program() is None,
        reason="no pgbouncer here, and no package registry has it: `apt-get install pgbouncer`",
    ),
]

QUICK = 1.0
"""Seconds from a wake-up to the first message: a held lane hears it in a quarter of one."""


@pytest.fixture
def pooled_url(own_database: Database) -> Iterator[str]:
    with pgbouncer(own_database.url_of(roles.APP), free_port()) as url:
        yield url


@pytest.fixture
async def scene(own_database: Database, pooled_url: str, build_scene: BuildScene) -> Scene:
    environment = separate_processes(pooled_url, rate=100) | {"SKUA_DATABASE_POOLED": "yes"}
    return await build_scene(
        environment,
        dsn=own_database.dsn,
        database_url=pooled_url,
        latency=LatencySettings(mean=0.1, deviation=0.03),
    )


async def test_a_broadcast_is_paused_taken_over_and_finished(scene: Scene) -> None:
    installation = scene.installation
    bot, audience = await scene.connect(900)
    first = await installation.start(installation.worker("first"))
    second = await installation.start(installation.worker("second"))
    await installation.start(installation.server())
    broadcast = await installation.broadcast(bot, "spring")
    await scene.until_sent(broadcast, more=100)

    await installation.pause(bot, broadcast)
    row = await installation.until_broadcast(broadcast, lambda row: row["in_flight"] == 0)
    assert (row["status"], row["pending"] > 0) == ("paused", True)
    await installation.resume(bot, broadcast)
    await scene.until_sent(broadcast, more=100)
    workers = {first.pid: first, second.pid: second}
    holder = await holder_pid(scene)
    assert holder is not None
    await workers.pop(holder).kill()
    (other,) = workers.values()
    await scene.until_sent(broadcast, more=100)
    assert await holder_pid(scene) == other.pid

    row = await installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)
    assert row["sent"] + row["uncertain"] == len(audience)
    await scene.assert_promises_kept()


async def test_a_held_lane_hears_of_new_work_quickly(scene: Scene) -> None:
    installation = scene.installation
    bot, _ = await scene.connect(3)
    await installation.start(installation.worker())
    await installation.until_broadcast(
        await installation.broadcast(bot, "first"), lambda row: row["finished_at"] is not None
    )
    assert await holder_pid(scene) is not None

    second = await installation.broadcast(bot, "second")
    await installation.until_broadcast(
        second, lambda row: row["finished_at"] is not None, seconds=QUICK + 3
    )

    row = await installation.row(
        "SELECT extract(epoch FROM min(d.claimed_at) - b.created_at)::float8 AS waited"
        " FROM tenant.deliveries d JOIN tenant.broadcasts b ON b.id = d.source_id"
        " WHERE b.id = $1 GROUP BY b.created_at",
        second.id,
    )
    assert row["waited"] < QUICK, installation.tails()
    await scene.assert_promises_kept()
