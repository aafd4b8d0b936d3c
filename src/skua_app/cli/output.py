"""What a command says: tables for people, JSON and CSV for programs.

No cell that a spreadsheet would compute leaves as it is.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import rich_click as click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from skua_app.cli.plain import clean, is_terminal, say

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?[0-9]+", re.ASCII)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def say_json(what: object) -> None:
    """One object, one line."""
    click.echo(msgspec.json.encode(what).decode())


def say_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns for a person; lines of cells with tabs between them when a program reads."""
    if not is_terminal():
        for row in (columns, *rows):
            say("\t".join(cell(value) for value in row))
        return
    shown = list(rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for position, column in enumerate(columns):
        # An id that is broken over two lines can't be copied.
        is_id = any(isinstance(row[position], UUID) for row in shown)
        table.add_column(column, overflow="fold", no_wrap=is_id)
    for row in shown:
        # As Text, because a name may look like rich's markup.
        table.add_row(*(Text(cell(value)) for value in row))
    Console().print(table)


def cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    return clean(str(value))


def moment(at: datetime) -> str:
    """To the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def csv_line(values: Iterable[object]) -> str:
    """One line of CSV, harmless to spreadsheets, without its line break."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([_csv_cell(value) for value in values])
    return line.getvalue()


def _csv_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    text = clean(str(value))
    if text.startswith(_FORMULA_STARTS) and _NUMBER.fullmatch(text) is None:
        return f"'{text}"
    return text


def duration(seconds: float) -> str:
    """Rounded as a person would say it: ``45 s``, ``12 min``, ``3 h 20 min``, ``2 d 4 h``."""
    whole = max(1, round(seconds))
    if whole < 2 * _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{round(whole / _MINUTE)} min"
    if whole < _DAY:
        hours, minutes = divmod(round(whole / _MINUTE), 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(whole / _HOUR), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 subscriber``, ``1,200 subscribers``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
