"""Whether an installation kept its promises through everything that was done to it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from skua_adapters.telegram_simulator import ReceiptBook
from skua_core.domain.delivery import DeliveryStatus, Reason
from skua_core.domain.pace import MAX_WINDOW, MIN_WINDOW
from tests.e2e.delivery.invariants import violations
from tests.e2e.delivery.ledger import BotBooks, Row
from tests.e2e.delivery.programs import Death
from tests.e2e.torture.operators import Journal
from tests.e2e.torture.witness import Witness, gate_faults

_ASSUMED_LATENCY = 0.3
"""What a lane takes for granted before it has measured any."""
_WAY_THERE = 0.1
"""Seconds that a request may be on its way, which the book can't tell."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    seed: int
    violations: tuple[str, ...]
    outcomes: Mapping[str, int]
    """Rows of all broadcasts by status."""
    deaths: Mapping[str, int]
    """By cause: a fault point, or from outside."""
    hit: int
    """Deaths of processes that had something in flight."""
    troubles: Mapping[str, int]
    receipts: int
    looks: int
    seconds: float

    @property
    def kills(self) -> int:
        return sum(self.deaths.values())

    def __str__(self) -> str:
        outcomes = ", ".join(f"{number} {status}" for status, number in self.outcomes.items())
        troubles = "; ".join(f"{number} x {act}" for act, number in self.troubles.items())
        deaths = "; ".join(f"{number} x {cause}" for cause, number in self.deaths.items())
        lines = [
            f"seed {self.seed}, {self.seconds:.0f} s, {self.receipts} receipts: {outcomes}",
            f"done: {troubles}",
            f"{self.kills} processes ended, {self.hit} of them with deliveries in flight: {deaths}",
            f"looked at from outside {self.looks} times on the way",
        ]
        if self.violations:
            lines += [f"{len(self.violations)} VIOLATIONS", *self.violations[:40]]
        else:
            lines.append("KEPT: nobody twice, nobody lost, every count right, every gate shut")
        return "\n".join(lines)


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is judged."""

    bots: Sequence[BotBooks]
    book: ReceiptBook
    witness: Witness
    journal: Journal
    deaths: Sequence[Death]
    rate: float
    stalls: Mapping[int, float]
    """Seconds that a process (by its number) was frozen or slowed down by a fault point."""
    falls: Sequence[tuple[float, float]] = ()
    """When the database was away."""


def faults(evidence: Evidence) -> list[str]:
    """Every promise that was broken: what holds of the books, and what was seen on the way."""
    found = violations(evidence.bots, evidence.book)
    found += evidence.witness.violations
    found += gate_faults(evidence.witness.closings, evidence.bots, evidence.book)
    found += evidence.journal.faults(evidence.bots)
    for books in evidence.bots:
        found += window_faults(books, evidence)
    return found


def window_faults(books: BotBooks, evidence: Evidence) -> Iterator[str]:
    """A lost lease leaves a window at most: rate x latency x 1.5, eight at least.

    The latency is taken from the times at which outcomes were recorded, and a process that stood
    still measured that too. While the database was away a commit may have claimed a window whose
    holder, unsure of it, claimed another one beside it.
    """
    stranded = Counter(
        row.epoch
        for row in books.rows
        if row.status is DeliveryStatus.UNCERTAIN and row.reason == Reason.LANE_TAKEN_OVER
    )
    if not stranded:
        return
    arrival = {
        receipt.message_id: receipt.at
        for receipt in evidence.book.accepted(bot_id=books.telegram_id)
    }
    waits: dict[int | None, float] = defaultdict(lambda: _ASSUMED_LATENCY)
    for row in books.rows:
        if row.status is DeliveryStatus.SENT and row.finished_at and row.message_id in arrival:
            wait = row.finished_at - arrival[row.message_id]
            waits[row.epoch] = max(waits[row.epoch], wait)
    for epoch, number in stranded.items():
        stall = _stall(books, epoch, evidence)
        window = round(evidence.rate * (waits[epoch] + _WAY_THERE + stall) * 1.5)
        most = min(MAX_WINDOW, max(MIN_WINDOW, window))
        if evidence.falls:
            most *= 2
        if number > most:
            yield f"lease {epoch} of bot {books.bot_id} left {number} uncertain, {most} at most"


def _stall(books: BotBooks, epoch: int | None, evidence: Evidence) -> float:
    holder = evidence.witness.holders.get((books.bot_id, epoch or 0), "")
    parts = holder.split(":")
    if len(parts) < 2:
        return max(evidence.stalls.values(), default=0.0)
    return evidence.stalls.get(int(parts[1]), 0.0)


def outcomes(bots: Sequence[BotBooks]) -> dict[str, int]:
    return dict(Counter(row.status.value for books in bots for row in _rows(books)))


def _rows(books: BotBooks) -> Iterator[Row]:
    return (row for row in books.rows if row.kind == "broadcast")
