"""Posts to the Bot API over aiohttp's connections and parser, without its session.

A session makes a request, a payload, a response, a task and two timers of each message, which
costs more than everything else that a message goes through. And a Bot API address holds the token:
aiohttp shows addresses in exceptions, reprs and traces, and yarl keeps parsed ones in caches of the
process. Here the token goes straight into the bytes of the request line, and connections are asked
for with an address that has none.
"""

import asyncio

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from yarl import URL

from skua_adapters.messenger.telegram_connections import IdleConnections
from skua_adapters.messenger.telegram_protocol import Answer, TelegramConnector, TelegramProtocol
from skua_adapters.messenger.telegram_requests import METHODS, SEND_MESSAGE
from skua_core.domain.secret import BotToken

_LONGEST_ANSWER = 1024 * 1024
"""Bytes. Telegram's answer repeats the message, which takes some 100 kB at most."""
_INFORMATIONAL = range(100, 200)


class TelegramHttp:
    """One pool of connections. Belongs to the event loop it's made in."""

    def __init__(
        self,
        base: URL,
        *,
        timeout: float,
        connect_timeout: float,
        connections: int,
        keep_alive: float,
    ) -> None:
        path = base.raw_path.rstrip("/")
        # Nothing is compressed, so that no small answer grows without end.
        self._before_token = f"POST {path}/bot".encode()
        self._headers = (
            f" HTTP/1.1\r\nHost: {base.host_port_subcomponent}\r\n"
            "User-Agent: Skua\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
        )
        self._after_token = {method: self._after(method, "application/json") for method in METHODS}
        self._timeout = timeout
        self._timeouts = aiohttp.ClientTimeout(total=timeout, connect=connect_timeout)
        self._loop = asyncio.get_running_loop()
        self._connector = TelegramConnector(limit=connections, keepalive_timeout=keep_alive)
        # Where their number is bound, the pool has to know which ones are idle.
        self._idle = None if connections else IdleConnections(self._loop, keep_alive=keep_alive)
        # Names the place to connect to; it is never sent itself.
        self._place = aiohttp.ClientRequest(
            "POST",
            base.with_path(f"{path}/sendMessage", encoded=True),
            loop=asyncio.get_running_loop(),
        )

    async def post(self, token: BotToken, body: bytes, method: str = SEND_MESSAGE) -> Answer:
        """Call ``method`` with a body of JSON.

        Raises ClientConnectorError and ConnectionTimeoutError when nothing has been written. Of
        other ClientErrors and OSErrors that isn't sure; after a ClientPayloadError the answer had
        begun, and after a ClientResponseError it wasn't HTTP.
        """
        deadline = self._loop.time() + self._timeout
        connection = self._idle.take() if self._idle is not None else None
        if connection is None:
            connection = await self._connect()
        try:
            protocol = self._write(connection, token, self._after_token[method], body, len(body))
            answer = await protocol.small_answer(deadline)
            if answer is not None and self._idle is not None:
                self._idle.put(connection)
                return answer
            if answer is None:
                answer = await self._long_answer(protocol, deadline)
        except BaseException:
            connection.close()
            raise
        if answer.body is None:
            connection.close()
        else:
            connection.release()
        return answer

    async def close(self) -> None:
        if self._idle is not None:
            self._idle.close()
        await self._connector.close()

    async def _connect(self) -> Connection:
        while True:
            try:
                connection = await self._connector.connect(
                    self._place, traces=[], timeout=self._timeouts
                )
            except TimeoutError as error:
                raise aiohttp.ConnectionTimeoutError from error
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            # Something came without being asked for: it mustn't be taken for an answer.
            connection.close()

    def _after(self, method: str, content_type: str) -> bytes:
        """The head behind the token, up to the length of the body."""
        head = f"/{method}{self._headers}Content-Type: {content_type}\r\nContent-Length: "
        return head.encode()

    def _write(
        self, connection: Connection, token: BotToken, after_token: bytes, body: bytes, length: int
    ) -> TelegramProtocol:
        """``body`` may be the beginning of one that is ``length`` long."""
        protocol, transport = connection.protocol, connection.transport
        if not isinstance(protocol, TelegramProtocol) or transport is None:
            raise aiohttp.ClientConnectionResetError
        if transport.is_closing():
            raise aiohttp.ClientConnectionResetError
        # In no variable, so that no report of an error with its locals shows the token.
        transport.write(
            b"%b%b%b%d\r\n\r\n%b"
            % (self._before_token, token.reveal().encode(), after_token, length, body)
        )
        return protocol

    async def _long_answer(self, protocol: TelegramProtocol, deadline: float) -> Answer:
        """What came without being small and plain, once ``small_answer`` has passed it by."""
        begun = False
        try:
            async with asyncio.timeout_at(deadline):
                message, content = await self._read_head(protocol)
                begun = True
                return Answer(message.code, await _read_body(message, content))
        except (aiohttp.ClientError, OSError) as error:
            if begun:
                raise aiohttp.ClientPayloadError from error
            raise

    async def _read_head(
        self, protocol: TelegramProtocol
    ) -> tuple[RawResponseMessage, StreamReader]:
        while True:
            try:
                message, content = await protocol.read()
            except aiohttp.http.HttpProcessingError as error:
                raise aiohttp.ClientResponseError(
                    self._place.request_info, (), status=error.code
                ) from error
            if message.code not in _INFORMATIONAL:
                return message, content


async def _read_body(message: RawResponseMessage, content: StreamReader) -> bytes | None:
    """The body, or None when it's too long."""
    length = message.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > _LONGEST_ANSWER:
        return None
    if content.is_eof():
        body = content.read_nowait()
        return body if len(body) <= _LONGEST_ANSWER else None
    parts = bytearray()
    async for chunk in content.iter_any():
        parts += chunk
        if len(parts) > _LONGEST_ANSWER:
            return None
    return bytes(parts)
