"""Who asks, and which bot they may ask about."""

import msgspec

from skua_core.domain.audit import Details, NewAuditEntry
from skua_core.domain.bot import Bot, is_slug
from skua_core.domain.user import Actor
from skua_core.errors import BotForbidden
from skua_core.ids import BotId
from skua_core.ports.platform_storage import PlatformStorage


class BotAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Proof that ``actor`` may see ``bot``; only ``EnterBot`` makes one for somebody outside.

    ``bot`` is how it was when access was checked: what decides is read again inside the unit.
    """

    bot: Bot
    actor: Actor

    @property
    def bot_id(self) -> BotId:
        return self.bot.id


class EnterBotQuery(msgspec.Struct, frozen=True, kw_only=True):
    slug: str
    actor: Actor


class EnterBot:
    """Everything about a bot begins here: its owner may enter, and whoever has a role on it."""

    def __init__(self, *, platform: PlatformStorage) -> None:
        self._platform = platform

    async def __call__(self, query: EnterBotQuery) -> BotAccess:
        """Raises BotForbidden, the same for a foreign bot and for one that doesn't exist."""
        if query.actor.user_id is None or not is_slug(query.slug):
            raise BotForbidden
        bot = await self._platform.resolve_bot(query.slug, query.actor.user_id)
        return BotAccess(bot=bot, actor=query.actor)


def bot_entry(
    bot_id: BotId, actor: Actor, action: str, details: Details | None = None
) -> NewAuditEntry:
    """An audit entry about the bot itself."""
    return NewAuditEntry(
        actor=actor, action=f"bot.{action}", resource=f"bot:{bot_id}", details=details or {}
    )
