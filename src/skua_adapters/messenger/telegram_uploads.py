"""Calls that carry files: multipart/form-data, streamed from where the files are kept.

What is certain when such a call breaks off: its head declares how long the body is, and a server
hands a request on when that much of it has come (tdlib/telegram-bot-api: ``HttpReader`` waits for
``Content-Length`` bytes, also after the closing boundary). So a body whose last byte was never
given to the connection can't have been accepted, whatever broke it off, and the connection is
closed so that nothing can ever complete it. Once the last byte has been given away, the fate is
as unknown as any other message's.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple

import aiohttp
import msgspec
from aiohttp import payload
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection
from aiohttp.http import StreamWriter
from yarl import URL

from skua_adapters.messenger.telegram_http import TelegramHttp
from skua_adapters.messenger.telegram_protocol import Answer, TelegramProtocol
from skua_adapters.messenger.telegram_requests import Request
from skua_core.domain.secret import BotToken
from skua_core.errors import MediumMissing
from skua_core.ids import MediaId
from skua_core.ports.messenger import FileSource


class UploadIncomplete(Exception):
    """Less than the whole request left: it was not accepted."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The upload broke off ({reason}).")
        self.reason = reason


class FileChanged(Exception):
    """There are more bytes, or fewer, than the request had declared."""


class Uploaded(NamedTuple):
    answer: Answer
    whole: bool
    """False when the answer came before the request was complete."""


class Form:
    """A body of fields and files, whose length is known before it's written."""

    def __init__(self, request: Request, files: Mapping[MediaId, FileSource]) -> None:
        """Raises MediumMissing for a file that isn't among ``files``."""
        self._parts = aiohttp.MultipartWriter("form-data")
        for name, value in request.fields.items():
            self._append(payload.StringPayload(_as_text(value)), name=name)
        for name, media_id in request.uploads:
            source = files.get(media_id)
            if source is None:
                raise MediumMissing(media_id)
            self._append(_FilePayload(source), name=name, filename=source.name)
        self.size: int = self._parts.size or 0

    @property
    def content_type(self) -> str:
        return self._parts.content_type

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self._parts.write(writer)

    def _append(self, part: payload.Payload, **disposition: str) -> None:
        # Telegram's server takes a file's name as it stands and doesn't read ``filename*``.
        part.set_content_disposition("form-data", quote_fields=False, **disposition)
        self._parts.append_payload(part)


class _FilePayload(payload.Payload):
    def __init__(self, source: FileSource) -> None:
        super().__init__(source, filename=source.name)
        self._source = source
        self._size = source.size

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - aiohttp's
        raise TypeError("a file is streamed, not decoded")

    async def write(self, writer: AbstractStreamWriter) -> None:
        pieces = self._source.read()
        left = self._source.size
        try:
            async for piece in pieces:
                left -= len(piece)
                if left < 0:
                    raise FileChanged
                await writer.write(piece)
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()
        if left:
            raise FileChanged


class TelegramUploads(TelegramHttp):
    """Calls with and without files over one pool of connections."""

    def __init__(self, base: URL, **options: Any) -> None:
        super().__init__(base, **options)
        self._under_way: set[Connection] = set()

    async def upload(self, token: BotToken, method: str, form: Form, seconds: float) -> Uploaded:
        """Call ``method`` with files, within ``seconds``.

        Raises UploadIncomplete, FileChanged and whatever reading a file raises when less than the
        whole request left; else as ``post`` does.
        """
        deadline = self._loop.time() + seconds
        after_token = self._after(method, form.content_type)
        connection = await self._connect()
        self._under_way.add(connection)
        try:
            try:
                protocol = self._write(connection, token, after_token, b"", form.size)
            except aiohttp.ClientConnectionResetError as error:
                raise UploadIncomplete(type(error).__name__) from error
            uploaded = await self._exchange(protocol, form, deadline)
        except BaseException:
            _abort(connection)
            raise
        finally:
            self._under_way.discard(connection)
        if uploaded.whole and uploaded.answer.body is not None:
            connection.release()
        else:
            _abort(connection)
        return uploaded

    async def close(self) -> None:
        for connection in self._under_way:
            _abort(connection)
        await super().close()

    async def _any_answer(self, protocol: TelegramProtocol, deadline: float) -> Answer:
        answer = await protocol.small_answer(deadline)
        return await self._long_answer(protocol, deadline) if answer is None else answer

    async def _exchange(self, protocol: TelegramProtocol, form: Form, deadline: float) -> Uploaded:
        """Write and read at once: a server that has seen enough answers before it has seen all."""
        writer = StreamWriter(protocol, self._loop)
        reading = self._loop.create_task(self._any_answer(protocol, deadline))
        writing = self._loop.create_task(form.write(writer))
        try:
            await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done():
                # The answer came first, or the connection or the time has ended.
                await _end(writing)
            whole = writer.output_size >= form.size
            if not whole:
                _raise_source_error(writing)
            return await _outcome(reading, whole=whole)
        finally:
            await _end(writing, reading)


def _abort(connection: Connection) -> None:
    """At once: a connection that is merely closed first gives away what it has been given."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()


async def _outcome(reading: asyncio.Task[Answer], *, whole: bool) -> Uploaded:
    if whole:
        return Uploaded(await reading, whole=True)
    if not reading.done():
        raise UploadIncomplete("the connection was lost")
    try:
        return Uploaded(reading.result(), whole=False)
    except (aiohttp.ClientError, OSError) as error:
        raise UploadIncomplete(type(error).__name__) from error


def _raise_source_error(writing: asyncio.Task[None]) -> None:
    """What isn't the connection's came from a file that was read."""
    error = None if writing.cancelled() else writing.exception()
    if error is not None and not isinstance(error, aiohttp.ClientError | OSError):
        raise error


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _as_text(value: Any) -> str:
    """Telegram reads each field as text: what isn't one is JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
