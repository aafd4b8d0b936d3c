"""Reads a file or standard input piece by piece, so that Ctrl-C is heard between the pieces."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

_CHUNK = 64 * 1024


@contextmanager
def with_progress(source: BinaryIO, doing: str) -> Iterator[AsyncIterator[bytes]]:
    """The content, with a bar on the terminal (if that is one) as it is read."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _chunks(source, lambda _: None)
        return
    columns = (TextColumn(doing), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=_size(source))
        yield _chunks(source, lambda length: progress.advance(task, length))


async def _chunks(source: BinaryIO, taken: Callable[[int], None]) -> AsyncIterator[bytes]:
    waits = _keeps_one_waiting(source)
    while True:
        if waits:
            await _readable(source.fileno())
            chunk = os.read(source.fileno(), _CHUNK)
        else:
            chunk = source.read(_CHUNK)
        if not chunk:
            return
        taken(len(chunk))
        yield chunk


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def _keeps_one_waiting(source: BinaryIO) -> bool:
    """A pipe or terminal may; an ordinary file never does, and can't be waited for."""
    mode = _mode(source)
    return mode is not None and (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode))


def _mode(source: BinaryIO) -> int | None:
    try:
        return os.fstat(source.fileno()).st_mode
    except OSError:  # nothing of the system's stands behind it
        return None


def _size(source: BinaryIO) -> int | None:
    mode = _mode(source)
    if mode is None or not stat.S_ISREG(mode):
        return None
    return os.fstat(source.fileno()).st_size
