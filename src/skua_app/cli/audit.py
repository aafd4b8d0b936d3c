"""``skua audit``: the record of who did what."""

import rich_click as click
from click.exceptions import Exit

from skua_app.cli import options
from skua_app.cli.output import count, say_json
from skua_app.cli.plain import note, say
from skua_app.cli.surroundings import Surroundings
from skua_core.errors import AuditChainBroken
from skua_core.use_cases.audit import VerifyAudit, VerifyAuditQuery

_BROKEN = 1


@click.group()
def audit() -> None:
    """Check the record of who did what."""


@audit.command()
@click.option("--bot", "slug", metavar="BOT", help="The bot's slug; all of yours if left out.")
@options.as_json
@click.pass_obj
def verify(surroundings: Surroundings, *, slug: str | None, as_json: bool) -> None:
    """Compute every hash of a bot's audit chain anew.

    Exit code 1 says that a chain is broken: entries were changed, removed or put in afterwards.
    """
    broken = False
    with surroundings.session() as session:
        bots = session.bots() if slug is None else [session.enter(slug).bot]
        use = session.get(VerifyAudit)
        for bot in bots:
            entries, problem = 0, None
            try:
                entries = session.run(use(VerifyAuditQuery(bot_id=bot.id)))
            except AuditChainBroken as error:
                broken, problem = True, error
            if as_json:
                say_json(
                    {
                        "bot": bot.slug,
                        "unbroken": problem is None,
                        "entries": entries if problem is None else None,
                        "broken_at": None if problem is None else problem.seq,
                        "problem": None if problem is None else problem.problem,
                    }
                )
            elif problem is None:
                say(f"{bot.slug}: {count(entries, 'entry', 'entries')}, unbroken")
            else:
                say(f"{bot.slug}: BROKEN at entry {problem.seq}: {problem.problem}")
    if not bots:
        note("You have no bot yet, so there is no chain to check.")
    if broken:
        raise Exit(_BROKEN)
