"""What was seen while it happened, which the books of the end don't tell any more."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Self
from uuid import UUID

import asyncpg
import msgspec

from skua_adapters.telegram_simulator import ReceiptBook
from tests.e2e.delivery.installation import ConnectedBot
from tests.e2e.delivery.invariants import source_of
from tests.e2e.delivery.ledger import BotBooks, Row
from tests.e2e.torture.database import AWAY

_PAUSE = 0.2

_LANES = "SELECT bot_id, epoch, lease_id, holder FROM platform.lanes"
# One statement each, and therefore one snapshot.
_OLD_CLAIMS = """
    SELECT d.bot_id, d.source_id, d.position, d.epoch, l.epoch AS lane_epoch
    FROM tenant.deliveries d JOIN platform.lanes l ON l.bot_id = d.bot_id
    WHERE d.status = 'in_flight' AND d.epoch <> l.epoch
"""
_MISCOUNTED = """
    SELECT b.id, b.pending, b.in_flight, b.sent, b.uncertain
    FROM tenant.broadcasts b
    JOIN (
        SELECT bot_id, source_id,
            count(*) FILTER (WHERE status = 'pending') AS pending,
            count(*) FILTER (WHERE status = 'in_flight') AS in_flight,
            count(*) FILTER (WHERE status = 'sent') AS sent,
            count(*) FILTER (WHERE status = 'failed') AS failed,
            count(*) FILTER (WHERE status = 'skipped') AS skipped,
            count(*) FILTER (WHERE status = 'uncertain') AS uncertain
        FROM tenant.deliveries WHERE kind = 'broadcast' GROUP BY bot_id, source_id
    ) d ON d.bot_id = b.bot_id AND d.source_id = b.id
    WHERE (b.pending, b.in_flight, b.sent, b.failed, b.skipped, b.uncertain)
        IS DISTINCT FROM (d.pending, d.in_flight, d.sent, d.failed, d.skipped, d.uncertain)
"""
_STAMPS = "SELECT id, updated_at, md5(b::text) AS digest FROM platform.bots b"
_CLAIMED = """
    SELECT source_id, position FROM tenant.deliveries
    WHERE bot_id = $1 AND claimed_at IS NOT NULL AND status <> 'pending'
"""


class Closing(msgspec.Struct, kw_only=True):
    """A gate was shut: from the answer on, only what had been claimed by then may still leave."""

    gate: str
    telegram_id: int
    source_id: UUID | None
    """The broadcast; None when the gate is the bot's."""
    claimed: frozenset[tuple[UUID, int]]
    """What had left or was in flight at the answer, by source and position."""
    closed_at: float
    """Seconds since 1970 by the database; ``closed`` is the same moment, monotonic."""
    closed: float
    reopened_at: float = float("inf")
    reopened: float = float("inf")


