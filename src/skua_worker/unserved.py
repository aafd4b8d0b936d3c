"""Says so when a broadcast is released because nobody has served it."""

import logging

from skua_core.use_cases.broadcasts import InterruptUnserved

_log = logging.getLogger(__name__)


class UnservedBroadcasts:
    def __init__(self, interrupt: InterruptUnserved) -> None:
        self._interrupt = interrupt

    async def __call__(self) -> None:
        """Look over all bots once. Raises StorageUnavailable."""
        for bot_id, broadcast_id in await self._interrupt():
            _log.warning("Broadcast %s of bot %s was interrupted", broadcast_id, bot_id)
