"""The checks of a run's end find what is wrong in made-up books."""

from collections.abc import Iterable
from itertools import count
from uuid import UUID

import msgspec
import pytest

from skua_adapters.telegram_simulator import Receipt, ReceiptAnswer, ReceiptBook
from skua_core.domain.audit import AuditEntry, AuditHead, first_hash
from skua_core.domain.delivery import DeliveryStatus
from tests.e2e.delivery.invariants import violations
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


def broken(found: BotBooks = WHOLE, receipts: Iterable[Receipt] = RECEIPTS) -> str:
    return "\n".join(violations([found], ReceiptBook(receipts)))


def test_sound_books_have_no_violation() -> None:
    assert not broken()
    with_a_reply = [*RECEIPTS, receipt(6, 6, text="Bye")]
    assert not broken(books([*WHOLE.rows, ANSWER]), with_a_reply)


@pytest.mark.parametrize(
    ("receipts", "words"),
    [
        pytest.param([*RECEIPTS, receipt(2, 9)], "I1: spring arrived 2 times", id="twice"),
        pytest.param([*RECEIPTS, receipt(3, 9)], "I1: spring arrived 2 times", id="uncertain"),
        pytest.param(RECEIPTS[1:], "is sent, but message 1 isn't in the book", id="never came"),
        pytest.param([*RECEIPTS, receipt(5, 5)], "beyond the ledger", id="failed, but came"),
        pytest.param([*RECEIPTS, receipt(7, 7)], "beyond the ledger", id="to a stranger"),
        pytest.param([*RECEIPTS, receipt(1, 8, text="Bye")], "beyond the ledger", id="no reply"),
        pytest.param([*RECEIPTS, receipt(4, 4, bot=OTHER_BOT)], "I3", id="unknown token"),
    ],
)
def test_receipts_beside_the_ledger_are_found(receipts: list[Receipt], words: str) -> None:
    assert words in broken(receipts=receipts)


def test_message_with_the_token_of_another_bot_is_found() -> None:
    other = msgspec.structs.replace(
        WHOLE, bot_id=UUID(int=OTHER_BOT), telegram_id=OTHER_BOT, broadcasts=(), rows=()
    )
    strayed = [*RECEIPTS, receipt(4, 4, bot=OTHER_BOT)]

    found = violations([WHOLE, other], ReceiptBook(strayed))

    assert any(each.startswith("I3") for each in found)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(
            with_broadcast(WHOLE, counts={**WHOLE.broadcasts[0].counts, SENT: 3}),
            "its counters say",
            id="counters",
        ),
        pytest.param(with_broadcast(WHOLE, audience=6), "5 rows of 6", id="audience"),
        pytest.param(books([*WHOLE.rows, row(1, UNCERTAIN, position=9)]), "twice", id="twice"),
        pytest.param(books([*WHOLE.rows, row(6, PENDING)]), "1 have no outcome", id="open"),
        pytest.param(
            with_broadcast(WHOLE, finished=False, status="sending"), "isn't over", id="endless"
        ),
        pytest.param(
            books([*WHOLE.rows[:4], row(5, FAILED, message_id=5)]), "is failed and has", id="both"
        ),
    ],
)
def test_ledger_that_contradicts_itself_is_found(found: BotBooks, words: str) -> None:
    assert words in broken(found)


def test_claims_of_an_older_lease_after_a_newer_ones_are_found() -> None:
    rows = [row(1), row(2, epoch=2), row(3, UNCERTAIN, epoch=1), *WHOLE.rows[3:]]

    assert "lease 1 claimed at 3.0, after lease 2 had" in broken(books(rows))
    assert "the lane is at lease 3" in broken(books([*WHOLE.rows[:4], row(5, FAILED, epoch=4)]))


def test_changed_audit_entry_is_found() -> None:
    entries = list(WHOLE.audit)
    entries[0] = msgspec.structs.replace(entries[0], actor="cli:mallory")

    assert "I4" in broken(msgspec.structs.replace(WHOLE, audit=tuple(entries)))


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        pytest.param(AUDIT[:1], "tells another tale", id="a start without entry"),
        pytest.param(AUDIT[1:], "0 campaigns in the audit log", id="a campaign without entry"),
        pytest.param(
            (*AUDIT, ("broadcast.paused", f"broadcast:{SPRING}")), "another tale", id="a pause"
        ),
        pytest.param(
            (*AUDIT, ("broadcast.started", f"broadcast:{AUTUMN}")),
            "is in the audit log only",
            id="an entry without a broadcast",
        ),
    ],
)
def test_audit_log_that_tells_another_tale_is_found(
    actions: tuple[tuple[str, str], ...], words: str
) -> None:
    assert words in broken(books(WHOLE.rows, audit=chain(*actions)))
