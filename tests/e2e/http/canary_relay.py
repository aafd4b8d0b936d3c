"""Stands between Telegram and the server, as a proxy does, and sees what passes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

HOST = "127.0.0.1"


@dataclass
class Relay:
    target: int
    port: int = 0
    asked: bytes = b""
    """All that was sent to the server."""

    @classmethod
    @asynccontextmanager
    async def to(cls, target: int) -> AsyncIterator["Relay"]:
        relay = cls(target)
        server = await asyncio.start_server(relay._connected, HOST, 0)
        relay.port = server.sockets[0].getsockname()[1]
        async with server:
            yield relay
            server.close()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, to_server = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(
            self._pass(reader, to_server, note=True), self._pass(there, writer, note=False)
        )

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, note: bool
    ) -> None:
        with suppress(ConnectionError):
            while more := await reader.read(65536):
                if note:
                    self.asked += more
                writer.write(more)
                await writer.drain()
        writer.close()
