"""``skua broadcast``: one run of a message to everybody."""

import rich_click as click

from skua_app.cli import options
from skua_app.cli.output import count, say_json, say_table
from skua_app.cli.plain import say
from skua_app.cli.reporting import report
from skua_app.cli.resending import resend
from skua_app.cli.rewording import reword
from skua_app.cli.selecting import find_broadcast, reference
from skua_app.cli.sending import send
from skua_app.cli.showing import broadcast_facts
from skua_app.cli.surroundings import Surroundings
from skua_app.cli.watching import watch
from skua_core.use_cases.broadcast_reports import ListBroadcasts, ListBroadcastsQuery
from skua_core.use_cases.broadcasts import (
    CancelBroadcast,
    CancelBroadcastCommand,
    PauseBroadcast,
    PauseBroadcastCommand,
    ResumeBroadcast,
    ResumeBroadcastCommand,
)
from skua_core.use_cases.campaigns import GetCampaign, GetCampaignQuery


@click.group()
def broadcast() -> None:
    """Send to everybody, watch it, stop it, see what it came to."""


@broadcast.command("list")
@options.bot
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@options.as_json
@click.pass_obj
def list_broadcasts(
    surroundings: Surroundings, *, slug: str | None, limit: int, as_json: bool
) -> None:
    """Show a bot's broadcasts, newest first."""
    with surroundings.session() as session:
        access = session.enter(slug)
        query = ListBroadcastsQuery(access=access, limit=limit)
        found = session.run(session.get(ListBroadcasts)(query))
    if as_json:
        for each in found:
            say_json(broadcast_facts(each))
        return
    say_table(
        ("BROADCAST", "BEGAN (UTC)", "STATUS", "SENT"),
        [
            (
                each.id,
                each.created_at,
                each.status,
                f"{each.counts.sent:,} of {each.counts.total:,}",
            )
            for each in found
        ],
    )


@broadcast.command()
@reference
@options.bot
@options.as_json
@click.pass_obj
def pause(
    surroundings: Surroundings, *, broadcast_id: str | None, slug: str | None, as_json: bool
) -> None:
    """Stop sending; what is in flight finishes. It goes on with `skua broadcast resume`."""
    with surroundings.session() as session:
        access = session.enter(slug)
        found = find_broadcast(session, access, broadcast_id)
        command = PauseBroadcastCommand(access=access, broadcast_id=found.id)
        paused = session.run(session.get(PauseBroadcast)(command))
    if as_json:
        say_json(broadcast_facts(paused))
    else:
        say(f"Paused. {count(paused.counts.open, 'recipient')} still to come.")


@broadcast.command()
@reference
@options.bot
@click.option("--newest", is_flag=True, help="With the newest wording (`skua broadcast reword`).")
@options.as_json
@click.pass_obj
def resume(
    surroundings: Surroundings,
    *,
    broadcast_id: str | None,
    slug: str | None,
    newest: bool,
    as_json: bool,
) -> None:
    """Go on with a paused or interrupted broadcast where it stopped."""
    with surroundings.session() as session:
        access = session.enter(slug)
        found = find_broadcast(session, access, broadcast_id)
        revision = None
        if newest:
            query = GetCampaignQuery(access=access, campaign_id=found.campaign_id)
            revision = session.run(session.get(GetCampaign)(query)).revision.number
        command = ResumeBroadcastCommand(access=access, broadcast_id=found.id, revision=revision)
        resumed = session.run(session.get(ResumeBroadcast)(command))
        alone = session.alone
    if as_json:
        say_json(broadcast_facts(resumed))
    else:
        say(f"Resumed. {count(resumed.counts.open, 'recipient')} still to come.")
        if alone:
            say("It goes on when `skua up` runs.")


@broadcast.command()
@reference
@options.bot
@options.yes
@options.as_json
@click.pass_obj
def cancel(
    surroundings: Surroundings,
    *,
    broadcast_id: str | None,
    slug: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Call a broadcast off for good: whoever hasn't got it won't."""
    with surroundings.session() as session:
        access = session.enter(slug)
        found = find_broadcast(session, access, broadcast_id)
        if options.is_asked(yes=yes):
            waiting = count(found.counts.open, "recipient")
            click.confirm(f"Call it off for {waiting}? There is no way back", abort=True, err=True)
        command = CancelBroadcastCommand(access=access, broadcast_id=found.id)
        cancelled = session.run(session.get(CancelBroadcast)(command))
    if as_json:
        say_json(broadcast_facts(cancelled))
    else:
        skipped = count(cancelled.counts.skipped, "recipient")
        say(f"Cancelled. {cancelled.counts.sent:,} got it, {skipped} won't.")


for each in (send, watch, report, resend, reword):
    broadcast.add_command(each)
