"""``skua broadcast send``: compose, look at it, send it to everybody."""

from typing import TextIO

import rich_click as click
from click.exceptions import Exit

from skua_app.cli import options
from skua_app.cli.output import count, duration, say_json
from skua_app.cli.plain import clean, note, say
from skua_app.cli.planning import Plan, make_plan
from skua_app.cli.surroundings import Session, Surroundings
from skua_app.cli.watching import is_served, watch_to_the_end
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.content import InlineButton, MessageSource, ParseMode
from skua_core.ids import CampaignId
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.broadcasts import SendBroadcast, SendBroadcastCommand
from skua_core.use_cases.campaigns import (
    ComposeCampaign,
    ComposeCampaignCommand,
    EditCampaign,
    EditCampaignCommand,
    ListCampaigns,
    ListCampaignsQuery,
)

_DECLINED = 1
_LONGEST_NAME = 60
_PAGE = 200


def _read_buttons(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[InlineButton, ...], ...]:
    rows = []
    for value in values:
        text, _, url = value.partition("=")
        if not text.strip() or not url.strip():
            raise click.BadParameter(f'{value!r} is not "Text=https://…".')
        rows.append((InlineButton(text=text.strip(), url=url.strip()),))
    return tuple(rows)


@click.command()
@options.bot
@click.option("--text", help="The message itself.")
@click.option("--file", type=click.File(encoding="utf-8"), help="A file with it; - for stdin.")
@click.option(
    "--format",
    "parse_mode",
    type=click.Choice([mode.value for mode in ParseMode]),
    default=ParseMode.HTML.value,
    show_default=True,
    help="How the message is marked up.",
)
@click.option(
    "--button",
    "buttons",
    multiple=True,
    callback=_read_buttons,
    metavar='"TEXT=URL"',
    help="A button below the message; may be repeated, each in a row of its own.",
)
@click.option("--name", help="Name of the campaign; the message's first line if left out.")
@click.option("--paid", is_flag=True, help="Pay Telegram Stars for up to 1000 messages a second.")
@click.option("--repeat", is_flag=True, help="Send it although it was sent before.")
@click.option("--watch", is_flag=True, help="Follow it to its end.")
@options.yes
@options.as_json
@click.pass_obj
def send(
    surroundings: Surroundings,
    *,
    slug: str | None,
    text: str | None,
    file: TextIO | None,
    parse_mode: str,
    buttons: tuple[tuple[InlineButton, ...], ...],
    name: str | None,
    paid: bool,
    repeat: bool,
    watch: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Send a message to every active subscriber of a bot.

    On a terminal it shows the message, how many will get it and how long that takes, and asks
    before it sends. Placeholders such as {{ first_name | default("friend") }} are filled in for
    each subscriber. With --watch the exit code is 1 when it ends otherwise than completed.
    """
    source = MessageSource(
        text=_read_text(text, file), parse_mode=ParseMode(parse_mode), buttons=buttons
    )
    with surroundings.session() as session:
        access = session.enter(slug)
        plan = make_plan(session, access, source, paid=paid)
        if not as_json:
            _show(plan, access)
        if not as_json and options.is_asked(yes=yes) and not click.confirm("Send it?", err=True):
            note("Nothing was sent.")
            raise Exit(_DECLINED)
        campaign_id = _keep(session, access, source, name or _first_line(plan))
        command = SendBroadcastCommand(
            access=access, campaign_id=campaign_id, paid=paid, repeat=repeat
        )
        begun = session.run(session.get(SendBroadcast)(command))
        if as_json:
            say_json(_facts(begun, plan, access))
        else:
            _tell_what_happens(session, access, begun, watched=watch)
        if watch:
            raise Exit(watch_to_the_end(session, access, begun, as_json=as_json))


def _read_text(text: str | None, file: TextIO | None) -> str:
    if (text is None) is (file is None):
        raise click.UsageError("Give the message with --text or with --file, one of them.")
    if file is None:
        return text or ""
    try:
        return file.read()
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file.name} isn't UTF-8 text.", param_hint="--file") from None


def _first_line(plan: Plan) -> str:
    line = next((line.strip() for line in plan.preview.text.splitlines() if line.strip()), "")
    return clean(line)[:_LONGEST_NAME].strip()


def _keep(session: Session, access: BotAccess, source: MessageSource, name: str) -> CampaignId:
    """The campaign of that name with this wording: the same message twice is the same revision,
    and so isn't sent twice by mistake."""
    campaign_id = _find_campaign(session, access, name)
    if campaign_id is None:
        compose = ComposeCampaignCommand(access=access, name=name, source=source)
        return session.run(session.get(ComposeCampaign)(compose)).campaign.id
    edit = EditCampaignCommand(access=access, campaign_id=campaign_id, source=source)
    return session.run(session.get(EditCampaign)(edit)).campaign.id


def _find_campaign(session: Session, access: BotAccess, name: str) -> CampaignId | None:
    use = session.get(ListCampaigns)
    after = None
    while True:
        page = session.run(use(ListCampaignsQuery(access=access, after=after, limit=_PAGE)))
        for campaign in page:
            if campaign.name == name:
                return campaign.id
        if len(page) < _PAGE:
            return None
        after = page[-1].id


def _show(plan: Plan, access: BotAccess) -> None:
    say(f"From {access.bot.slug}, as {plan.shown_to} would get it:")
    say()
    for line in plan.preview.text.splitlines():
        say(f"    {clean(line)}")
    for row in plan.preview.buttons:
        for button in row:
            say(f"    [ {clean(button.text)} ] {clean(button.url or '')}")
    say()
    say(f"To {count(plan.recipients, 'subscriber')}, in about {duration(plan.seconds)}.")
    if plan.left_out:
        say(f"Not to {plan.left_out}.")
    if plan.gaps:
        say(f"It leaves a gap for whoever has no {', '.join(plan.gaps)}.")
    if plan.stars is not None:
        say(f"Telegram charges up to about {plan.stars:,} Stars for it.")


def _tell_what_happens(
    session: Session, access: BotAccess, begun: Broadcast, *, watched: bool
) -> None:
    if session.alone or not is_served(session, access):
        say(f"Broadcast {begun.id} is queued, and nobody sends yet: start `skua up` to send it.")
    elif not watched:
        say(f"Broadcast {begun.id} is being sent: `skua broadcast watch` shows how it goes.")


def _facts(begun: Broadcast, plan: Plan, access: BotAccess) -> dict[str, object]:
    return {
        "broadcast": begun.id,
        "bot": access.bot.slug,
        "status": begun.status,
        "recipients": plan.recipients,
        "eta_seconds": round(plan.seconds, 1),
    }
