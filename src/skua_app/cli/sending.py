"""``skua broadcast send``: compose, look at it, send it to everybody."""

import rich_click as click
from click.exceptions import Exit

from skua_app.cli import options
from skua_app.cli.composing import Draft, MessageCommand, message
from skua_app.cli.keeping import keep_campaign
from skua_app.cli.output import say_json
from skua_app.cli.plain import note, say
from skua_app.cli.planning import Plan, make_plan, make_previews
from skua_app.cli.previewing import name_for, show
from skua_app.cli.surroundings import Session, Surroundings
from skua_app.cli.watching import is_served, watch_to_the_end
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.content import MessageSource
from skua_core.ports.renderer import Renderer
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.broadcasts import SendBroadcast, SendBroadcastCommand
from skua_core.use_cases.tests_to_oneself import SendTest, SendTestCommand

_DECLINED = 1


@click.command(cls=MessageCommand)
@options.bot
@message
@click.option("--name", help="Name of the campaign; the message's first line if left out.")
@click.option("--paid", is_flag=True, help="Pay Telegram Stars for up to 1000 messages a second.")
@click.option("--repeat", is_flag=True, help="Send it although it was sent before.")
@click.option("--watch", is_flag=True, help="Follow it to its end.")
@click.option(
    "--test", "test_only", is_flag=True, help="Send it to your own chat only (`skua bot link`)."
)
@options.yes
@options.as_json
@click.pass_obj
def send(
    surroundings: Surroundings,
    *,
    slug: str | None,
    draft: Draft,
    name: str | None,
    paid: bool,
    repeat: bool,
    watch: bool,
    test_only: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Send a message to every active subscriber of a bot.

    On a terminal it shows the message, how many will get it and how long that takes, and asks
    before it sends. Placeholders such as {{ first_name | default("friend") }} are filled in for
    each subscriber. With --watch the exit code is 1 when it ends otherwise than completed.
    """
    with surroundings.session() as session:
        access = session.enter(slug)
        if test_only:
            _send_test(session, access, draft, name, as_json=as_json)
            return
        plan = make_plan(session, access, draft.source, paid=paid)
        if not as_json:
            show(plan, draft, access)
        if not as_json and options.is_asked(yes=yes) and not click.confirm("Send it?", err=True):
            note("Nothing was sent.")
            raise Exit(_DECLINED)
        kept = keep_campaign(session, access, draft, name or name_for(plan.previews, draft))
        command = SendBroadcastCommand(
            access=access, campaign_id=kept.campaign.id, paid=paid, repeat=repeat
        )
        begun = session.run(session.get(SendBroadcast)(command))
        if as_json:
            say_json(_facts(begun, plan, access, kept.revision.source))
        else:
            _tell_what_happens(session, access, begun, watched=watch)
        if watch:
            raise Exit(watch_to_the_end(session, access, begun, as_json=as_json))


def _send_test(
    session: Session, access: BotAccess, draft: Draft, name: str | None, *, as_json: bool
) -> None:
    renderer = session.get(Renderer)
    previews = make_previews(renderer, renderer.compile(draft.source))
    kept = keep_campaign(session, access, draft, name or name_for(previews, draft))
    command = SendTestCommand(access=access, campaign_id=kept.campaign.id)
    session.run(session.get(SendTest)(command))
    if as_json:
        say_json({"bot": access.bot.slug, "campaign": kept.campaign.id, "test": True})
    elif session.alone:
        say("The test is queued, and nobody sends yet: start `skua up` to send it.")
    else:
        say("The test is on its way to your chat.")


def _tell_what_happens(
    session: Session, access: BotAccess, begun: Broadcast, *, watched: bool
) -> None:
    if session.alone or not is_served(session, access):
        say(f"Broadcast {begun.id} is queued, and nobody sends yet: start `skua up` to send it.")
    elif not watched:
        say(f"Broadcast {begun.id} is being sent: `skua broadcast watch` shows how it goes.")


def _facts(
    begun: Broadcast, plan: Plan, access: BotAccess, source: MessageSource
) -> dict[str, object]:
    return {
        "broadcast": begun.id,
        "bot": access.bot.slug,
        "status": begun.status,
        "recipients": plan.preflight.recipients,
        "eta_seconds": round(plan.preflight.seconds, 1),
        "media": source.media,
        "copied": source.copied,
        "options": source.options,
        "variants": sorted(source.variants),
    }