class Witness:
    """Looks again and again, from ``async with`` to its end; remembers what must not be."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()
        self._lanes: dict[UUID, tuple[int, UUID | None]] = {}
        self._stamps: dict[UUID, tuple[datetime, str]] = {}
        self._leases: dict[tuple[UUID, int], UUID] = {}
        self.holders: dict[tuple[UUID, int], str] = {}
        """Who held which bot's lane, by epoch, as far as it was seen."""
        self.closings: list[Closing] = []
        self.looks = 0
        self._found: dict[str, None] = {}

    @property
    def violations(self) -> list[str]:
        return list(self._found)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if self._connection is not None:
            self._connection.terminate()

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(_PAUSE)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None

    async def look(self) -> None:
        """Again and again until the database has answered everything."""
        async with self._turn:
            looks = self.looks
            while self.looks == looks:
                try:
                    await self._look()
                except AWAY:
                    self._drop()
                    await asyncio.sleep(_PAUSE)

    async def _look(self) -> None:
        if self._connection is None:
            self._connection = await asyncpg.connect(self._dsn, timeout=2)
        connection = self._connection
        self._see_lanes(await connection.fetch(_LANES, timeout=5))
        self._see_stamps(await connection.fetch(_STAMPS, timeout=5))
        for row in await connection.fetch(_OLD_CLAIMS, timeout=5):
            self._note(
                f"lease {row['epoch']} of bot {row['bot_id']} has {row['source_id']}/"
                f"{row['position']} in flight under lease {row['lane_epoch']}"
            )
        for row in await connection.fetch(_MISCOUNTED, timeout=5):
            self._note(f"on the way, the counters of broadcast {row['id']} didn't equal its rows")
        self.looks += 1

    def _note(self, violation: str) -> None:
        self._found.setdefault(violation)

    def _see_lanes(self, rows: Sequence[asyncpg.Record]) -> None:
        for row in rows:
            bot_id, epoch, lease_id = row["bot_id"], row["epoch"], row["lease_id"]
            before = self._lanes.get(bot_id, (0, None))
            if epoch < before[0]:
                self._note(f"I6: the lane of bot {bot_id} fell from lease {before[0]} to {epoch}")
            self._lanes[bot_id] = (epoch, lease_id)
            if lease_id is None:
                continue
            if self._leases.setdefault((bot_id, epoch), lease_id) != lease_id:
                self._note(f"I6: two leases of bot {bot_id} have the number {epoch}")
            self.holders[bot_id, epoch] = row["holder"] or ""

    def _see_stamps(self, rows: Sequence[asyncpg.Record]) -> None:
        for row in rows:
            now = (row["updated_at"], row["digest"])
            before = self._stamps.setdefault(row["id"], now)
            if now[1] != before[1] and now[0] <= before[0]:
                self._note(f"I6: bot {row['id']} changed, its updated_at didn't rise")
            self._stamps[row["id"]] = now

    async def close(
        self, gate: str, bot: ConnectedBot, source_id: UUID | None, at: float
    ) -> Closing:
        """A gate of a bot was shut, which was answered at the monotonic time ``at``."""
        connection = await asyncpg.connect(self._dsn, timeout=2)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                claimed = await connection.fetch(_CLAIMED, bot.id)
                now = await connection.fetchval(
                    "SELECT extract(epoch FROM clock_timestamp())::float8"
                )
        finally:
            await connection.close()
        closing = Closing(
            gate=gate,
            telegram_id=bot.telegram_id,
            source_id=source_id,
            claimed=frozenset((row["source_id"], row["position"]) for row in claimed),
            closed_at=now,
            closed=at,
        )
        self.closings.append(closing)
        return closing


def gate_faults(
    closings: Sequence[Closing], bots: Sequence[BotBooks], book: ReceiptBook
) -> Iterator[str]:
    """I3: after a gate's answer nothing more is claimed, and only what was in flight arrives."""
    of_telegram = {books.telegram_id: books for books in bots}
    for closing in closings:
        books = of_telegram[closing.telegram_id]
        yield from _late_claims(closing, books)
        yield from _late_receipts(closing, books, book)


def _late_claims(closing: Closing, books: BotBooks) -> Iterator[str]:
    for row in books.rows:
        if closing.source_id not in {None, row.source_id} or row.claimed_at is None:
            continue
        if closing.closed_at < row.claimed_at < closing.reopened_at:
            yield f"I3: {_name(row)} was claimed after {closing.gate} had answered"


def _late_receipts(closing: Closing, books: BotBooks, book: ReceiptBook) -> Iterator[str]:
    by_chat: dict[tuple[object, object], list[Row]] = {}
    for row in books.rows:
        source: object = row.source_id if row.kind == "broadcast" else None
        by_chat.setdefault((source, row.chat_id), []).append(row)
    for receipt in book.accepted(bot_id=closing.telegram_id):
        if not closing.closed < receipt.monotonic < closing.reopened:
            continue
        found = source_of(receipt, books)
        if closing.source_id not in {None, found}:
            continue
        rows = by_chat.get((found, receipt.chat_id), [])
        if not any((row.source_id, row.position) in closing.claimed for row in rows):
            yield (
                f"I3: message {receipt.message_id} came {receipt.monotonic - closing.closed:.2f} s"
                f" after {closing.gate} had answered, and wasn't in flight then"
            )


def _name(row: Row) -> str:
    return f"{row.kind} {row.source_id}/{row.position} to {row.chat_id}"
