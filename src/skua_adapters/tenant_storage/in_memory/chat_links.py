"""Which chat of a bot is whose."""

from skua_adapters._memory.memory import Transaction
from skua_core.domain.chat_link import ChatLink
from skua_core.ids import UserId
from skua_core.ports.repositories import ChatLinkRepository


class InMemoryChatLinkRepository(ChatLinkRepository):
    def __init__(self, transaction: Transaction) -> None:
        self._rows = transaction.chat_links

    async def of_user(self, user_id: UserId) -> ChatLink | None:
        return self._rows.get(user_id)

    async def by_fingerprint(self, fingerprint: bytes) -> ChatLink | None:
        return next((row for row in self._rows.values() if row.fingerprint == fingerprint), None)

    async def save(self, link: ChatLink) -> None:
        self._rows.put(link.user_id, link)

    async def remove(self, user_id: UserId) -> bool:
        if self._rows.get(user_id) is None:
            return False
        self._rows.delete(user_id)
        return True
