"""Follow a broadcast, and see what it came to."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

import msgspec

from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.broadcast import Broadcast, BroadcastReport, BroadcastStatus
from skua_core.errors import BroadcastArchived, ResourceNotFound
from skua_core.ids import BroadcastId
from skua_core.ports.clock import Clock
from skua_core.ports.platform_storage import LaneRegistry
from skua_core.ports.repositories import Recipient
from skua_core.ports.tenant_storage import TenantStorage
from skua_core.use_cases.access import BotAccess

_RATE_WINDOW = 10.0
"""Seconds over which a rate is taken."""
_STOPPED = frozenset({BroadcastStatus.PAUSED, BroadcastStatus.INTERRUPTED})


class BroadcastReportQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    broadcast_id: BroadcastId


class GetBroadcastReport:
    """What one broadcast has come to by now: its counts add up to its audience."""

    def __init__(self, *, storage: TenantStorage) -> None:
        self._storage = storage

    async def __call__(self, query: BroadcastReportQuery) -> BroadcastReport:
        """Raises ResourceNotFound."""
        async with self._storage.unit(query.access.bot_id) as unit:
            report = await unit.broadcasts.report(query.broadcast_id)
        if report is None:
            raise ResourceNotFound
        return report


class ListBroadcastsQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    before: BroadcastId | None = None
    limit: int = 100


class ListBroadcasts:
    """A page of broadcasts, newest first."""

    def __init__(self, *, storage: TenantStorage) -> None:
        self._storage = storage

    async def __call__(self, query: ListBroadcastsQuery) -> Sequence[Broadcast]:
        async with self._storage.unit(query.access.bot_id) as unit:
            return await unit.broadcasts.page(before=query.before, limit=query.limit)


class BroadcastProgress(msgspec.Struct, frozen=True, kw_only=True):
    broadcast: Broadcast
    rate: float = 0.0
    """Outcomes per second over the last seconds; 0 until two looks lie apart."""
    eta: float | None = None
    """Seconds until everybody has an outcome, at this rate; None while nothing moves."""
    not_before: datetime | None = None
    """Until when Telegram asked the bot to wait, if it did."""
    learned_rate: float | None = None
    """Sends per second that the lane has learned to keep to."""


class WatchBroadcastQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    broadcast_id: BroadcastId
    interval: float = 1.0
    """Seconds between two looks."""


class WatchBroadcast:
    """Look at a broadcast again and again, until it is over or stopped with nothing in flight."""

    def __init__(self, *, storage: TenantStorage, lanes: LaneRegistry, clock: Clock) -> None:
        self._storage = storage
        self._lanes = lanes
        self._clock = clock

    async def __call__(self, query: WatchBroadcastQuery) -> AsyncGenerator[BroadcastProgress, None]:
        """Raises ResourceNotFound."""
        looks: deque[tuple[float, int]] = deque()
        while True:
            progress = await self._look(query, looks)
            yield progress
            if _at_rest(progress.broadcast):
                return
            await asyncio.sleep(query.interval)

    async def _look(
        self, query: WatchBroadcastQuery, looks: deque[tuple[float, int]]
    ) -> BroadcastProgress:
        async with self._storage.unit(query.access.bot_id) as unit:
            broadcast = await unit.broadcasts.get(query.broadcast_id)
        if broadcast is None:
            raise ResourceNotFound
        lane = await self._lanes.snapshot(query.access.bot_id)
        rate = _rate(looks, self._clock.monotonic(), broadcast)
        return BroadcastProgress(
            broadcast=broadcast,
            rate=rate,
            eta=broadcast.counts.open / rate if rate > 0 else None,
            not_before=None if lane is None else lane.not_before,
            learned_rate=None if lane is None else lane.learned_rate,
        )


class ExportRecipientsQuery(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    broadcast_id: BroadcastId


class ExportRecipients:
    """Everybody in a broadcast's audience with what became of it, in constant memory.

    That somebody took the list is in the audit log before the first row is out.
    """

    def __init__(self, *, storage: TenantStorage) -> None:
        self._storage = storage

    async def __call__(self, query: ExportRecipientsQuery) -> AsyncGenerator[Recipient, None]:
        """Raises ResourceNotFound, and BroadcastArchived when its rows aren't kept any more.

        Whoever stops reading early closes it (``aclosing``).
        """
        access, broadcast_id = query.access, query.broadcast_id
        async with self._storage.unit(access.bot_id) as unit:
            broadcast = await unit.broadcasts.get(broadcast_id)
            if broadcast is None:
                raise ResourceNotFound
            if broadcast.archived_at is not None:
                raise BroadcastArchived
            await unit.audit.append(
                NewAuditEntry(
                    actor=access.actor,
                    action="broadcast.recipients_exported",
                    resource=f"broadcast:{broadcast_id}",
                )
            )
            await unit.commit()
        async with self._storage.unit(access.bot_id) as unit:
            async for recipient in unit.deliveries.recipients(broadcast_id):
                yield recipient


def _rate(looks: deque[tuple[float, int]], now: float, broadcast: Broadcast) -> float:
    counts = broadcast.counts
    looks.append((now, counts.total - counts.open))
    while now - looks[0][0] > _RATE_WINDOW and len(looks) > 2:  # noqa: PLR2004 - a rate needs two
        looks.popleft()
    since, before = looks[0]
    return (counts.total - counts.open - before) / (now - since) if now > since else 0.0


def _at_rest(broadcast: Broadcast) -> bool:
    if broadcast.status in _STOPPED:
        return broadcast.counts.in_flight == 0
    return broadcast.finished_at is not None
