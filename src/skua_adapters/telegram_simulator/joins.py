"""Many people who press Start one after the other, at a chosen rate."""

import asyncio
import contextlib

import msgspec

from .errors import ActionImpossible
from .people import People

_STEP = 0.02
"""Seconds between two looks at how many are due."""
_AT_ONCE = 500
"""How many press Start in one step at most, so that the server goes on answering."""


class JoinProgress(msgspec.Struct):
    requested: int = 0
    joined: int = 0


class Joins:
    def __init__(self, people: People) -> None:
        self._people = people
        self._progress: dict[int, JoinProgress] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, bot_id: int, users: range, *, rate: float, payload: str = "") -> None:
        """Let ``users`` join in the background; ``rate`` per second, 0 for as fast as it goes."""
        if rate < 0:
            raise ActionImpossible("A rate of joins can't be below zero.")
        self._people.check_can_start(bot_id, users, payload)
        task = asyncio.create_task(self.run(bot_id, users, rate=rate, payload=payload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self, bot_id: int, users: range, *, rate: float = 0, payload: str = "") -> None:
        """Returns when all have joined; their updates may still be under way."""
        progress = self._progress.setdefault(bot_id, JoinProgress())
        progress.requested += len(users)
        began, done = asyncio.get_running_loop().time(), 0
        while done < len(users):
            due = done + _AT_ONCE
            if rate:
                elapsed = asyncio.get_running_loop().time() - began
                due = min(due, int(elapsed * rate) + 1)
            for user_id in users[done:due]:
                # Whoever deleted the account meanwhile doesn't come any more.
                with contextlib.suppress(ActionImpossible):
                    self._people.press_start(bot_id, user_id, payload)
                    progress.joined += 1
            done = max(done, min(due, len(users)))
            await asyncio.sleep(_STEP if rate else 0)

    def progress(self, bot_id: int) -> JoinProgress:
        return self._progress.get(bot_id, JoinProgress())

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
