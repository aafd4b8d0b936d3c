"""``skua broadcast watch``: a broadcast as it goes."""

import asyncio
import time
from datetime import datetime

import rich_click as click
from click.exceptions import Exit

from skua_app.cli import options
from skua_app.cli.output import say_json
from skua_app.cli.plain import note, tell
from skua_app.cli.progress import Look, choose_view
from skua_app.cli.selecting import find_broadcast, reference
from skua_app.cli.showing import broadcast_facts
from skua_app.cli.surroundings import Session, Surroundings
from skua_core.domain.broadcast import Broadcast, BroadcastStatus
from skua_core.domain.lane import LaneSnapshot, LaneTimes
from skua_core.ports.clock import Clock
from skua_core.ports.platform_storage import LaneRegistry
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.broadcast_reports import WatchBroadcast, WatchBroadcastQuery

_STOPPED = 1
_INTERRUPTED = 130
_FIRST_SIGN = 2.0
"""Seconds within which a worker that runs has taken a lane that it was woken for."""


@click.command()
@reference
@options.bot
@options.as_json
@click.pass_obj
def watch(
    surroundings: Surroundings, *, broadcast_id: str | None, slug: str | None, as_json: bool
) -> None:
    """Follow a broadcast until it is over or stopped; the newest one if none is named.

    Ctrl-C ends the watching, not the broadcast. Exit code 0 says that it is completed, whatever
    became of each recipient; 1 that it was paused, interrupted or cancelled, or that nobody sends.
    """
    with surroundings.session() as session:
        access = session.enter(slug)
        found = find_broadcast(session, access, broadcast_id)
        raise Exit(watch_to_the_end(session, access, found, as_json=as_json))


def watch_to_the_end(
    session: Session, access: BotAccess, broadcast: Broadcast, *, as_json: bool
) -> int:
    """The command's exit code."""
    if session.alone and broadcast.finished_at is None:
        if as_json:
            say_json(broadcast_facts(broadcast))
        tell("Nobody sends while `skua up` isn't running, so there is nothing to watch.")
        return _STOPPED
    try:
        last = session.run(_watch(session, access, broadcast, as_json=as_json))
    except KeyboardInterrupt:
        note("\nThe broadcast goes on; `skua broadcast pause` would stop it.")
        return _INTERRUPTED
    return 0 if last.status is BroadcastStatus.COMPLETED else _STOPPED


def is_served(session: Session, access: BotAccess) -> bool:
    """Whether somebody holds the bot's lane, or takes it within a moment."""

    async def look() -> bool:
        deadline = time.monotonic() + _FIRST_SIGN
        while not await _has_holder(session, access):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.1)
        return True

    return session.run(look())


def is_alive(lane: LaneSnapshot | None, now: datetime, times: LaneTimes) -> bool:
    """Whether the lane's holder still gives signs of life."""
    if lane is None or lane.holder is None or lane.heartbeat_at is None:
        return False
    return (now - lane.heartbeat_at).total_seconds() < times.takeover


async def _has_holder(session: Session, access: BotAccess) -> bool:
    lane = await (await session.find(LaneRegistry)).snapshot(access.bot_id)
    now = (await session.find(Clock)).now()
    return is_alive(lane, now, session.settings.lane_times)


async def _watch(
    session: Session, access: BotAccess, broadcast: Broadcast, *, as_json: bool
) -> Broadcast:
    view = choose_view(as_json=as_json)
    watch_broadcast = await session.find(WatchBroadcast)
    query = WatchBroadcastQuery(access=access, broadcast_id=broadcast.id, interval=view.interval)
    with view.screen:
        async for progress in watch_broadcast(query):
            broadcast = progress.broadcast
            served = broadcast.finished_at is not None or await _has_holder(session, access)
            view.show(Look(progress=progress, served=served))
    return broadcast
