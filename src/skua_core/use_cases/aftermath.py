"""What an update means for what was sent before, each in a transaction of its own.

Taking an update in locks its subscriber. Items and deliveries are locked before subscribers, so
what concerns them comes afterwards.
"""

import logging
from datetime import datetime, timedelta

import msgspec

from skua_core.domain.broadcast import Broadcast, BroadcastStatus, PauseReason
from skua_core.domain.markup.likeness import is_like
from skua_core.domain.update import RepliedMessage
from skua_core.errors import StorageUnavailable
from skua_core.ids import BotId, ChatId, SourceId
from skua_core.ports.repositories import Unproven
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind
from skua_core.use_cases.arrivals import Arrived, press_of
from skua_core.use_cases.item_stops import Item, ItemKind, PauseItem, PauseItemCommand

_log = logging.getLogger(__name__)
_CLOCKS_DIFFER = timedelta(seconds=60)
"""By how much, at most, the database's clock and Telegram's may."""


class HarmLimits(msgspec.Struct, frozen=True, kw_only=True):
    """When a broadcast is paused because people block the bot over it."""

    share: float = 0.05
    """Of those who received it."""
    after: int = 200
    """Nothing is concluded from fewer."""


class Aftermath:
    """Late proof that a message arrived, and the guard over what a broadcast does to its people."""

    def __init__(
        self,
        *,
        storage: TenantStorage,
        pause_item: PauseItem,
        limits: HarmLimits,
    ) -> None:
        self._storage = storage
        self._pause_item = pause_item
        self._limits = limits

    async def __call__(self, bot_id: BotId, chat_id: ChatId, arrived: Arrived) -> None:
        """The update is taken in already, so an outage here only loses what it would have told."""
        try:
            if arrived.seen is not None:
                await self._prove(bot_id, chat_id, arrived.seen)
            if arrived.blocked_at is not None:
                await self._weigh_block(bot_id, chat_id, arrived)
        except StorageUnavailable as error:
            _log.warning("What an update of bot %s told is lost: %s", bot_id, error)
        except Exception:  # noqa: BLE001 - the update stands, whatever is wrong here
            _log.exception("What an update of bot %s told is lost", bot_id)

    async def _prove(self, bot_id: BotId, chat_id: ChatId, seen: RepliedMessage) -> None:
        async with self._storage.unit(bot_id, UnitKind.LANE) as unit:
            source_id = await self._source_of(unit, chat_id, seen)
            if source_id is None:
                return
            if await unit.deliveries.prove(source_id, chat_id, seen.message_id):
                await unit.commit()

    async def _source_of(
        self, unit: TenantUnit, chat_id: ChatId, seen: RepliedMessage
    ) -> SourceId | None:
        """By its button, else by its words if they fit just one delivery of that time."""
        if (press := press_of(seen)) is not None:
            return press.source_id
        if not seen.text or seen.sent_at is None:
            return None
        alike = [
            unproven.source_id
            for unproven in await unit.deliveries.unproven(chat_id)
            if _is_of_that_time(unproven, seen.sent_at)
            and await self._is_like(unit, unproven, seen.text)
        ]
        return alike[0] if len(alike) == 1 else None

    async def _is_like(self, unit: TenantUnit, unproven: Unproven, text: str) -> bool:
        revision = await unit.campaigns.revision(unproven.campaign_id, unproven.revision)
        return revision is not None and is_like(revision.compiled, text)

    async def _weigh_block(self, bot_id: BotId, chat_id: ChatId, arrived: Arrived) -> None:
        if arrived.blocked_at is None:
            return
        async with self._storage.unit(bot_id, UnitKind.INBOUND) as unit:
            broadcast = await unit.broadcasts.note_block(chat_id, arrived.blocked_at)
            await unit.commit()
        if broadcast is None or broadcast.status is not BroadcastStatus.SENDING:
            return
        if broadcast.is_harmful(share=self._limits.share, after=self._limits.after):
            await self._pause_item(
                PauseItemCommand(
                    bot_id=bot_id,
                    item=Item(ItemKind.BROADCAST, broadcast.id),
                    reason=PauseReason.HARM,
                    detail=_harm(broadcast),
                )
            )


def _is_of_that_time(unproven: Unproven, sent_at: datetime) -> bool:
    """The same words may have been sent before, or since."""
    return unproven.claimed_at - _CLOCKS_DIFFER <= sent_at <= unproven.finished_at + _CLOCKS_DIFFER


def _harm(broadcast: Broadcast) -> str:
    received = broadcast.counts.sent - broadcast.blocks_since
    return f"{broadcast.blocks} of {received} who got it blocked the bot"
