"""Clears up, bot by bot, after uploads that ended half-way."""

import logging

from skua_core.errors import SkuaError
from skua_core.ids import BotId
from skua_core.ports.platform_storage import BotDirectory
from skua_core.use_cases.media import RemoveOrphanedMedia

_log = logging.getLogger(__name__)
_PAGE = 1000


class OrphanedMedia:
    def __init__(self, directory: BotDirectory, remove: RemoveOrphanedMedia) -> None:
        self._directory = directory
        self._remove = remove

    async def __call__(self) -> None:
        """Look over all bots once. Raises StorageUnavailable."""
        after: BotId | None = None
        while bots := await self._directory.page(after=after, limit=_PAGE):
            for bot_id in bots:
                await self._look_over(bot_id)
            after = bots[-1]

    async def _look_over(self, bot_id: BotId) -> None:
        try:
            removed = await self._remove(bot_id)
        except SkuaError as error:
            _log.warning("Orphaned files of bot %s have to wait: %s", bot_id, error)
            return
        if removed:
            _log.info("Removed %d files of bot %s whose upload ended half-way", removed, bot_id)
