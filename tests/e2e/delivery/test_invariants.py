"""The checks of a run's end find what is wrong in made-up books."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
import pytest

from skua_adapters.telegram_simulator import Receipt, ReceiptBook
from tests.e2e.delivery.invariants import violations
from tests.e2e.delivery.ledger import BotBooks
from tests.e2e.delivery.made_up import (
    ANSWER,
    AUDIT,
    AUTUMN,
    FAILED,
    OTHER_BOT,
    PENDING,
    RECEIPTS,
    SENT,
    SPRING,
    UNCERTAIN,
    WHOLE,
    books,
    chain,
    receipt,
    row,
    with_broadcast,
)


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


def test_row_that_was_stranded_after_the_next_lease_had_begun_is_found() -> None:
    stranded = row(3, UNCERTAIN, epoch=1, claimed_at=0.5, reason="lane_taken_over")
    late = msgspec.structs.replace(stranded, finished_at=9.0)
    in_time = msgspec.structs.replace(stranded, finished_at=1.5)
    rows = [row(2, epoch=2), *WHOLE.rows[3:]]

    assert "was in flight when a later lease claimed" in broken(books([late, *rows]), RECEIPTS[1:])
    assert "later lease" not in broken(books([in_time, *rows]), RECEIPTS[1:])


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
