"""A lane shuts an item's gate at once, and writes down why beside its turns."""

import asyncio
import logging
from collections.abc import Callable, Collection

from skua_core.use_cases.item_stops import Item, ItemKind, PauseItem, PauseItemCommand
from skua_core.use_cases.lane_chores import RETRY

_log = logging.getLogger(__name__)


class LaneStops:
    """Items that are being paused: nothing more of them is claimed or started.

    ``done`` is called when a pause is stored.
    """

    def __init__(self, pause: PauseItem, *, done: Callable[[], None]) -> None:
        self._pause = pause
        self._done = done
        self.on_stop: Callable[[Item], None] = _nothing
        """Called when an item's gate shuts."""
        self._shut: dict[Item, asyncio.Task[None]] = {}

    @property
    def busy(self) -> bool:
        """Whether a pause is still to be stored."""
        return not all(task.done() for task in self._shut.values())

    @property
    def items(self) -> Collection[Item]:
        """Those whose gate is shut."""
        return self._shut.keys()

    def stops_broadcast(self) -> bool:
        return any(item.kind is ItemKind.BROADCAST for item in self._shut)

    def stop(self, command: PauseItemCommand) -> None:
        """Once is enough, until the gate opens again."""
        if command.item in self._shut:
            return
        self._shut[command.item] = asyncio.create_task(self._store(command))
        self.on_stop(command.item)

    def open_stored(self) -> None:
        """From here on the stored pause itself keeps them from being claimed.

        Not to be called while a claim is under way that may have been made before the pause.
        """
        for item in [item for item, task in self._shut.items() if task.done()]:
            del self._shut[item]

    async def finish(self) -> None:
        """Wait until every pause is stored."""
        if self._shut:
            await asyncio.wait(self._shut.values())

    def abandon(self) -> None:
        for task in self._shut.values():
            task.cancel()

    async def _store(self, command: PauseItemCommand) -> None:
        while True:
            try:
                await self._pause(command)
            except Exception as error:  # noqa: BLE001 - the gate stays shut until it's stored
                _log.warning(
                    "A %s of bot %s can't be paused yet (%s)",
                    command.item.kind,
                    command.bot_id,
                    type(error).__name__,
                )
                await asyncio.sleep(RETRY)
            else:
                break
        self._done()


def _nothing(_: Item) -> None:
    """Nobody is interested."""
