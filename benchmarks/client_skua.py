"""One broadcast, sent by a worker in this process, and what it cost: one JSON object.

``python -m benchmarks.client_skua SLUG [free]``; the settings come from the environment.
"""

import asyncio
import contextlib
import json
import os
import resource
import sys
import time
from typing import Any

import asyncpg
from dishka import AsyncContainer
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.installation import LOGIN, SUPERUSER
from skua_app import event_loop
from skua_app.container import QueueKind, make_container
from skua_app.settings import load
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
"""Seconds between two looks at whether the broadcast is through."""
_PROGRESS = """
SELECT finished_at IS NOT NULL AS finished, sent, failed, skipped, uncertain, audience
FROM tenant.broadcasts WHERE id = $1
"""


async def _send(slug: str, *, paid: bool) -> dict[str, Any]:
    container = make_container(load(os.environ), queue=QueueKind.IN_PROCESS)
    turns = _Turns(await container.get(AsyncEngine))
    outside = await asyncpg.connect(os.environ[SUPERUSER])
    try:
        broadcast_id, bot_id = await begin_broadcast(container, slug, paid=paid)
        await _freeze(container, bot_id, broadcast_id)
        runner = await container.get(LaneRunner)
        turns.begin()
        began, began_cpu = time.perf_counter(), time.process_time()
        running = asyncio.create_task(runner.run())
        row = await _finished(outside, broadcast_id)
        seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        return {
            **turns.as_dict(),
            "messages": row["audience"],
            "seconds": seconds,
            "cpu": cpu,
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            **{name: row[name] for name in ("sent", "failed", "skipped", "uncertain")},
        }
    finally:
        await outside.close()
        await container.close()


async def _finished(outside: asyncpg.Connection, broadcast_id: BroadcastId) -> asyncpg.Record:
    while True:
        row = await outside.fetchrow(_PROGRESS, broadcast_id)
        if row is not None and row["finished"]:
            return row
        await asyncio.sleep(_LOOK)


class _Turns:
    """Statements that reach the database; a lane's turn is the one that claims."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._statements = self._turns = self._commits = 0
        event.listen(engine.sync_engine, "before_cursor_execute", self._count)
        event.listen(engine.sync_engine, "commit", self._commit)

    def begin(self) -> None:
        self._statements = self._turns = self._commits = 0

    def _count(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self._statements += 1
        self._turns += "following AS MATERIALIZED" in statement

    def _commit(self, _connection: object) -> None:
        self._commits += 1

    def as_dict(self) -> dict[str, int]:
        """Round trips: each transaction also begins and ends."""
        return {"turns": self._turns, "round_trips": self._statements + 2 * self._commits}


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


async def _freeze(container: AsyncContainer, bot_id: BotId, broadcast_id: BroadcastId) -> None:
    """Ahead of time: it is measured by itself."""
    storage = await container.get(TenantStorage)
    async with storage.unit(bot_id, UnitKind.LANE) as unit:
        await unit.deliveries.freeze(broadcast_id)
        await unit.commit()


if __name__ == "__main__":
    print(json.dumps(event_loop.run(_send(sys.argv[1], paid="free" not in sys.argv[2:]))))
