"""Subscribers of one bot."""

from collections.abc import Sequence

from skua_adapters._memory.memory import Transaction
from skua_adapters.tenant_storage.in_memory.moves import move_chat
from skua_core.domain.subscriber import Subscriber
from skua_core.errors import ForeignRow
from skua_core.ids import ChatId, SubscriberId
from skua_core.ports.repositories import SubscriberFilter, SubscriberRepository


class InMemorySubscriberRepository(SubscriberRepository):
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._rows = transaction.subscribers

    async def by_chat(
        self,
        chat_id: ChatId,
        *,
        lock: bool = False,  # noqa: ARG002 - units of a bot take turns
    ) -> Subscriber | None:
        return next(iter(self._rows.find("chat", chat_id)), None)

    async def get(self, subscriber_id: SubscriberId) -> Subscriber | None:
        return self._rows.get(subscriber_id)

    async def save(self, subscriber: Subscriber) -> None:
        if any(row.id != subscriber.id for row in self._rows.find("chat", subscriber.chat_id)):
            raise ForeignRow
        self._rows.put(subscriber.id, subscriber)

    async def add_many(self, subscribers: Sequence[Subscriber]) -> int:
        added = 0
        for subscriber in subscribers:
            if not self._rows.find("chat", subscriber.chat_id):
                self._rows.put(subscriber.id, subscriber)
                added += 1
        return added

    async def page(
        self, where: SubscriberFilter, *, after: SubscriberId | None, limit: int
    ) -> Sequence[Subscriber]:
        rows = sorted(self._rows.values(), key=lambda row: row.id)
        return [row for row in rows if (after is None or row.id > after) and _matches(row, where)][
            :limit
        ]

    async def migrate(self, old: ChatId, new: ChatId) -> None:
        move_chat(self._transaction, old, new)


def _matches(subscriber: Subscriber, where: SubscriberFilter) -> bool:
    if where.status is not None and subscriber.status is not where.status:
        return False
    if where.search is None:
        return True
    wanted = where.search.strip().lower()
    profile = subscriber.profile
    name = " ".join(part for part in (profile.first_name, profile.last_name) if part)
    return (
        wanted in name.lower()
        or wanted.removeprefix("@") in (profile.username or "").lower()
        or wanted == str(subscriber.chat_id)
    )
