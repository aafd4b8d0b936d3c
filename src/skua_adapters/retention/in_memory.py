"""Months of what a memory holds."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from skua_adapters._memory import Memory
from skua_adapters._memory.memory import TenantTables
from skua_adapters._memory.tables import Table
from skua_core.domain.broadcast import Broadcast, BroadcastStatus
from skua_core.domain.delivery import DeliveryKind, DeliveryStatus
from skua_core.ids import BotId, BroadcastId
from skua_core.ports.retention import KeptMonths, Retention

_OVER = frozenset({BroadcastStatus.COMPLETED, BroadcastStatus.CANCELLED})

Month = int
"""Counted from the year 0."""


class _Monthly(NamedTuple):
    """A table of each bot, and how a row's month is told."""

    name: str
    table: Callable[[TenantTables], Table[Any, Any]]
    month_of: Callable[[Any, Any], Month]
    """Of a key and its row."""


class InMemoryRetention(Retention):
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def to_archive(
        self, keep: KeptMonths, *, after: BroadcastId | None, limit: int
    ) -> Sequence[tuple[BotId, BroadcastId]]:
        oldest_kept = self._this_month() - keep.deliveries
        found = [
            (each.id, bot_id)
            for bot_id, each in self._broadcasts()
            if _month_of_id(each.id) < oldest_kept
            and (after is None or each.id > after)
            and each.status in _OVER
            and each.finished_at is not None
            and each.archived_at is None
        ]
        return [(bot_id, broadcast_id) for broadcast_id, bot_id in sorted(found)[:limit]]

    async def drop_next(self, keep: KeptMonths) -> str | None:
        for monthly in _OF_DELIVERIES:
            for month in self._months(monthly, before=self._this_month() - keep.deliveries):
                if self._is_done(month):
                    return self._drop(monthly, month)
        for monthly in _OF_UPDATES:
            for month in self._months(monthly, before=self._this_month() - keep.updates):
                return self._drop(monthly, month)
        return None

    def _this_month(self) -> Month:
        return _month(self._memory.clock.now())

    def _broadcasts(self) -> Iterator[tuple[BotId, Broadcast]]:
        for bot_id, tables in self._memory.tenants.items():
            for broadcast in tables.broadcasts.rows.values():
                yield bot_id, broadcast

    def _months(self, monthly: _Monthly, *, before: Month) -> list[Month]:
        """Those of which the table has rows, oldest first."""
        months = {
            monthly.month_of(key, row)
            for tables in self._memory.tenants.values()
            for key, row in monthly.table(tables).rows.items()
        }
        return sorted(month for month in months if month < before)

    def _is_done(self, month: Month) -> bool:
        now = self._memory.clock.now()
        if any(
            each.archived_at is None and _month_of_id(each.id) == month
            for _, each in self._broadcasts()
        ):
            return False
        return not any(
            row.status is DeliveryStatus.IN_FLIGHT
            or (
                row.status is DeliveryStatus.PENDING
                and row.kind is not DeliveryKind.BROADCAST
                and (row.not_after is None or row.not_after > now)
            )
            for tables in self._memory.tenants.values()
            for key, row in tables.deliveries.rows.items()
            if _month_of_id(key.source_id) == month
        )

    def _drop(self, monthly: _Monthly, month: Month) -> str:
        for tables in self._memory.tenants.values():
            table = monthly.table(tables)
            for key in [k for k, row in table.rows.items() if monthly.month_of(k, row) == month]:
                table.delete(key)
        return f"{monthly.name}_{month // 12:04}_{month % 12 + 1:02}"


def _month(moment: datetime) -> Month:
    utc = moment.astimezone(UTC)
    return utc.year * 12 + utc.month - 1


def _month_of_id(each: UUID) -> Month:
    """A version-7 id begins with its time in milliseconds."""
    return _month(datetime.fromtimestamp((each.int >> 80) / 1000, UTC))


_OF_DELIVERIES = (
    _Monthly(
        "delivery_attempts",
        lambda tables: tables.delivery_attempts,
        lambda key, _: _month_of_id(key[0].source_id),
    ),
    _Monthly(
        "direct_messages", lambda tables: tables.direct_messages, lambda key, _: _month_of_id(key)
    ),
    _Monthly(
        "deliveries", lambda tables: tables.deliveries, lambda key, _: _month_of_id(key.source_id)
    ),
)
_OF_UPDATES = (
    _Monthly("updates", lambda tables: tables.updates, lambda _, row: _month(row.received_at)),
    _Monthly(
        "updates_set_aside",
        lambda tables: tables.updates_set_aside,
        lambda _, row: _month(row.received_at),
    ),
)
