"""What a held lane has to do that takes longer than a turn may."""

import asyncio
from collections.abc import Awaitable, Callable

from skua_core.errors import StorageUnavailable
from skua_core.ids import BotId, BroadcastId
from skua_core.ports.tenant_storage import TenantStorage, UnitKind

RETRY = 0.5
"""Seconds between two tries while the database is away."""


class LaneChores:
    """Moves many rows beside the turns, so that replies go on leaving.

    It freezes audiences, skips what was cancelled, and makes pending what is to be sent again. Each
    is safe to begin again. ``done`` is called when one has ended, well or not.
    """

    def __init__(self, storage: TenantStorage, bot_id: BotId, *, done: Callable[[], None]) -> None:
        self._storage = storage
        self._bot_id = bot_id
        self._done = done
        self._tasks: dict[BroadcastId, asyncio.Task[None]] = {}

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    def freeze(self, broadcast_id: BroadcastId) -> None:
        self._begin(broadcast_id, self._freeze)

    def cancel_rest(self, broadcast_id: BroadcastId) -> None:
        self._begin(broadcast_id, self._cancel_rest)

    def resend(self, broadcast_id: BroadcastId) -> None:
        self._begin(broadcast_id, self._resend)

    def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    def _begin(
        self, broadcast_id: BroadcastId, chore: Callable[[BroadcastId], Awaitable[None]]
    ) -> None:
        if broadcast_id not in self._tasks:
            self._tasks[broadcast_id] = asyncio.create_task(self._run(broadcast_id, chore))

    async def _run(
        self, broadcast_id: BroadcastId, chore: Callable[[BroadcastId], Awaitable[None]]
    ) -> None:
        try:
            await chore(broadcast_id)
        except StorageUnavailable:
            await asyncio.sleep(RETRY)
        finally:
            del self._tasks[broadcast_id]
            self._done()

    async def _freeze(self, broadcast_id: BroadcastId) -> None:
        async with self._storage.unit(self._bot_id, UnitKind.LANE) as unit:
            frozen = await unit.deliveries.freeze(broadcast_id)
            await unit.commit()
        if not frozen:
            await asyncio.sleep(RETRY)  # a former holder may still be at it

    async def _cancel_rest(self, broadcast_id: BroadcastId) -> None:
        moved = 1
        while moved:
            async with self._storage.unit(self._bot_id, UnitKind.LANE) as unit:
                moved = await unit.deliveries.cancel_pending(broadcast_id)
                await unit.commit()

    async def _resend(self, broadcast_id: BroadcastId) -> None:
        more = True
        while more:
            async with self._storage.unit(self._bot_id, UnitKind.LANE) as unit:
                more = await unit.deliveries.resend_next(broadcast_id)
                await unit.commit()
