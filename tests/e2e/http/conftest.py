"""The application under uvicorn, on a port of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import uvicorn

from tests.unit.http.place import Place


@dataclass(frozen=True)
class Site:
    place: Place
    port: int

    async def exchange(self, *requests: bytes, hang_up: bool = False) -> bytes:
        """Send raw requests one after another over one connection; all that came back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            answers = b""
            for request in requests:
                writer.write(request)
                if hang_up:
                    break
                answers += await _one_answer(reader)
            return answers
        finally:
            writer.close()
            await writer.wait_closed()


async def _one_answer(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in head.lower().splitlines()
            if line.startswith(b"content-length:")
        )
        return head + await reader.readexactly(length)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    place = Place()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            place.app, http="httptools", ws="none", access_log=False, log_config=None
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield Site(place, listening.getsockname()[1])
        server.should_exit = True
        await serving
