"""A bot's subscribers, counted."""

from collections import Counter
from collections.abc import Collection, Mapping

from skua_adapters._memory.memory import Transaction
from skua_core.domain.content import choose_variant
from skua_core.domain.subscriber import SubscriberStatus
from skua_core.ports.repositories import Audience, AudiencePart


class InMemoryAudience(Audience):
    def __init__(self, transaction: Transaction) -> None:
        self._rows = transaction.subscribers

    async def by_status(self) -> dict[SubscriberStatus, int]:
        counts = dict.fromkeys(SubscriberStatus, 0)
        for row in self._rows.values():
            counts[row.status] += 1
        return counts

    async def by_wording(
        self, required: Mapping[str, Collection[str]]
    ) -> Mapping[str, AudiencePart]:
        recipients = Counter[str]()
        gaps = {tag: Counter[str]() for tag in required}
        for row in self._rows.values():
            if row.status is SubscriberStatus.ACTIVE:
                values = row.personalisation
                tag = choose_variant(values.language, required)
                recipients[tag] += 1
                gaps[tag].update(name for name in required[tag] if not values.value(name))
        return {tag: AudiencePart(recipients=recipients[tag], gaps=gaps[tag]) for tag in required}
