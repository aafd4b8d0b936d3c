"""The judge of the torture finds what is wrong in made-up evidence."""

from collections.abc import Iterable, Sequence

import msgspec
import pytest

from skua_adapters.telegram_simulator import Receipt, ReceiptBook
from skua_core.ids import BotId
from tests.e2e.delivery.ledger import BotBooks, Row
from tests.e2e.delivery.made_up import (
    AUDIT,
    AUTUMN,
    BOT,
    RECEIPTS,
    SPRING,
    UNCERTAIN,
    WHOLE,
    books,
    chain,
    row,
)
from tests.e2e.torture.operators import Journal
from tests.e2e.torture.verdict import Evidence, faults
from tests.e2e.torture.witness import Closing, Witness

PAUSED = Closing(
    gate="broadcast.paused",
    telegram_id=BOT,
    source_id=SPRING,
    claimed=frozenset({(SPRING, 1), (SPRING, 2)}),
    closed_at=2.5,
    closed=2.5,
)


def found(
    own: BotBooks = WHOLE,
    receipts: Iterable[Receipt] = RECEIPTS,
    *,
    closings: Sequence[Closing] = (),
    journal: Journal | None = None,
    rate: float = 10.0,
    stalls: dict[int, float] | None = None,
    falls: Sequence[tuple[float, float]] = (),
) -> str:
    witness = Witness("no database is asked")
    witness.closings = list(closings)
    witness.holders[own.bot_id, 1] = "host:77:ab"
    evidence = Evidence(
        bots=[own],
        book=ReceiptBook(receipts),
        witness=witness,
        journal=journal or Journal(),
        deaths=(),
        rate=rate,
        stalls=stalls or {},
        falls=falls,
    )
    return "\n".join(faults(evidence))


def at(moment: float, receipt: Receipt) -> Receipt:
    return msgspec.structs.replace(receipt, monotonic=moment)


def test_sound_evidence_has_no_fault() -> None:
    assert not found()


def test_claim_after_a_gates_answer_is_found() -> None:
    assert "was claimed after broadcast.paused had answered" in found(closings=[PAUSED])


def test_claim_after_the_gate_was_opened_again_is_no_fault() -> None:
    reopened = msgspec.structs.replace(PAUSED, reopened_at=2.6, reopened=0.0)

    assert not found(closings=[reopened])


@pytest.mark.parametrize(("number", "late"), [(2, True), (0, False)])
def test_only_what_was_in_flight_may_arrive_after_a_gates_answer(
    number: int, *, late: bool
) -> None:
    receipts = [at(1.0, receipt) for receipt in RECEIPTS]
    receipts[number] = at(3.0, receipts[number])
    closing = msgspec.structs.replace(PAUSED, closed_at=100.0)

    assert ("wasn't in flight then" in found(receipts=receipts, closings=[closing])) is late


def test_gate_of_a_broadcast_says_nothing_about_another_ones_messages() -> None:
    other = msgspec.structs.replace(PAUSED, source_id=AUTUMN)

    assert not found(closings=[other])


@pytest.mark.parametrize(
    ("actions", "noted", "words"),
    [
        pytest.param(("bot.made_read_only",), 0, "stands 1 times", id="an entry without a deed"),
        pytest.param((), 1, "stands 0 times", id="a deed without an entry"),
        pytest.param(("bot.made_read_only",) * 2, 1, "stands 2 times", id="an entry too much"),
        pytest.param(("bot.made_read_only",), 1, "", id="one of each"),
    ],
)
def test_deeds_and_entries_that_differ_are_found(
    actions: tuple[str, ...], noted: int, words: str
) -> None:
    journal = Journal()
    journal.note(BotId(WHOLE.bot_id), "bot.made_read_only", least=noted, most=noted)
    entries = chain(*AUDIT, *((action, f"bot:{WHOLE.bot_id}") for action in actions))

    told = found(books(WHOLE.rows, audit=entries), journal=journal)

    assert words in told
    assert bool(told) == bool(words)


def test_lost_lease_that_left_more_than_its_window_is_found() -> None:
    stranded = [_stranded(chat) for chat in range(10, 19)]
    own = books([*WHOLE.rows, *stranded])

    assert "left 9 uncertain, 8 at most" in found(own)
    assert not found(own, rate=100.0)
    assert not found(own, stalls={77: 2.0}), "it stood still, and measured that"
    assert not found(own, falls=[(1.0, 2.0)]), "it claimed twice, unsure of the first time"


def _stranded(chat_id: int) -> Row:
    return row(chat_id, UNCERTAIN, reason="lane_taken_over", finished_at=50.0)
