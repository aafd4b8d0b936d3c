"""aiohttp's connections, with a short way for the answers that almost every message gets.

A small answer comes whole in one piece. Telling its status and body apart takes a few searches;
aiohttp's parser, a stream and two queues are made for whatever else may come, and get that.
"""

import asyncio
import math
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


class Deadlines:
    """Ends what has waited for too long, with one timer for all that wait.

    A timer for each message would cost as much as reading its answer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[asyncio.Future[Any], float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    def add(self, waiting: asyncio.Future[Any], deadline: float) -> None:
        """Let it raise TimeoutError then, by the loop's clock."""
        self._waiting[waiting] = deadline
        if deadline < self._timer_at:
            self._set_timer(deadline)

    def remove(self, waiting: asyncio.Future[Any]) -> None:
        # The timer stays: it finds nothing, or what came later and needs it next.
        self._waiting.pop(waiting, None)

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._expire)
        self._timer_at = at

    def _expire(self) -> None:
        self._timer, self._timer_at = None, math.inf
        now = self._loop.time()
        for waiting in [each for each, deadline in self._waiting.items() if deadline <= now]:
            del self._waiting[waiting]
            if not waiting.done():
                waiting.set_exception(TimeoutError())
        if self._waiting:
            self._set_timer(min(self._waiting.values()))


class TelegramProtocol(ResponseHandler):
    """One connection, which has one request under way at most."""

    def __init__(self, loop: asyncio.AbstractEventLoop, deadlines: Deadlines) -> None:
        super().__init__(loop)
        self._deadlines = deadlines
        self._waiting: asyncio.Future[Answer | None] | None = None

    async def small_answer(self, deadline: float) -> Answer | None:
        """What is answered next, if it is small and plain; else None, and ``read`` tells the rest.

        Raises TimeoutError at ``deadline``, by the loop's clock.
        """
        waiting: asyncio.Future[Answer | None] = self._loop.create_future()
        self._waiting = waiting
        self._deadlines.add(waiting, deadline)
        try:
            return await waiting
        finally:
            self._deadlines.remove(waiting)
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
        deadlines = Deadlines(self._loop)
        self._factory = partial(TelegramProtocol, self._loop, deadlines)  # type: ignore[assignment] # invariant
