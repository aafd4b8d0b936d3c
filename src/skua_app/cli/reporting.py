"""``skua broadcast report``: what a broadcast came to."""

import tempfile
from collections.abc import AsyncIterator
from typing import TextIO

import msgspec
import rich_click as click

from skua_app.cli import options
from skua_app.cli.output import csv_line, moment, say_json, say_table
from skua_app.cli.plain import say
from skua_app.cli.selecting import find_broadcast, reference
from skua_app.cli.showing import EXCLUDED, WHY, broadcast_facts, stopped_because
from skua_app.cli.surroundings import Session, Surroundings
from skua_core.domain.broadcast import Broadcast, BroadcastReport
from skua_core.ports.repositories import Recipient
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.broadcast_reports import (
    BroadcastReportQuery,
    ExportRecipients,
    ExportRecipientsQuery,
    GetBroadcastReport,
)

_OUTCOMES = ("sent", "failed", "skipped", "uncertain", "pending", "in_flight")


@click.command()
@reference
@options.bot
@click.option("--recipients", is_flag=True, help="Everybody with their outcome, as CSV.")
@options.as_json
@click.pass_obj
def report(
    surroundings: Surroundings,
    *,
    broadcast_id: str | None,
    slug: str | None,
    recipients: bool,
    as_json: bool,
) -> None:
    """Show who got a broadcast and who did not, and why; the newest one if none is named.

    With --recipients the list of everybody goes to standard output, and the audit log says that
    somebody took it.
    """
    with surroundings.session() as session:
        access = session.enter(slug)
        found = find_broadcast(session, access, broadcast_id)
        if recipients:
            _print_recipients(session, access, found, as_json=as_json)
            return
        query = BroadcastReportQuery(access=access, broadcast_id=found.id)
        whole = session.run(session.get(GetBroadcastReport)(query))
    if as_json:
        say_json(report_facts(whole))
    else:
        say_report(whole)


def report_facts(report: BroadcastReport) -> dict[str, object]:
    return broadcast_facts(report.broadcast) | {
        "reasons": {reason.value: number for reason, number in report.reasons.items()},
        "excluded": {why.value: number for why, number in report.broadcast.excluded.items()},
    }


def say_report(report: BroadcastReport) -> None:
    broadcast = report.broadcast
    say(f"Broadcast {broadcast.id}")
    say(f"  {stopped_because(broadcast)}")
    ended = "not over yet" if broadcast.finished_at is None else moment(broadcast.finished_at)
    say(f"  began {moment(broadcast.created_at)}, ended {ended}")
    if broadcast.archived_at is not None:
        say(f"  archived {moment(broadcast.archived_at)}: its totals are kept, not who got it")
    counts = [(name, getattr(broadcast.counts, name)) for name in _OUTCOMES]
    say_table(
        ("OUTCOME", "RECIPIENTS"),
        [
            *((name.replace("_", " "), number) for name, number in counts if number),
            ("all", broadcast.counts.total),
        ],
    )
    if report.reasons:
        say_table(
            ("REASON", "RECIPIENTS", "THAT IS"),
            [
                (reason, number, WHY[reason])
                for reason, number in sorted(report.reasons.items(), key=lambda pair: -pair[1])
            ],
        )
    if broadcast.excluded:
        left_out = ", ".join(
            f"{number:,} {EXCLUDED[why]}" for why, number in broadcast.excluded.items()
        )
        say(f"Not in the audience: {left_out}.")


def _print_recipients(
    session: Session, access: BotAccess, broadcast: Broadcast, *, as_json: bool
) -> None:
    # Whole before the first line is out: whoever pages through it must not keep a transaction
    # open, and a list that breaks off would look like a whole one.
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as whole:
        query = ExportRecipientsQuery(access=access, broadcast_id=broadcast.id)
        found = session.get(ExportRecipients)(query)
        session.run(_write(whole, found, as_json=as_json))
        whole.seek(0)
        for line in whole:
            say(line.rstrip("\n"))


async def _write(whole: TextIO, recipients: AsyncIterator[Recipient], *, as_json: bool) -> None:
    columns = Recipient.__struct_fields__
    if not as_json:
        whole.write(csv_line(columns) + "\n")
    async for recipient in recipients:
        line = (
            msgspec.json.encode(recipient).decode()
            if as_json
            else csv_line(getattr(recipient, name) for name in columns)
        )
        whole.write(line + "\n")
