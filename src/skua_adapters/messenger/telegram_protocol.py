"""aiohttp's connections, with a short way for the answers that almost every message gets.

A small answer comes whole in one piece. Telling its status and body apart takes a few searches;
aiohttp's parser, a stream and two queues are made for whatever else may come, and get that.
"""

import asyncio
import re
from functools import lru_cache, partial
from typing import Any

import aiohttp
import msgspec
from aiohttp.client_proto import ResponseHandler

_STATUS = re.compile(rb"http/1\.1 ([2-5]\d\d) ")
_LENGTH = re.compile(rb"\r\ncontent-length: (\d{1,6})(?:\r\n|\Z)")
_CONNECTION = re.compile(rb"\r\nconnection: keep-alive(?:\r\n|\Z)")
_LONGEST_HEAD = 2048
"""Bytes of a head that is worth remembering."""
_WITHOUT_BODY = frozenset({204, 304})


class Answer(msgspec.Struct, frozen=True, gc=False):
    status: int
    body: bytes | None
    """None when it's longer than any answer of Telegram's."""


def read_small_answer(data: bytes) -> Answer | None:
    """A whole answer of the plainest kind, after which the connection can be used again.

    None for everything else, be it right or wrong.
    """
    head, end, body = data.partition(b"\r\n\r\n")
    if not end or len(head) > _LONGEST_HEAD:
        return None
    plain = _read_head(head)
    if plain is None or plain[1] != len(body):
        return None
    return Answer(plain[0], body)


# Heads come again and again: they differ in their length and, from one second to the next, date.
@lru_cache(maxsize=256)
def _read_head(head: bytes) -> tuple[int, int] | None:
    """Status and length of the body, if both are as plain as can be."""
    head = head.lower()
    status, length = _STATUS.match(head), _LENGTH.search(head)
    if status is None or length is None:
        return None
    if head.count(b"content-length") > 1 or b"-encoding" in head:
        return None
    if b"connection" in head and _CONNECTION.search(head) is None:
        return None
    code = int(status[1])
    return None if code in _WITHOUT_BODY else (code, int(length[1]))


class TelegramProtocol(ResponseHandler):
    """One connection, which has one request under way at most."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._waiting: asyncio.Future[Answer | None] | None = None

    async def small_answer(self, deadline: float) -> Answer | None:
        """What is answered next, if it is small and plain; else None, and ``read`` tells the rest.

        Raises TimeoutError at ``deadline``, by the loop's clock.
        """
        waiting: asyncio.Future[Answer | None] = self._loop.create_future()
        self._waiting = waiting
        timer = self._loop.call_at(deadline, _expire, waiting)
        try:
            return await waiting
        finally:
            timer.cancel()
            self._waiting = None

    def data_received(self, data: bytes) -> None:
        waiting = self._waiting
        if waiting is not None and not waiting.done():
            answer = read_small_answer(data)
            waiting.set_result(answer)
            if answer is not None:
                return
            self.set_response_params(read_until_eof=True, auto_decompress=False)
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        super().connection_lost(exc)


class TelegramConnector(aiohttp.TCPConnector):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(TelegramProtocol, loop=self._loop)  # type: ignore[assignment] # invariant


def _expire(waiting: asyncio.Future[Answer | None]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())
