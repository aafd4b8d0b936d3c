"""The chats that a user has linked, in whichever bots."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.chat_link import ChatLink
from skua_core.domain.user import Actor
from skua_core.ids import BotId, ChatId, UserId
from skua_core.ports.platform_storage import BotDirectory
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit


class LinkedChat(msgspec.Struct, frozen=True, kw_only=True):
    bot_id: BotId
    """All that is said of the bot, which need not be the user's any more."""
    chat_id: ChatId | None
    """None while it is only asked for, or when the bot has forgotten the subscriber."""
    linked_at: datetime | None

    def __repr__(self) -> str:
        return "LinkedChat(***)"


class LinkedChats:
    """One user's chats, also with bots on which they have no role any more.

    Each is reached inside its own bot, one after the other.
    """

    def __init__(self, *, directory: BotDirectory, tenants: TenantStorage) -> None:
        self._directory = directory
        self._tenants = tenants

    async def of_user(self, user_id: UserId) -> Sequence[LinkedChat]:
        """By bot."""
        found: list[LinkedChat] = []
        for bot_id in await self._directory.linked_to(user_id):
            async with self._tenants.unit(bot_id) as unit:
                link = await unit.chat_links.of_user(user_id)
                if link is not None:
                    found.append(await _linked_chat(unit, bot_id, link))
        return found

    async def forget(self, user_id: UserId, actor: Actor) -> None:
        """Remove every link, each audited in its bot's chain; done again, it goes on."""
        for bot_id in await self._directory.linked_to(user_id):
            async with self._tenants.unit(bot_id) as unit:
                if not await unit.chat_links.remove(user_id):
                    continue
                await unit.audit.append(
                    NewAuditEntry(
                        actor=actor, action="chat_link.removed", resource=f"user:{user_id}"
                    )
                )
                await unit.commit()


async def _linked_chat(unit: TenantUnit, bot_id: BotId, link: ChatLink) -> LinkedChat:
    subscriber = None
    if link.subscriber_id is not None:
        subscriber = await unit.subscribers.get(link.subscriber_id)
    chat_id = None if subscriber is None else subscriber.chat_id
    return LinkedChat(bot_id=bot_id, chat_id=chat_id, linked_at=link.linked_at)
