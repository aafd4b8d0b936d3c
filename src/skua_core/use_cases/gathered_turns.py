"""Gathers the turns of a process's lanes, so that one commit serves many of them."""

import asyncio
from collections import deque
from collections.abc import Callable

from skua_core.domain.delivery import Claim
from skua_core.ports.turn_groups import PlainTurn, TurnGroups

_AT_ONCE = 2
"""Groups under way: while one waits for its commit, the next is worked on."""
_LARGEST = 64
"""Lanes in one group, whose transaction holds the gates of all of them."""

Ask = Callable[[], PlainTurn | None]
"""Asks a lane for its turn; None says that it has none that could be taken in a group."""
_Taken = asyncio.Future[Claim | None]
_Group = list[tuple[PlainTurn, _Taken]]


class GatheredTurns:
    """A turn with few others under way goes at once; what comes meanwhile goes together next.

    So nobody waits for company, and the busier the database is, the more lanes share a commit. A
    lane is asked only when its group begins, so what it learns while it waits is part of its turn.
    """

    def __init__(self, *, groups: TurnGroups) -> None:
        self._groups = groups
        self._waiting: deque[tuple[Ask, _Taken]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def take(self, ask: Ask) -> Claim | None:
        """As ``TurnGroups.take`` for this one; None as well when it answered with no turn.

        Who is cancelled before it was asked isn't asked any more.
        """
        taken: _Taken = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, taken))
        if len(self._under_way) < _AT_ONCE:
            task = asyncio.create_task(self._take_waiting())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return await taken

    async def _take_waiting(self) -> None:
        while self._waiting:
            group = self._next_group()
            if group:
                await self._take_group(group)

    def _next_group(self) -> _Group:
        group: _Group = []
        while self._waiting and len(group) < _LARGEST:
            ask, taken = self._waiting.popleft()
            if taken.done():
                continue
            try:
                turn = ask()
            except Exception as error:  # noqa: BLE001 - a lane's own defect, told to it alone
                taken.set_exception(error)
                continue
            if turn is None:
                taken.set_result(None)
            else:
                group.append((turn, taken))
        return group

    async def _take_group(self, group: _Group) -> None:
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
