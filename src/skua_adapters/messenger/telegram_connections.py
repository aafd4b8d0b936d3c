"""Connections that wait for their next request, the one that was used last on top.

aiohttp's own pool finds them by key, and asks all of a connection's state, each time it gives and
takes one; a message goes through that twice. New ones come from it still.
"""

import asyncio
from collections import deque

from aiohttp.connector import Connection


class IdleConnections:
    """Belongs to one event loop. All of them lead to the same place."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, keep_alive: float) -> None:
        self._loop = loop
        self._keep_alive = keep_alive
        self._idle: deque[tuple[float, Connection]] = deque()
        self._expiry: asyncio.TimerHandle | None = None

    def put(self, connection: Connection) -> None:
        self._idle.append((self._loop.time() + self._keep_alive, connection))
        if self._expiry is None:
            self._expiry = self._loop.call_later(self._keep_alive, self._close_expired)

    def take(self) -> Connection | None:
        """One that can be used, or None. What can't be used any more is closed."""
        now = self._loop.time()
        while self._idle:
            expires_at, connection = self._idle.pop()
            protocol = connection.protocol
            usable = protocol is not None and protocol.is_connected() and not protocol.should_close
            if usable and now < expires_at:
                return connection
            connection.close()
        return None

    def close(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        while self._idle:
            self._idle.pop()[1].close()

    def _close_expired(self) -> None:
        now = self._loop.time()
        while self._idle and self._idle[0][0] <= now:
            self._idle.popleft()[1].close()
        self._expiry = (
            self._loop.call_at(self._idle[0][0], self._close_expired) if self._idle else None
        )
