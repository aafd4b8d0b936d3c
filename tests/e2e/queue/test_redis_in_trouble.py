"""Redis is wiped, killed, frozen and full while bots send; no message is lost, none comes twice."""

import asyncio
import os
import signal

import pytest

from skua_adapters.telegram_simulator import LatencySettings
from skua_core.domain.broadcast import Broadcast
from tests.e2e.delivery.conftest import Scene, SetUp
from tests.e2e.delivery.installation import ConnectedBot
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.external, pytest.mark.timeout(240)]

BOTS, AUDIENCE = 5, 60
TROUBLE = 1.5


async def test_whatever_happens_to_redis_nobody_is_skipped_or_served_twice(
    set_up: SetUp, redis_server: RedisServer, over_redis: dict[str, str]
) -> None:
    scene = await set_up(
        rate=50, bots=BOTS, latency=LatencySettings(mean=0.1, deviation=0.03), **over_redis
    )
    installation = scene.installation
    bots = [(await scene.connect(AUDIENCE, number=number))[0] for number in range(BOTS)]
    for name in ("first", "second"):
        await installation.start(installation.worker(name))
    await installation.start(installation.server())
    sent = [await _broadcast_all(scene, bots, "calm")]

    redis_server.flush()
    sent.append(await _broadcast_all(scene, bots, "flushed"))
    redis_server.kill()
    sent.append(await _broadcast_all(scene, bots, "killed"))
    redis_server.start()
    os.kill(redis_server.pid, signal.SIGSTOP)
    sent.append(await _broadcast_all(scene, bots, "frozen"))
    os.kill(redis_server.pid, signal.SIGCONT)
    redis_server.set("maxmemory", "1kb")
    sent.append(await _broadcast_all(scene, bots, "full"))
    redis_server.set("maxmemory", "0")
    await asyncio.sleep(TROUBLE)
    sent.append(await _broadcast_all(scene, bots, "calm-again"))

    for broadcast in (each for batch in sent for each in batch):
        row = await installation.broadcast_row(broadcast)
        assert (row["sent"], row["uncertain"], row["failed"]) == (AUDIENCE, 0, 0)
    await scene.assert_promises_kept()


async def _broadcast_all(scene: Scene, bots: list[ConnectedBot], marker: str) -> list[Broadcast]:
    """From all bots, whole, within the time that a sweep may need."""
    broadcasts = [await scene.installation.broadcast(bot, f"{marker}{bot.slug}") for bot in bots]
    for broadcast in broadcasts:
        await scene.installation.until_broadcast(
            broadcast, lambda row: row["finished_at"] is not None, seconds=30
        )
    return broadcasts
