"""``skua subscribers``: the people who talk to a bot."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import rich_click as click
from click.exceptions import Exit

from skua_app.cli import options
from skua_app.cli.bots import at
from skua_app.cli.files import with_progress
from skua_app.cli.output import count, csv_line, say_json, say_table
from skua_app.cli.plain import is_terminal, note, say
from skua_app.cli.surroundings import Session, Surroundings
from skua_core.domain.subscriber import Subscriber, SubscriberStatus
from skua_core.ports.repositories import SubscriberFilter
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.subscribers import (
    ImportReport,
    ImportSubscribers,
    ImportSubscribersCommand,
    ListSubscribers,
    ListSubscribersQuery,
)

_REFUSED_SOME = 1
_PAGE = 500
_SHOWN_REFUSALS = 20
_COLUMNS = ("chat_id", "status", "first_name", "last_name", "username", "language", "joined_at")


@click.group()
def subscribers() -> None:
    """List and import the people who talk to a bot."""


@subscribers.command("list")
@options.bot
@click.option(
    "--status", type=click.Choice([status.value for status in SubscriberStatus]), help="Only those."
)
@click.option("--search", help="Part of a name or username, or a whole chat id.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--all", "everybody", is_flag=True, help="However many there are.")
@options.as_json
@click.pass_obj
def list_subscribers(
    surroundings: Surroundings,
    *,
    slug: str | None,
    status: str | None,
    search: str | None,
    limit: int,
    everybody: bool,
    as_json: bool,
) -> None:
    """Show subscribers in the order in which they joined: a table, or CSV for a program.

    A CSV cell that a spreadsheet would take for a formula is printed behind an apostrophe.
    """
    where = SubscriberFilter(
        status=None if status is None else SubscriberStatus(status), search=search
    )
    most = None if everybody else limit
    with surroundings.session() as session:
        pages = _pages(session, session.enter(slug), where, most)
        if as_json:
            for page in pages:
                for each in page:
                    say_json(_facts(each))
        elif is_terminal():
            rows = [_short_row(each) for page in pages for each in page]
            say_table(("CHAT", "STATUS", "NAME", "USERNAME", "JOINED (UTC)"), rows)
            if len(rows) == most:
                note(f"The first {limit}. There may be more: --limit, --all.")
        else:
            say(csv_line(_COLUMNS))
            for page in pages:
                for each in page:
                    say(csv_line(_row(each)))


@subscribers.command("import")
@click.argument("source", metavar="FILE", type=click.File("rb"))
@options.bot
@options.as_json
@click.pass_obj
def import_subscribers(
    surroundings: Surroundings, *, source: BinaryIO, slug: str | None, as_json: bool
) -> None:
    """Take chats over from a CSV file, or from standard input (-).

    Its header names the columns: chat_id, first_name, last_name, username, language, and
    attributes of your own. A file without a header is a list of chat ids. Who is there already
    stays as they are, so an import that broke off is simply done again. Lines that can't be used
    are refused one by one; the exit code is 1 then.
    """
    with surroundings.session() as session:
        access = session.enter(slug)
        use = session.get(ImportSubscribers)
        with with_progress(source, "Importing") as content:
            report = session.run(use(ImportSubscribersCommand(access=access, content=content)))
    if as_json:
        _say_report_json(report)
    else:
        _say_report(report)
    if report.refused:
        raise Exit(_REFUSED_SOME)


def _pages(
    session: Session, access: BotAccess, where: SubscriberFilter, most: int | None
) -> Iterator[Sequence[Subscriber]]:
    use = session.get(ListSubscribers)
    after = None
    left = most
    while left is None or left > 0:
        limit = _PAGE if left is None else min(_PAGE, left)
        query = ListSubscribersQuery(access=access, where=where, after=after, limit=limit)
        page = session.run(use(query))
        yield page
        if len(page) < limit:
            return
        after = page[-1].id
        left = None if left is None else left - len(page)


def _row(subscriber: Subscriber) -> tuple[object, ...]:
    profile = subscriber.profile
    return (
        subscriber.chat_id,
        subscriber.status,
        profile.first_name,
        profile.last_name,
        profile.username,
        profile.language,
        subscriber.joined_at,
    )


def _short_row(subscriber: Subscriber) -> tuple[object, ...]:
    profile = subscriber.profile
    names = [name for name in (profile.first_name, profile.last_name) if name]
    return (
        subscriber.chat_id,
        subscriber.status,
        " ".join(names) or None,
        at(profile.username),
        subscriber.joined_at,
    )


def _facts(subscriber: Subscriber) -> dict[str, object]:
    return dict(zip(_COLUMNS, _row(subscriber), strict=True)) | {
        "attributes": subscriber.attributes,
        "source": subscriber.source,
        "last_seen_at": subscriber.last_seen_at,
    }


def _say_report(report: ImportReport) -> None:
    say(
        f"{count(report.lines, 'line')}: {report.added:,} added, {report.already_there:,} there "
        f"already, {report.refused:,} refused."
    )
    for refusal in report.refusals[:_SHOWN_REFUSALS]:
        note(f"line {refusal.line}: {refusal.reason}")
    if report.refused > _SHOWN_REFUSALS:
        note(f"… and {report.refused - _SHOWN_REFUSALS:,} more; --json lists the first thousand.")


def _say_report_json(report: ImportReport) -> None:
    for refusal in report.refusals:
        say_json({"refused_line": refusal.line, "reason": refusal.reason})
    say_json(
        {
            "lines": report.lines,
            "added": report.added,
            "already_there": report.already_there,
            "refused": report.refused,
        }
    )
