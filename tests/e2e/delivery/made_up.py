"""Made-up books of one bot, in which something can be wrong."""

from collections.abc import Iterable
from itertools import count
from uuid import UUID

import msgspec

from skua_adapters.telegram_simulator import Receipt, ReceiptAnswer
from skua_core.domain.audit import AuditEntry, AuditHead, first_hash
from skua_core.domain.delivery import DeliveryStatus
from tests.e2e.delivery.ledger import BotBooks, BroadcastBook, Row

BOT, OTHER_BOT = 111, 222
SPRING, AUTUMN = UUID(int=1), UUID(int=2)
CAMPAIGN = UUID(int=9)
SENT, UNCERTAIN, FAILED, PENDING = (
    DeliveryStatus.SENT,
    DeliveryStatus.UNCERTAIN,
    DeliveryStatus.FAILED,
    DeliveryStatus.PENDING,
)
_numbers = count(1)


def receipt(
    chat_id: int, message_id: int, *, text: str = "spring: hello", bot: int = BOT
) -> Receipt:
    number = next(_numbers)
    return Receipt(
        number=number,
        at=float(number),
        monotonic=float(number),
        bot_id=bot,
        method="sendMessage",
        accepted=True,
        answer=ReceiptAnswer.OK,
        chat_id=chat_id,
        text=text,
        message_id=message_id,
    )


def row(chat_id: int, status: DeliveryStatus = SENT, **more: object) -> Row:
    """Position and message number are the chat's."""
    message_id = chat_id if status is SENT else None
    made = Row(
        source_id=SPRING,
        position=chat_id,
        chat_id=chat_id,
        status=status,
        message_id=message_id,
        epoch=1,
        claimed_at=float(chat_id),
    )
    return msgspec.structs.replace(made, **more)


def chain(*actions: tuple[str, str]) -> tuple[AuditEntry, ...]:
    entries: list[AuditEntry] = []
    name = str(UUID(int=BOT))
    previous = first_hash(name)
    for seq, (action, resource) in enumerate(actions, start=1):
        entry = AuditEntry(
            chain=name,
            seq=seq,
            at="2026-03-01T12:00:00.000000Z",
            actor="cli:test",
            action=action,
            resource=resource,
            ip=None,
            user_agent=None,
            details="{}",
            hash=b"",
        )
        previous = entry.expected_hash(previous)
        entries.append(msgspec.structs.replace(entry, hash=previous))
    return tuple(entries)


AUDIT = (
    ("campaign.composed", f"campaign:{CAMPAIGN}"),
    ("broadcast.started", f"broadcast:{SPRING}"),
)


def books(rows: Iterable[Row], *, audit: tuple[AuditEntry, ...] | None = None) -> BotBooks:
    """One completed broadcast, whose counters are those of its rows."""
    rows = tuple(rows)
    own = [each for each in rows if each.kind == "broadcast"]
    entries = chain(*AUDIT) if audit is None else audit
    return BotBooks(
        bot_id=UUID(int=BOT),
        telegram_id=BOT,
        lane_epoch=3,
        broadcasts=(
            BroadcastBook(
                id=SPRING,
                marker="spring",
                status="completed",
                audience=len(own),
                counts={
                    status: sum(each.status is status for each in own) for status in DeliveryStatus
                },
                finished=True,
            ),
        ),
        rows=rows,
        campaigns=frozenset({CAMPAIGN}),
        audit=entries,
        audit_head=AuditHead(chain=str(UUID(int=BOT)), seq=len(entries), hash=entries[-1].hash),
    )


def with_broadcast(found: BotBooks, **changes: object) -> BotBooks:
    broadcast = msgspec.structs.replace(found.broadcasts[0], **changes)
    return msgspec.structs.replace(found, broadcasts=(broadcast,))


WHOLE = books([row(1), row(2), row(3, UNCERTAIN), row(4, UNCERTAIN), row(5, FAILED)])
RECEIPTS = [receipt(1, 1), receipt(2, 2), receipt(3, 3)]
ANSWER = row(6, kind="reply", source_id=AUTUMN)
