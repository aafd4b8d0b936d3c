"""One address before several servers, as a reverse proxy would be."""

import asyncio
import contextlib
from typing import Self

_CHUNK = 65536
_LOOK = 0.05
"""Seconds between two rounds when nobody answers."""
_PATIENCE = 5.0


class Balancer:
    """Each connection goes to the next server that takes it."""

    def __init__(self, port: int, servers: list[int]) -> None:
        self._port = port
        self._servers = servers
        self._turn = 0
        self._pipes: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._take, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pipe = asyncio.create_task(self._serve(reader, writer))
        self._pipes.add(pipe)
        pipe.add_done_callback(self._pipes.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                there = await self._connect()
            with contextlib.closing(there[1]):
                one = asyncio.create_task(_pump(reader, there[1]))
                other = asyncio.create_task(_pump(there[0], writer))
                try:
                    await asyncio.wait({one, other}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    one.cancel()
                    other.cancel()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            for _ in self._servers:
                self._turn += 1
                port = self._servers[self._turn % len(self._servers)]
                with contextlib.suppress(OSError):
                    return await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(_LOOK)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
