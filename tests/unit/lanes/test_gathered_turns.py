"""Turns that come while others are under way are taken together."""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import pytest

from skua_core.domain.delivery import Claim
from skua_core.domain.lane import ClaimOrder, Lease
from skua_core.errors import StorageUnavailable
from skua_core.ids import BotId, LeaseId
from skua_core.ports.turn_groups import PlainTurn, TurnGroups
from skua_core.use_cases.gathered_turns import GatheredTurns


class HeldUpGroups(TurnGroups):
    """Answers when it is let, each lane with how long its name is in a claim."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.trouble: Exception | None = None
        self._let = asyncio.Event()

    async def take(self, turns: Sequence[PlainTurn]) -> Sequence[Claim | None]:
        self.groups.append([number_of(turn) for turn in turns])
        await self._let.wait()
        if self.trouble is not None:
            raise self.trouble
        return [Claim(next_due_in=float(number_of(turn))) for turn in turns]

    def let(self) -> None:
        self._let.set()


def a_turn(number: int) -> PlainTurn:
    lease = Lease(
        bot_id=BotId(UUID(int=number)), lease_id=LeaseId(UUID(int=number)), epoch=1, holder="w"
    )
    return PlainTurn(lease=lease, settlements=(), order=ClaimOrder(room=1, direct_room=1))


def number_of(turn: PlainTurn) -> int:
    return turn.lease.bot_id.int


async def begin(gathered: GatheredTurns, numbers: range) -> list[asyncio.Task[Claim | None]]:
    tasks = []
    for number in numbers:
        tasks.append(asyncio.create_task(gathered.take(partial(a_turn, number))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return tasks


async def test_a_turn_that_comes_alone_goes_at_once() -> None:
    groups = HeldUpGroups()
    groups.let()

    claim = await GatheredTurns(groups=groups).take(partial(a_turn, 1))

    assert claim == Claim(next_due_in=1)
    assert groups.groups == [[1]]


async def test_what_comes_meanwhile_goes_together_and_each_gets_its_own() -> None:
    groups = HeldUpGroups()
    tasks = await begin(GatheredTurns(groups=groups), range(6))

    groups.let()
    claims = await asyncio.gather(*tasks)

    assert groups.groups == [[0], [1], [2, 3, 4, 5]]
    assert [claim and claim.next_due_in for claim in claims] == [0, 1, 2, 3, 4, 5]


async def test_a_group_has_an_end() -> None:
    groups = HeldUpGroups()
    tasks = await begin(GatheredTurns(groups=groups), range(200))

    groups.let()
    await asyncio.gather(*tasks)

    assert max(map(len, groups.groups)) == 64
    assert sorted(number for group in groups.groups for number in group) == list(range(200))


async def test_what_befalls_a_group_befalls_each_of_its_lanes() -> None:
    groups = HeldUpGroups()
    groups.trouble = StorageUnavailable("no connection", unsure=True)
    tasks = await begin(GatheredTurns(groups=groups), range(4))

    groups.let()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert results == [groups.trouble] * 4


async def test_a_lane_that_is_cancelled_leaves_the_others_alone() -> None:
    groups = HeldUpGroups()
    gathered = GatheredTurns(groups=groups)
    tasks = await begin(gathered, range(4))

    tasks[3].cancel()
    groups.let()
    claims = await asyncio.gather(*tasks[:3])

    assert None not in claims
    with pytest.raises(asyncio.CancelledError):
        await tasks[3]


async def test_a_lane_is_asked_when_its_group_begins_and_not_before() -> None:
    groups = HeldUpGroups()
    gathered = GatheredTurns(groups=groups)
    tasks = await begin(gathered, range(2))
    meanwhile = [2]
    tasks.append(asyncio.create_task(gathered.take(lambda: a_turn(meanwhile[-1]))))
    await asyncio.sleep(0)

    meanwhile.append(3)
    groups.let()
    await asyncio.gather(*tasks)

    assert groups.groups == [[0], [1], [3]]


async def test_a_lane_without_a_turn_holds_up_nobody() -> None:
    groups = HeldUpGroups()
    groups.let()

    assert await GatheredTurns(groups=groups).take(lambda: None) is None
    assert groups.groups == []


async def test_a_lane_that_was_cancelled_while_it_waited_is_not_asked() -> None:
    groups = HeldUpGroups()
    gathered = GatheredTurns(groups=groups)
    tasks = await begin(gathered, range(2))
    asked: list[PlainTurn] = []
    waiting = asyncio.create_task(gathered.take(lambda: asked.append(a_turn(2))))
    await asyncio.sleep(0)

    waiting.cancel()
    groups.let()
    await asyncio.gather(*tasks)

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asked == []


async def test_a_lane_that_fails_when_it_is_asked_fails_alone() -> None:
    groups = HeldUpGroups()
    gathered = GatheredTurns(groups=groups)
    tasks = await begin(gathered, range(2))
    failing = asyncio.create_task(gathered.take(lambda: a_turn(-1)))
    tasks += await begin(gathered, range(2, 3))

    groups.let()

    assert None not in await asyncio.gather(*tasks)
    with pytest.raises(ValueError, match="int is out of range"):
        await failing
