"""Turns of many lanes, one unit after the other."""

from collections.abc import Sequence

from skua_core.domain.delivery import Claim
from skua_core.errors import LeaseLost
from skua_core.faults import fault
from skua_core.ports.tenant_storage import TenantStorage, UnitKind
from skua_core.ports.turn_groups import PlainTurn, TurnGroups


class InMemoryTurnGroups(TurnGroups):
    def __init__(self, storage: TenantStorage) -> None:
        self._storage = storage

    async def take(self, turns: Sequence[PlainTurn]) -> Sequence[Claim | None]:
        return [await self._take(turn) for turn in turns]

    async def _take(self, turn: PlainTurn) -> Claim | None:
        async with self._storage.unit(turn.lease.bot_id, UnitKind.LANE) as unit:
            try:
                if turn.settlements:
                    await unit.lane.settle(turn.lease, turn.settlements)
                claim = await unit.lane.claim(turn.lease, turn.order)
            except LeaseLost:
                return None
            await fault("result.before_commit")
            await unit.commit()
        return claim
