"""Fetches the updates of bots without a webhook, and repairs webhooks that were interrupted."""

import asyncio
import logging

from skua_core.errors import SkuaError, TelegramUnavailable
from skua_core.ids import BotId
from skua_core.ports.platform_storage import PlatformStorage
from skua_core.use_cases.polling import PollUpdates, PollUpdatesCommand
from skua_core.use_cases.webhooks import RepairWebhook, RepairWebhookCommand

_log = logging.getLogger(__name__)
_LOOK_FOR_BOTS = 2.0
"""Seconds between two looks for bots whose updates are fetched."""
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
"""Seconds to wait after trouble: doubled each time, up to a minute."""


class UpdatePoller:
    """One task per bot. Only one process may do this: Telegram lets one program fetch."""

    def __init__(self, *, platform: PlatformStorage, poll: PollUpdates) -> None:
        self._platform = platform
        self._poll = poll
        self._bots: dict[BotId, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Fetch until cancelled."""
        try:
            while True:
                try:
                    for bot_id in await self._platform.polled_bots():
                        self._begin(bot_id)
                except SkuaError as error:
                    _log.warning("Bots whose updates are fetched can't be listed: %s", error)
                await asyncio.sleep(_LOOK_FOR_BOTS)
        finally:
            tasks = list(self._bots.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, bot_id: BotId) -> None:
        if bot_id not in self._bots:
            task = asyncio.create_task(self._fetch(bot_id))
            self._bots[bot_id] = task
            task.add_done_callback(lambda _: self._bots.pop(bot_id, None))

    async def _fetch(self, bot_id: BotId) -> None:
        offset: int | None = None
        wait = _FIRST_WAIT
        while True:
            try:
                polled = await self._poll(PollUpdatesCommand(bot_id=bot_id, offset=offset))
            except Exception as error:  # noqa: BLE001 - one bot must not end the others
                if isinstance(error, SkuaError):
                    _log.warning("Updates of bot %s have to wait: %s", bot_id, error)
                else:
                    _log.exception("Fetching updates of bot %s failed", bot_id)
                asked = error.retry_after if isinstance(error, TelegramUnavailable) else None
                await asyncio.sleep(max(wait, asked or 0.0))
                wait = min(2 * wait, _LONGEST_WAIT)
                continue
            if polled.over:
                return
            offset, wait = polled.next_offset, _FIRST_WAIT


class WebhookRepairer:
    """Finishes whatever kept Telegram from being told of a webhook."""

    def __init__(self, *, platform: PlatformStorage, repair: RepairWebhook, public: bool) -> None:
        """``public`` says whether this installation takes updates by webhook."""
        self._platform = platform
        self._repair = repair
        self._public = public

    async def __call__(self) -> None:
        """Look over all bots once. Raises StorageUnavailable."""
        for bot_id in await self._platform.webhooks_to_repair(public=self._public):
            await self._repair_one(bot_id)

    async def _repair_one(self, bot_id: BotId) -> None:
        try:
            connected = await self._repair(RepairWebhookCommand(bot_id=bot_id))
        except SkuaError as error:
            _log.warning("The webhook of bot %s has to wait: %s", bot_id, error)
            return
        except Exception:  # noqa: BLE001 - one bot must not end the others
            _log.exception("Repairing the webhook of bot %s failed", bot_id)
            return
        if connected.webhook_problem is not None:
            _log.warning("The webhook of bot %s: %s", bot_id, connected.webhook_problem)
