"""The other end of the wire: a server on a real socket that answers with the bytes it's told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass
class Wire:
    """Answers each request with ``answer`` and notes it down."""

    answer: Answer
    greeting: bytes = b""
    """Said to whoever connects, before any request."""
    base: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    open: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(self.greeting)
        self.open[asyncio.create_task(self._serve(reader, writer))] = writer

    async def stop(self) -> None:
        for task, writer in self.open.items():
            if not task.done():
                writer.transport.abort()
        await asyncio.gather(*self.open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                self.requests.append(await _read_request(reader))
                await self.answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def wire(answer: Answer, *, greeting: bytes = b"") -> AsyncIterator[Wire]:
    other_end = Wire(answer, greeting)
    server = await asyncio.start_server(other_end.accept, "127.0.0.1", 0)
    other_end.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield other_end
    finally:
        server.close()
        await other_end.stop()


def bytes_of(status: str, body: bytes, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(answer: bytes) -> Answer:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return write


def says_and_closes(answer: bytes = b"") -> Answer:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    return write


def resets(answer: bytes = b"") -> Answer:
    """End with RST, not FIN, as a crashed peer or a firewall does."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.transport.abort()

    return write


def hangs(answer: bytes = b"") -> Answer:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.wait_closed()

    return write


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.strip().split("\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (each.partition(":") for each in fields)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(line.split(" ")[1], headers, body)
