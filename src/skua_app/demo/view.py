"""How the demo is shown: live on a terminal, as lines elsewhere, not at all for programs."""

import sys
import time
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from skua_app.demo.result import DemoResult
from skua_core.domain.broadcast import BroadcastReport
from skua_core.domain.delivery import REASONS, DeliveryStatus
from skua_core.use_cases.broadcast_reports import BroadcastProgress

_LINE_EVERY = 2.0
"""Seconds between two lines of progress where there is no terminal."""


class DemoView(Protocol):
    """Whoever watches."""

    def stage(self, text: str) -> None: ...

    def joining(self, joined: int, total: int) -> None: ...

    def progress(self, progress: BroadcastProgress) -> None: ...

    def killed(self, pid: int) -> None: ...

    def restarted(self, pid: int) -> None: ...

    def finished(
        self,
        report: BroadcastReport,
        result: DemoResult,
        *,
        slug: str,
        audit_entries: int,
        receipts: Path,
    ) -> None: ...

    def close(self) -> None:
        """Leave the terminal as it was."""


class ConsoleView(DemoView):
    """For people."""

    def __init__(self, data_dir: Path) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._data_dir = data_dir
        self._began = time.monotonic()
        self._bar: Progress | None = None
        self._line_at = 0.0

    def stage(self, text: str) -> None:
        self._end_live()
        self._console.print(f"[dim]{time.monotonic() - self._began:5.1f} s[/]  {text}")

    def joining(self, joined: int, total: int) -> None:
        self._show("joined", joined, total, "")

    def progress(self, progress: BroadcastProgress) -> None:
        counts = progress.broadcast.counts
        eta = "" if progress.eta is None else f"  {progress.eta:.0f} s to go"
        outcomes = (
            f"[green]{counts.sent} sent[/]  [red]{counts.failed} failed[/]  "
            f"[yellow]{counts.skipped} skipped[/]  [magenta]{counts.uncertain} uncertain[/]"
        )
        more = f"{progress.rate:4.0f}/s{eta}  {outcomes}"
        self._show(str(progress.broadcast.status), counts.total - counts.open, counts.total, more)

    def killed(self, pid: int) -> None:
        self._console.print(f"         [bold red]kill -9 {pid}[/]: the process that was sending")

    def restarted(self, pid: int) -> None:
        self._console.print(f"         process {pid} carries on from the ledger")

    def finished(
        self,
        report: BroadcastReport,
        result: DemoResult,
        *,
        slug: str,
        audit_entries: int,
        receipts: Path,
    ) -> None:
        self._end_live()
        self._console.print()
        self._console.print(_report_table(report, result))
        doubled = (
            "nobody got it twice"
            if not result.duplicates
            else (f"[bold red]{result.duplicates} got it twice[/]")
        )
        self._console.print(
            f"  By Telegram's own book {doubled}. "
            f"{audit_entries} audit entries, and their chain holds.\n"
        )
        self._console.print("Look further:", style="bold")
        skua = f"SKUA_DATA_DIR={self._data_dir} {sys.argv[0]}"
        for command, what in (
            ("status", "what is there"),
            (f"broadcast report --bot {slug} --recipients", "who got it, and who didn't"),
            (f"subscribers list --bot {slug}", "who they are"),
            (f"audit verify --bot {slug}", "the chain of the audit log"),
        ):
            self._console.print(f"  {skua} {command}  [dim]# {what}[/]")
        self._console.print(f"  less {receipts}  [dim]# what Telegram saw[/]")

    def close(self) -> None:
        self._end_live()

    def _show(self, what: str, done: int, total: int, more: str) -> None:
        if not self._console.is_terminal:
            now = time.monotonic()
            if now - self._line_at >= _LINE_EVERY or done == total:
                self._line_at = now
                self._console.print(f"         {what} {done}/{total}  {more}")
            return
        if self._bar is None:
            self._bar = Progress(
                TextColumn("         {task.description}"),
                BarColumn(36),
                MofNCompleteColumn(),
                TextColumn("{task.fields[more]}"),
                console=self._console,
            )
            self._bar.add_task(what, total=total, more=more)
            self._bar.start()
        task = self._bar.task_ids[0]
        self._bar.update(task, description=what, completed=done, total=total, more=more)

    def _end_live(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class SilentView(DemoView):
    """For programs: nothing but the result, which the command prints."""

    def stage(self, text: str) -> None: ...

    def joining(self, joined: int, total: int) -> None: ...

    def progress(self, progress: BroadcastProgress) -> None: ...

    def killed(self, pid: int) -> None:
        print(f"killed {pid}", file=sys.stderr)  # noqa: T201 - for whoever reads the log

    def restarted(self, pid: int) -> None:
        print(f"restarted as {pid}", file=sys.stderr)  # noqa: T201 - for whoever reads the log

    def finished(
        self,
        report: BroadcastReport,
        result: DemoResult,
        *,
        slug: str,
        audit_entries: int,
        receipts: Path,
    ) -> None: ...

    def close(self) -> None: ...


def _report_table(report: BroadcastReport, result: DemoResult) -> Table:
    table = Table(title=f"Report after {result.seconds:.0f} s", title_justify="left", box=None)
    table.add_column("outcome")
    table.add_column("people", justify="right")
    table.add_column("why")
    counts = report.broadcast.counts
    for status, colour, number in (
        (DeliveryStatus.SENT, "green", counts.sent),
        (DeliveryStatus.FAILED, "red", counts.failed),
        (DeliveryStatus.SKIPPED, "yellow", counts.skipped),
        (DeliveryStatus.UNCERTAIN, "magenta", counts.uncertain),
    ):
        table.add_row(f"[{colour}]{status}[/]", f"{number:,}", _why(report, status))
    table.add_row("[bold]together[/]", f"[bold]{counts.total:,}[/]", "")
    left = ", ".join(f"{number} {status}" for status, number in report.broadcast.excluded.items())
    table.add_row("[dim]left out[/]", "", f"[dim]{left or 'nobody'}[/]")
    return table


def _why(report: BroadcastReport, status: DeliveryStatus) -> str:
    reasons = REASONS.get(status, frozenset())
    return ", ".join(
        f"{number} {reason}"
        for reason, number in sorted(report.reasons.items())
        if reason in reasons
    )
