"""Import, list and count subscribers."""

from collections.abc import AsyncIterable, Mapping, Sequence

import msgspec

from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.subscriber import ChatKind, Subscriber, SubscriberStatus
from skua_core.errors import ImportStopped, StorageUnavailable
from skua_core.ids import ChatId, SubscriberId
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.repositories import SubscriberFilter
from skua_core.ports.tenant_storage import TenantStorage
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.csv_lines import CsvSubscriber, Refusal, read_subscribers

IMPORT_SOURCE = "import"
_BATCH = 10_000
"""Lines of one transaction: large enough for one audit entry to speak of most imports whole, and
small enough for the chats that are in it to go on being served."""
_MOST_REFUSALS = 1000
"""Refusals that a report lists one by one; all are counted."""


class ImportReport(msgspec.Struct, kw_only=True):
    """What became of each line."""

    lines: int = 0
    added: int = 0
    already_there: int = 0
    """Chats that were subscribers before, or stand in the file twice. Nothing of theirs changed."""
    refused: int = 0
    refusals: list[Refusal] = []
    """The first thousand."""

    def refuse(self, refusal: Refusal) -> None:
        self.refused += 1
        if len(self.refusals) < _MOST_REFUSALS:
            self.refusals.append(refusal)


class ImportSubscribersCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    content: AsyncIterable[bytes]
    """A CSV file in chunks of any size (``csv_lines``)."""


class ImportSubscribers:
    """Take chats over from a list. Who is there already is left as they are.

    Lines that can't be used are refused one by one, with a reason; the others are imported in
    batches, each whole or not at all and with its own audit entry. An import that broke off is
    simply done again.
    """

    def __init__(
        self, *, storage: TenantStorage, clock: Clock, ids: IdFactory, batch: int = _BATCH
    ) -> None:
        """``batch`` is how many subscribers one transaction takes in."""
        self._storage = storage
        self._clock = clock
        self._ids = ids
        self._batch = batch

    async def __call__(self, command: ImportSubscribersCommand) -> ImportReport:
        """Raises ImportUnreadable, and ImportStopped when the database goes away on the way."""
        report = ImportReport()
        batch: dict[ChatId, CsvSubscriber] = {}
        last_line = taken_line = 0
        try:
            async for line in read_subscribers(command.content):
                report.lines += 1
                last_line = line.line
                if isinstance(line.found, Refusal):
                    report.refuse(line.found)
                elif line.found.chat_id in batch:
                    report.already_there += 1
                else:
                    batch[line.found.chat_id] = line.found
                if len(batch) == self._batch:
                    await self._take_in(command.access, list(batch.values()), report)
                    batch, taken_line = {}, last_line
            await self._take_in(command.access, list(batch.values()), report)
        except StorageUnavailable as error:
            raise ImportStopped(taken_line, report.added, error.reason) from error
        return report

    async def _take_in(
        self, access: BotAccess, batch: Sequence[CsvSubscriber], report: ImportReport
    ) -> None:
        if not batch:
            return
        async with self._storage.unit(access.bot_id) as unit:
            added = await unit.subscribers.add_many([self._subscriber(row) for row in batch])
            if added:
                await unit.audit.append(
                    NewAuditEntry(
                        actor=access.actor,
                        action="subscribers.imported",
                        resource=f"bot:{access.bot_id}",
                        details={
                            "added": added,
                            "already_there": len(batch) - added,
                            "refused_so_far": report.refused,
                        },
                    )
                )
                await unit.commit()
        report.added += added
        report.already_there += len(batch) - added

    def _subscriber(self, row: CsvSubscriber) -> Subscriber:
        subscriber = Subscriber.newcomer(
            SubscriberId(self._ids.new()),
            row.chat_id,
            kind=ChatKind.PRIVATE if row.chat_id > 0 else ChatKind.GROUP,
            joined_at=self._clock.now(),
        )
        subscriber.profile = row.profile
        subscriber.attributes = row.attributes
        subscriber.source = IMPORT_SOURCE
        return subscriber


class ListSubscribersQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    where: SubscriberFilter = SubscriberFilter()
    after: SubscriberId | None = None
    limit: int = 100


class ListSubscribers:
    """A page of subscribers, in the order in which they joined."""

    def __init__(self, *, storage: TenantStorage) -> None:
        self._storage = storage

    async def __call__(self, query: ListSubscribersQuery) -> Sequence[Subscriber]:
        async with self._storage.unit(query.access.bot_id) as unit:
            return await unit.subscribers.page(query.where, after=query.after, limit=query.limit)


class CountSubscribersQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess


class CountSubscribers:
    """How many subscribers there are of each status."""

    def __init__(self, *, storage: TenantStorage) -> None:
        self._storage = storage

    async def __call__(self, query: CountSubscribersQuery) -> Mapping[SubscriberStatus, int]:
        async with self._storage.unit(query.access.bot_id) as unit:
            return await unit.audience.by_status()
