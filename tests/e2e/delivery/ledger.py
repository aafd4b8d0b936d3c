"""What the database says about one bot, as plain values that a check can be tried on."""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

import asyncpg
import msgspec

from skua_core.domain.audit import AuditEntry, AuditHead
from skua_core.domain.delivery import DeliveryStatus
from skua_core.ids import BotId, BroadcastId


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery."""

    source_id: UUID
    position: int = 1
    kind: str = "broadcast"
    chat_id: int
    status: DeliveryStatus
    reason: str | None = None
    message_id: int | None = None
    epoch: int | None = None
    claimed_at: float | None = None
    """Seconds since 1970."""
    finished_at: float | None = None


class BroadcastBook(msgspec.Struct, frozen=True, kw_only=True):
    """A broadcast as its own row tells it."""

    id: UUID
    marker: str
    """What the texts of its messages begin with, and no others'."""
    status: str
    audience: int
    counts: Mapping[DeliveryStatus, int]
    finished: bool


class BotBooks(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one bot."""

    bot_id: UUID
    telegram_id: int
    lane_epoch: int
    broadcasts: tuple[BroadcastBook, ...] = ()
    rows: tuple[Row, ...] = ()
    campaigns: frozenset[UUID] = frozenset()
    audit: tuple[AuditEntry, ...] = ()
    audit_head: AuditHead | None = None

    def __str__(self) -> str:
        broadcasts = "; ".join(
            f"{each.marker} {each.status} "
            + ", ".join(f"{number} {status}" for status, number in each.counts.items() if number)
            for each in self.broadcasts
        )
        reasons = Counter(row.reason for row in self.rows if row.reason)
        return f"bot {self.telegram_id}: epoch {self.lane_epoch}; {broadcasts}; {dict(reasons)}"


_ROWS = """
    SELECT d.source_id, d.position, d.kind::text AS kind, d.status::text AS status, d.reason,
        d.message_id, d.epoch, s.chat_id,
        extract(epoch FROM d.claimed_at)::float8 AS claimed_at,
        extract(epoch FROM d.finished_at)::float8 AS finished_at
    FROM tenant.deliveries d
    JOIN tenant.subscribers s ON s.bot_id = d.bot_id AND s.id = d.subscriber_id
    WHERE d.bot_id = $1 ORDER BY d.source_id, d.position
"""
_AUDIT = """
    SELECT chain, seq, audit.at_text(at) AS at, actor, action, resource, ip, user_agent, details,
        hash
    FROM audit.entries WHERE chain = $1 ORDER BY seq
"""


async def read_books(
    connection: asyncpg.Connection,
    bot_id: BotId,
    telegram_id: int,
    markers: Mapping[BroadcastId, str],
) -> BotBooks:
    """In one snapshot, whatever goes on meanwhile."""
    chain = str(bot_id)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        broadcasts = await connection.fetch(
            "SELECT * FROM tenant.broadcasts WHERE bot_id = $1 ORDER BY id", bot_id
        )
        rows = await connection.fetch(_ROWS, bot_id)
        campaigns = await connection.fetch(
            "SELECT id FROM tenant.campaigns WHERE bot_id = $1", bot_id
        )
        entries = await connection.fetch(_AUDIT, chain)
        head = await connection.fetchrow(
            "SELECT chain, seq, hash FROM audit.heads WHERE chain = $1", chain
        )
        epoch = await connection.fetchval(
            "SELECT epoch FROM platform.lanes WHERE bot_id = $1", bot_id
        )
    return BotBooks(
        bot_id=bot_id,
        telegram_id=telegram_id,
        lane_epoch=epoch,
        broadcasts=tuple(
            BroadcastBook(
                id=each["id"],
                marker=markers[BroadcastId(each["id"])],
                status=each["status"],
                audience=each["audience"],
                counts={status: each[status.value] for status in DeliveryStatus},
                finished=each["finished_at"] is not None,
            )
            for each in broadcasts
        ),
        rows=tuple(msgspec.convert(dict(row), Row, str_keys=True, strict=False) for row in rows),
        campaigns=frozenset(row["id"] for row in campaigns),
        audit=tuple(AuditEntry(**entry) for entry in entries),
        audit_head=None if head is None else AuditHead(**head),
    )
