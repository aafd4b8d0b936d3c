"""A broadcast on its way: a live picture for a terminal, lines for whoever reads later."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from skua_app.cli.output import duration, say_json
from skua_app.cli.plain import is_terminal, say
from skua_app.cli.showing import broadcast_facts, stopped_because
from skua_core.domain.broadcast import Broadcast, BroadcastStatus
from skua_core.use_cases.broadcast_reports import BroadcastProgress

_STYLE_OF_STATUS = {
    BroadcastStatus.SENDING: "cyan",
    BroadcastStatus.COMPLETED: "green",
    BroadcastStatus.PAUSED: "yellow",
    BroadcastStatus.INTERRUPTED: "yellow",
    BroadcastStatus.CANCELLED: "red",
}
_STYLE_OF_COUNT = {
    "sent": "green",
    "failed": "red",
    "skipped": "yellow",
    "uncertain": "magenta",
    "in_flight": "cyan",
    "pending": "default",
}


@dataclass(frozen=True, kw_only=True)
class Look:
    progress: BroadcastProgress
    served: bool
    """Somebody sends, or there is nothing left to send."""


@dataclass(frozen=True, kw_only=True)
class View:
    show: Callable[[Look], None]
    interval: float
    """Seconds between two looks."""
    screen: AbstractContextManager[object]
    """To be open while looks are shown."""


def choose_view(*, as_json: bool) -> View:
    if as_json:
        return View(show=_show_json, interval=1.0, screen=nullcontext())
    if not is_terminal():
        return View(show=_show_line, interval=5.0, screen=nullcontext())
    live = Live(console=Console(), refresh_per_second=4)
    return View(show=lambda look: live.update(picture(look)), interval=0.5, screen=live)


def picture(look: Look) -> RenderableType:
    broadcast = look.progress.broadcast
    head = Text.assemble(
        ("Broadcast ", "bold"),
        (f"{broadcast.id}  ", "bold"),
        (stopped_because(broadcast), _STYLE_OF_STATUS[broadcast.status]),
    )
    bar = Table.grid(padding=(0, 2))
    counts = broadcast.counts
    done = counts.total - counts.open
    bar.add_row(
        ProgressBar(total=max(counts.total, 1), completed=done, width=40), _share(broadcast)
    )
    return Group(head, bar, _counts(broadcast), Text(_pace(look)))


def _counts(broadcast: Broadcast) -> Table:
    numbers = msgspec.structs.asdict(broadcast.counts)
    table = Table.grid(padding=(0, 3))
    for name, style in _STYLE_OF_COUNT.items():
        table.add_column(justify="right", style=style if numbers[name] else "dim")
    table.add_row(*(Text(name.replace("_", " "), style="dim") for name in _STYLE_OF_COUNT))
    table.add_row(*(f"{numbers[name]:,}" for name in _STYLE_OF_COUNT))
    return table


def _show_json(look: Look) -> None:
    progress = look.progress
    say_json(
        broadcast_facts(progress.broadcast)
        | {
            "rate": round(progress.rate, 2),
            "eta_seconds": None if progress.eta is None else round(progress.eta, 1),
            "not_before": progress.not_before,
            "served": look.served,
        }
    )


def _show_line(look: Look) -> None:
    numbers = msgspec.structs.asdict(look.progress.broadcast.counts)
    known = [f"{name.replace('_', ' ')} {n:,}" for name in _STYLE_OF_COUNT if (n := numbers[name])]
    say("; ".join((_share(look.progress.broadcast), ", ".join(known), _pace(look))))


def _share(broadcast: Broadcast) -> str:
    counts = broadcast.counts
    if broadcast.frozen_at is None and not counts.total:
        return "the audience is being gathered"
    return f"{counts.total - counts.open:,} of {counts.total:,}"


def _pace(look: Look) -> str:
    progress = look.progress
    if progress.broadcast.status is not BroadcastStatus.SENDING:
        return stopped_because(progress.broadcast)
    if not look.served:
        return "nobody sends: neither `skua up` nor a `skua worker` runs"
    eta = "" if progress.eta is None else f", {duration(progress.eta)} to go"
    return f"{progress.rate:.1f} per second{eta}"
