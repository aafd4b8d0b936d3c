"""Gathers the turns of a process's lanes, so that one commit serves many of them."""

import asyncio
from collections import deque

from skua_core.domain.delivery import Claim
from skua_core.ports.turn_groups import PlainTurn, TurnGroups

_AT_ONCE = 2
"""Groups under way: while one waits for its commit, the next is worked on."""
_LARGEST = 64
"""Lanes in one group, whose transaction holds the gates of all of them."""

_Waiting = tuple[PlainTurn, asyncio.Future[Claim | None]]


class GatheredTurns:
    """A turn with few others under way goes at once; what comes meanwhile goes together next.

    So nobody waits for company, and the busier the database is, the more lanes share a commit.
    """

    def __init__(self, *, groups: TurnGroups) -> None:
        self._groups = groups
        self._waiting: deque[_Waiting] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def take(self, turn: PlainTurn) -> Claim | None:
        """As ``TurnGroups.take`` for this one."""
        taken: asyncio.Future[Claim | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, taken))
        if len(self._under_way) < _AT_ONCE:
            task = asyncio.create_task(self._take_waiting())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return await taken

    async def _take_waiting(self) -> None:
        while self._waiting:
            size = min(len(self._waiting), _LARGEST)
            await self._take_group([self._waiting.popleft() for _ in range(size)])

    async def _take_group(self, group: list[_Waiting]) -> None:
        try:
            claims = await self._groups.take([turn for turn, _ in group])
        except BaseException as error:
            for _, taken in group:
                if not taken.done():
                    taken.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, taken), claim in zip(group, claims, strict=True):
            if not taken.done():
                taken.set_result(claim)
