"""Wake-ups between tasks of one event loop."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Self
from weakref import WeakSet

from skua_core.ids import BotId
from skua_core.ports.job_queue import JobQueue


class InProcessJobQueue(JobQueue):
    def __init__(self) -> None:
        # Weak, because a listener that nobody iterates any more says no goodbye.
        self._listeners: WeakSet[Unheard] = WeakSet()
        self._closed = False

    async def wake(self, bot_id: BotId) -> None:
        for listener in self._listeners:
            listener.put(bot_id)

    def nudges(self) -> AsyncIterator[BotId]:
        listener = Unheard()
        if self._closed:
            listener.end()
        else:
            self._listeners.add(listener)
        return listener

    async def jobs(self) -> AsyncGenerator[BotId]:
        async for bot_id in self.nudges():
            yield bot_id

    async def check(self) -> None:
        """It can't be away."""

    async def close(self) -> None:
        self._closed = True
        while self._listeners:
            self._listeners.pop().end()


class Unheard(AsyncIterator[BotId]):
    """What one listener hasn't heard yet; a bot that is woken twice meanwhile is there once."""

    def __init__(self) -> None:
        # A dictionary for its order.
        self._unheard: dict[BotId, None] = {}
        self._news = asyncio.Event()
        self._ended = False

    def put(self, bot_id: BotId) -> None:
        self._unheard[bot_id] = None
        self._news.set()

    def end(self) -> None:
        self._ended = True
        self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> BotId:
        while not self._unheard:
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        bot_id = next(iter(self._unheard))
        del self._unheard[bot_id]
        return bot_id
