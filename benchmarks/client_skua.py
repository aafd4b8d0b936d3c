"""Broadcasts sent by a worker in this process, and what that cost: one JSON object.

``python -m benchmarks.client_skua SLUG... [--free] [--window N]``, one broadcast for each bot; the
other settings come from the environment.
"""

import argparse
import asyncio
import contextlib
import json
import os
import resource
import time
from collections.abc import Sequence
from typing import Any

import asyncpg
from dishka import AsyncContainer
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.installation import LOGIN, SUPERUSER
from benchmarks.machine import cpu_below
from skua_app import event_loop
from skua_app.container import QueueKind, make_container
from skua_app.settings import load
from skua_core.domain import pace
from skua_core.domain.content import MessageSource
from skua_core.domain.user import Actor
from skua_core.ids import BotId, BroadcastId
from skua_core.ports.platform_storage import PlatformStorage
from skua_core.ports.tenant_storage import TenantStorage, UnitKind
from skua_core.use_cases.access import BotAccess, EnterBot, EnterBotQuery
from skua_core.use_cases.broadcasts import SendBroadcast, SendBroadcastCommand
from skua_core.use_cases.campaigns import ComposeCampaign, ComposeCampaignCommand
from skua_worker.runner import LaneRunner

MESSAGE = 'Hello <b>{{ first_name | default("friend") }}</b>, the spring collection is here.'
_LOOK = 0.05
"""Seconds between two looks at whether the broadcasts are through."""
_PROGRESS = """
SELECT bool_and(finished_at IS NOT NULL) AS finished, sum(sent)::int AS sent,
    sum(failed)::int AS failed, sum(skipped)::int AS skipped, sum(uncertain)::int AS uncertain,
    sum(audience)::int AS messages
FROM tenant.broadcasts WHERE id = ANY($1)
"""


class Meter:
    """Time and CPU since it was begun, and what the database was asked meanwhile."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._statements = self._claims = self._commits = 0
        event.listen(engine.sync_engine, "before_cursor_execute", self._count)
        event.listen(engine.sync_engine, "commit", self._commit)

    def begin(self) -> None:
        self._statements = self._claims = self._commits = 0
        self._others = cpu_below(os.getppid())
        self._began, self._began_cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, Any]:
        """Round trips: each transaction also begins and ends."""
        seconds, cpu = time.perf_counter() - self._began, time.process_time() - self._began_cpu
        others = {
            name: used - self._others.get(name, 0.0)
            for name, used in cpu_below(os.getppid()).items()
        }
        return {
            "seconds": seconds,
            "cpu": cpu,
            "database_cpu": others.pop("postgres", 0.0),
            "far_end_cpu": sum(others.values()),
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "turns": self._claims,
            "round_trips": self._statements + 2 * self._commits,
        }

    def _count(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self._statements += 1
        self._claims += "following AS MATERIALIZED" in statement or "take_turns" in statement

    def _commit(self, _connection: object) -> None:
        self._commits += 1


async def _send(slugs: Sequence[str], *, paid: bool) -> dict[str, Any]:
    container = make_container(load(os.environ), queue=QueueKind.IN_PROCESS)
    meter = Meter(await container.get(AsyncEngine))
    outside = await asyncpg.connect(os.environ[SUPERUSER])
    try:
        begun = [await begin_broadcast(container, slug, paid=paid) for slug in slugs]
        for broadcast_id, bot_id in begun:
            await freeze(container, bot_id, broadcast_id)
        runner = await container.get(LaneRunner)
        meter.begin()
        async with running(runner):
            counts = await finished(outside, [broadcast_id for broadcast_id, _ in begun])
            cost = meter.read()
        return counts | cost
    finally:
        await outside.close()
        await container.close()


@contextlib.asynccontextmanager
async def running(runner: LaneRunner) -> Any:
    """Lanes are served meanwhile."""
    serving = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def finished(
    outside: asyncpg.Connection, broadcasts: Sequence[BroadcastId]
) -> dict[str, Any]:
    """The counts of all of them together, once the last is through."""
    while True:
        row = await outside.fetchrow(_PROGRESS, broadcasts)
        if row is not None and row["finished"]:
            return {name: value for name, value in row.items() if name != "finished"}
        await asyncio.sleep(_LOOK)


async def begin_broadcast(
    container: AsyncContainer, slug: str, *, paid: bool
) -> tuple[BroadcastId, BotId]:
    owner = await (await container.get(PlatformStorage)).ensure_user(LOGIN)
    enter = await container.get(EnterBot)
    actor = Actor(user_id=owner.id, name=owner.login)
    access: BotAccess = await enter(EnterBotQuery(slug=slug, actor=actor))
    compose = await container.get(ComposeCampaign)
    source = MessageSource(MESSAGE)
    view = await compose(ComposeCampaignCommand(access=access, name="Spring", source=source))
    send = await container.get(SendBroadcast)
    broadcast = await send(
        SendBroadcastCommand(access=access, campaign_id=view.campaign.id, paid=paid)
    )
    return broadcast.id, access.bot_id


async def freeze(container: AsyncContainer, bot_id: BotId, broadcast_id: BroadcastId) -> None:
    """Ahead of time: it is measured by itself."""
    storage = await container.get(TenantStorage)
    async with storage.unit(bot_id, UnitKind.LANE) as unit:
        await unit.deliveries.freeze(broadcast_id)
        await unit.commit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slugs", nargs="+", metavar="SLUG")
    parser.add_argument("--free", action="store_true", help="at the free rate")
    parser.add_argument("--window", type=int, help="the most that a lane has in flight")
    options = parser.parse_args()
    if options.window is not None:
        pace.MIN_WINDOW = pace.MAX_WINDOW = options.window
    print(json.dumps(event_loop.run(_send(options.slugs, paid=not options.free))))


if __name__ == "__main__":
    main()
