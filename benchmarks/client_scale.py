"""Broadcasts of one bot, one after another, frozen and sent by this process: one JSON object.

``python -m benchmarks.client_scale SLUG ROUNDS WARM_UP_SLUG``; a broadcast of the last bot comes
first and isn't counted, so that connections and plans are there. Each is counted from the moment
that it was begun, freezing included.
"""

import asyncio
import json
import os
import sys
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.client_skua import Meter, begin_broadcast, finished, running
from benchmarks.installation import SUPERUSER
from skua_app import event_loop
from skua_app.container import QueueKind, make_container
from skua_app.settings import load
from skua_core.domain.pace import ChatPace
from skua_worker.runner import LaneRunner


async def _send(slug: str, rounds: int, warm_up: str) -> dict[str, Any]:
    container = make_container(load(os.environ), queue=QueueKind.IN_PROCESS)
    meter = Meter(await container.get(AsyncEngine))
    outside = await asyncpg.connect(os.environ[SUPERUSER])
    try:
        async with running(await container.get(LaneRunner)):
            begun, _ = await begin_broadcast(container, warm_up, paid=True)
            await finished(outside, [begun])
            costs = []
            for _ in range(rounds):
                # A lane rests that long between two broadcasts, for people who get both.
                await asyncio.sleep(ChatPace.GAP)
                begun, _ = await begin_broadcast(container, slug, paid=True)
                meter.begin()
                counts = await finished(outside, [begun])
                costs.append(counts | meter.read())
    finally:
        await outside.close()
        await container.close()
    summed = ("messages", "sent", "seconds", "cpu", "database_cpu", "far_end_cpu")
    return {name: sum(cost[name] for cost in costs) for name in summed} | {"rss": costs[-1]["rss"]}


if __name__ == "__main__":
    print(json.dumps(event_loop.run(_send(sys.argv[1], int(sys.argv[2]), sys.argv[3]))))
