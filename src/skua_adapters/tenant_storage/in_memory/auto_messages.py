"""Auto-messages of one bot."""

from collections.abc import Sequence

from skua_adapters._memory.memory import Transaction
from skua_core.domain.auto_message import AutoMessage, AutoMessageStatus, Trigger
from skua_core.errors import TriggerTaken
from skua_core.ids import AutoMessageId
from skua_core.ports.repositories import AutoMessageRepository


class InMemoryAutoMessageRepository(AutoMessageRepository):
    def __init__(self, transaction: Transaction) -> None:
        self._rows = transaction.auto_messages
        self._received = transaction.received

    async def get(
        self,
        auto_message_id: AutoMessageId,
        *,
        lock: bool = False,  # noqa: ARG002 - units of a bot take turns
    ) -> AutoMessage | None:
        return self._rows.get(auto_message_id)

    async def save(self, auto_message: AutoMessage) -> None:
        wanted = auto_message.trigger, auto_message.keyword
        for row in self._rows.values():
            if row.id != auto_message.id and (row.trigger, row.keyword) == wanted:
                raise TriggerTaken(auto_message.keyword or "/start")
        self._rows.put(auto_message.id, auto_message)

    async def remove(self, auto_message_id: AutoMessageId) -> None:
        self._rows.delete(auto_message_id)

    async def page(self, *, after: AutoMessageId | None, limit: int) -> Sequence[AutoMessage]:
        rows = sorted(self._rows.values(), key=lambda row: row.id)
        return [row for row in rows if after is None or row.id > after][:limit]

    async def answering(self, trigger: Trigger, keyword: str | None = None) -> AutoMessage | None:
        return next(
            (
                row
                for row in self._rows.values()
                if (row.trigger, row.keyword) == (trigger, keyword)
                and row.status is AutoMessageStatus.ACTIVE
            ),
            None,
        )

    async def was_received(self, auto_message_id: AutoMessageId, wording: str) -> bool:
        return wording in (self._received.get(auto_message_id) or ())
