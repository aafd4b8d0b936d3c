"""What the tests of the embedded server ask of the world around it."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


class Keeper:
    """A process of its own that keeps a cluster."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def said(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def leave(self) -> None:
        """End it the clean way."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(30) == 0


Keep = Callable[..., Keeper]


def processes_in(place: Path) -> list[int]:
    """Whatever works in a folder below ``place``, as each of a server's processes does."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink().is_relative_to(place):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_until_gone(place: Path, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while processes_in(place):
        assert time.monotonic() < deadline, f"still there: {processes_in(place)}"
        time.sleep(0.02)


def ask(dsn: str, *statements: str) -> Any:
    """What the last statement's first column says."""

    async def go() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(go())


def ask_sqlalchemy(url: str, statement: str) -> str:
    async def go() -> str:
        engine = create_async_engine(url)
        try:
            async with engine.connect() as connection:
                return str(await connection.scalar(text(statement)))
        finally:
            await engine.dispose()

    return asyncio.run(go())
