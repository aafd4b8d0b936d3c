"""``skua status``: what runs, what waits, what is wrong."""

import msgspec
import rich_click as click

from skua_app.cli import options
from skua_app.cli.bots import facts
from skua_app.cli.output import count, say_json, say_table
from skua_app.cli.plain import note, say
from skua_app.cli.showing import UPDATES, broadcast_facts, sent_of_all
from skua_app.cli.surroundings import Session, Surroundings
from skua_app.cli.watching import is_alive
from skua_core.domain.bot import Bot
from skua_core.domain.broadcast import Broadcast, BroadcastStatus
from skua_core.domain.lane import LaneSnapshot
from skua_core.errors import QueueUnavailable, QueueUnfit
from skua_core.ports.clock import Clock
from skua_core.ports.job_queue import JobQueue
from skua_core.ports.platform_storage import LaneRegistry
from skua_core.use_cases.broadcast_reports import ListBroadcasts, ListBroadcastsQuery

_OVER = frozenset({BroadcastStatus.COMPLETED, BroadcastStatus.CANCELLED})


class BotStatus(msgspec.Struct, frozen=True, kw_only=True):
    bot: Bot
    lane: LaneSnapshot | None
    served: bool
    """A live process holds its lane."""
    unfinished: tuple[Broadcast, ...]


@click.command()
@options.as_json
@click.pass_obj
def status(surroundings: Surroundings, *, as_json: bool) -> None:
    """Show what runs, what waits and what is wrong.

    A bot's lane is the one place from which its messages leave; it is held while there is work.
    The exit code is 2 when the database can't be used; the one line then says why.
    """
    with surroundings.session() as session:
        found = [_look(session, bot) for bot in session.bots()]
        where = "at SKUA_DATABASE_URL" if surroundings.settings().skua_database_url else "embedded"
        alone = session.alone
        queue = session.run(_queue_problem(session))
    if as_json:
        say_json(
            {
                "database": where.removeprefix("at "),
                "queue": "ok" if queue is None else "away",
                "running": not alone,
                "bots": len(found),
            }
        )
        for each in found:
            say_json(_facts(each))
        return
    say(f"Database: {where}, up to date.")
    if queue is not None:
        say(f"{queue} New work starts some seconds later.")
    if alone:
        say("Skua isn't running here; `skua up` starts it.")
    if not found:
        note("You have no bot yet. Connect one with `skua bot add`.")
        return
    _say_bots(found)
    _say_broadcasts(found)


async def _queue_problem(session: Session) -> str | None:
    try:
        await (await session.find(JobQueue)).check()
    except (QueueUnavailable, QueueUnfit) as error:
        return str(error)
    return None


def _look(session: Session, bot: Bot) -> BotStatus:
    lane = session.run(session.get(LaneRegistry).snapshot(bot.id))
    now = session.get(Clock).now()
    query = ListBroadcastsQuery(access=session.enter(bot.slug))
    recent = session.run(session.get(ListBroadcasts)(query))
    return BotStatus(
        bot=bot,
        lane=lane,
        served=is_alive(lane, now, session.settings.lane_times),
        unfinished=tuple(each for each in recent if each.status not in _OVER),
    )


def _say_bots(found: list[BotStatus]) -> None:
    say_table(
        ("BOT", "TOKEN", "UPDATES", "LANE"),
        [
            (
                each.bot.slug,
                each.bot.token_state,
                UPDATES[each.bot.webhook_state],
                _lane(each),
            )
            for each in found
        ],
    )


def _say_broadcasts(found: list[BotStatus]) -> None:
    rows = [
        (
            each.bot.slug,
            broadcast.id,
            broadcast.status,
            sent_of_all(broadcast),
        )
        for each in found
        for broadcast in each.unfinished
    ]
    if rows:
        say_table(("BOT", "BROADCAST", "STATUS", "SENT"), rows)
    sending = [
        each
        for each in found
        if any(broadcast.status is BroadcastStatus.SENDING for broadcast in each.unfinished)
    ]
    unserved = sum(not each.served for each in sending)
    if unserved:
        say(f"{count(unserved, 'broadcast')} waiting for somebody to send: start `skua up`.")


def _lane(each: BotStatus) -> str:
    if each.lane is None or not each.served:
        return "free"
    return f"held by {each.lane.holder}"


def _facts(each: BotStatus) -> dict[str, object]:
    lane = each.lane
    return facts(each.bot) | {
        "served": each.served,
        "holder": lane.holder if lane is not None and each.served else None,
        "heartbeat_at": None if lane is None else lane.heartbeat_at,
        "not_before": None if lane is None else lane.not_before,
        "broadcasts": [broadcast_facts(broadcast) for broadcast in each.unfinished],
    }
