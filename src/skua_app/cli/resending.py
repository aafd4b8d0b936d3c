"""``skua broadcast resend``: once more, to those of whom nobody knows that they got it."""

import rich_click as click

from skua_app.cli import options
from skua_app.cli.output import count, say_json
from skua_app.cli.plain import say
from skua_app.cli.selecting import find_broadcast, reference
from skua_app.cli.showing import broadcast_facts
from skua_app.cli.surroundings import Surroundings
from skua_core.domain.delivery import DeliveryStatus
from skua_core.use_cases.resends import ResendBroadcast, ResendBroadcastCommand


@click.command()
@reference
@options.bot
@click.option("--failed", is_flag=True, help="To those whom Telegram refused.")
@click.option(
    "--uncertain", is_flag=True, help="To those who may have got it: some will get it twice."
)
@options.yes
@options.as_json
@click.pass_obj
def resend(
    surroundings: Surroundings,
    *,
    broadcast_id: str | None,
    slug: str | None,
    failed: bool,
    uncertain: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Send a completed broadcast again to those who failed, are uncertain, or both."""
    chosen = {DeliveryStatus.FAILED: failed, DeliveryStatus.UNCERTAIN: uncertain}
    outcomes = [outcome for outcome, wanted in chosen.items() if wanted]
    if not outcomes:
        raise click.UsageError("Say to whom: --failed, --uncertain, or both.")
    with surroundings.session() as session:
        access = session.enter(slug)
        found = find_broadcast(session, access, broadcast_id)
        if uncertain and options.is_asked(yes=yes):
            people = count(found.counts.uncertain, "recipient")
            click.confirm(
                f"{people} may have got it already. Send it to them again?", abort=True, err=True
            )
        elif uncertain and not yes:
            raise click.UsageError("Some may get it twice: add --yes if you mean it.")
        command = ResendBroadcastCommand(
            access=access, broadcast_id=found.id, outcomes=frozenset(outcomes)
        )
        resent = session.run(session.get(ResendBroadcast)(command))
        alone = session.alone
    if as_json:
        say_json(broadcast_facts(resent))
        return
    say(f"{count(resent.counts.open, 'recipient')} will be sent to again.")
    if alone:
        say("It begins when `skua up` runs.")
