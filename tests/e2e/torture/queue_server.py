"""The Redis between the processes, on which nothing may depend."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Self

from tests.e2e.torture.plan import Act
from tests.redis_server import RedisServer

_STOOD, _WENT = 0.3, 0.1
"""Seconds that a slow server stands and goes, in turns."""


class DisturbedRedis:
    """Keeps nothing on disk, so that each stop is a flush too."""

    def __init__(self, directory: Path) -> None:
        self._server = RedisServer(directory)
        self._starting: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self.url = self._server.url

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._server.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._starting is not None:
            # The run ends in the middle of a stop: what is half started can't be stopped.
            await asyncio.wait({self._starting})
        await asyncio.to_thread(self._server.kill)

    async def disturb(self, act: Act, seconds: float) -> None:
        """Flush it, or take it away or slow it down for so many seconds."""
        async with self._turn:
            if act is Act.QUEUE_FLUSH:
                await asyncio.to_thread(self._server.flush)
            elif act is Act.QUEUE_STOP:
                await asyncio.to_thread(self._server.kill)
                await asyncio.sleep(seconds)
                self._starting = asyncio.create_task(asyncio.to_thread(self._server.start))
                await asyncio.shield(self._starting)
            else:
                await self._slow_down(seconds)

    async def _slow_down(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        pid = self._server.pid
        while time.monotonic() < until:
            os.kill(pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(_STOOD)
            finally:
                os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(_WENT)
