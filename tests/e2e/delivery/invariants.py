"""What must be true after any run, whatever was killed on the way (I1 to I4 and the counters).

Each check returns sentences about what is wrong; none means that it holds. Operators re-send
nothing here, so no chat may get a broadcast twice.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec

from skua_adapters.telegram_simulator import Receipt, ReceiptBook
from skua_core.domain.audit import AuditEntry, verify_chain
from skua_core.domain.delivery import DeliveryStatus, Reason
from skua_core.errors import AuditChainBroken
from tests.e2e.delivery.ledger import BotBooks, BroadcastBook, Row

_SENT, _UNCERTAIN = DeliveryStatus.SENT, DeliveryStatus.UNCERTAIN
_MOST_SHOWN = 20


def violations(bots: Sequence[BotBooks], book: ReceiptBook) -> list[str]:
    """Every promise that was broken, in words."""
    found = list(_of_strangers(bots, book))
    for books in bots:
        receipts = book.accepted(bot_id=books.telegram_id)
        for check in (duplicates, mismatches):
            found += check(books, receipts)
        for own in (miscounts, epoch_faults, takeover_faults, audit_faults):
            found += own(books)
    return found


def assert_kept(bots: Sequence[BotBooks], book: ReceiptBook, context: str = "") -> None:
    """Fails with the violations and ``context``."""
    found = violations(bots, book)
    shown = "\n".join(found[:_MOST_SHOWN])
    assert not found, f"{len(found)} violations:\n{shown}\n{context}"


def arrivals(books: BotBooks, book: ReceiptBook) -> set[tuple[object, object]]:
    """By broadcast and chat, what of a bot's broadcasts is in the receipt book."""
    receipts = book.accepted(bot_id=books.telegram_id)
    return {(source_of(receipt, books), receipt.chat_id) for receipt in receipts}


def duplicates(books: BotBooks, receipts: Iterable[Receipt]) -> Iterator[str]:
    """I1: nobody got the same broadcast twice."""
    times = Counter(
        (broadcast.marker, receipt.chat_id)
        for receipt in receipts
        if (broadcast := _broadcast_of(receipt, books)) is not None
    )
    for (marker, chat_id), number in times.items():
        if number > 1:
            yield f"I1: {marker} arrived {number} times in chat {chat_id}"


def mismatches(books: BotBooks, receipts: Sequence[Receipt]) -> Iterator[str]:
    """I2: every sent row has its receipt, and every receipt a row that is sent or uncertain.

    Until everything is over, one that is still in flight may have arrived, too.
    """
    found: dict[tuple[object, object], list[int | None]] = defaultdict(list)
    for receipt in receipts:
        found[source_of(receipt, books), receipt.chat_id].append(receipt.message_id)
    explained: Counter[tuple[object, object]] = Counter()
    for row in books.rows:
        key = (row.source_id if row.kind == "broadcast" else None, row.chat_id)
        explained[key] += row.status in {_SENT, _UNCERTAIN, DeliveryStatus.IN_FLIGHT}
        if row.status is _SENT and found[key].count(row.message_id) != 1:
            yield f"I2: {_name(row)} is sent, but message {row.message_id} isn't in the book"
        if row.status is not _SENT and row.message_id is not None:
            yield f"I2: {_name(row)} is {row.status} and has message {row.message_id}"
    for (source, chat_id), messages in found.items():
        if len(messages) > explained[source, chat_id]:
            yield f"I2: messages {messages} arrived in chat {chat_id} beyond the ledger ({source})"


def miscounts(books: BotBooks) -> Iterator[str]:
    """Counters equal rows, everybody of the audience has one row, and one outcome at the end."""
    for broadcast in books.broadcasts:
        rows = [row for row in books.rows if row.source_id == broadcast.id]
        counted = Counter(row.status for row in rows)
        stored = {status: number for status, number in broadcast.counts.items() if number}
        if stored != dict(counted):
            yield f"{broadcast.marker}: its counters say {stored}, its rows {dict(counted)}"
        if sum(stored.values()) != broadcast.audience:
            yield f"{broadcast.marker}: {sum(stored.values())} rows of {broadcast.audience}"
        if len({row.chat_id for row in rows}) != len(rows):
            yield f"{broadcast.marker}: somebody stands in its audience twice"
        still_open = counted[DeliveryStatus.PENDING] + counted[DeliveryStatus.IN_FLIGHT]
        if (broadcast.status == "completed" or broadcast.finished) and still_open:
            yield f"{broadcast.marker} is over, but {still_open} have no outcome"
        if not still_open and broadcast.audience and not broadcast.finished:
            yield f"{broadcast.marker}: everybody has an outcome, but it isn't over"


def epoch_faults(books: BotBooks) -> Iterator[str]:
    """Claims of an older lease all lie before those of a newer one."""
    claims = sorted(
        (row.claimed_at, row.epoch)
        for row in books.rows
        if row.claimed_at is not None and row.epoch is not None
    )
    for (_, earlier), (at, later) in pairwise(claims):
        if later < earlier:
            yield f"lease {later} claimed at {at}, after lease {earlier} had"
    if claims and claims[-1][1] > books.lane_epoch:
        yield f"the lane is at lease {books.lane_epoch}, its claims at {claims[-1][1]}"


def takeover_faults(books: BotBooks) -> Iterator[str]:
    """What a lease left in flight is uncertain before the next lease claims anything."""
    first_claims: dict[int, float] = {}
    for row in books.rows:
        if row.epoch is not None and row.claimed_at is not None:
            first = first_claims.get(row.epoch, row.claimed_at)
            first_claims[row.epoch] = min(first, row.claimed_at)
    for row in books.rows:
        if row.reason != Reason.LANE_TAKEN_OVER or row.epoch is None or row.finished_at is None:
            continue
        later = (epoch for epoch, at in first_claims.items() if epoch > row.epoch)
        if any(first_claims[epoch] < row.finished_at for epoch in later):
            yield f"{_name(row)} of lease {row.epoch} was in flight when a later lease claimed"


def audit_faults(books: BotBooks) -> Iterator[str]:
    """I4: the chain holds, every change has its entry and every entry its change."""
    try:
        verify_chain(str(books.bot_id), books.audit, books.audit_head)
    except AuditChainBroken as error:
        yield f"I4: {error}"
    composed = {entry.resource for entry in books.audit if entry.action == "campaign.composed"}
    if composed != {f"campaign:{each}" for each in books.campaigns}:
        yield f"I4: {len(composed)} campaigns in the audit log, {len(books.campaigns)} in fact"
    told = _told_statuses(books.audit)
    for broadcast in books.broadcasts:
        resource = f"broadcast:{broadcast.id}"
        status = "sending" if broadcast.status == "completed" else broadcast.status
        if told.pop(resource, None) != status:
            yield f"I4: {broadcast.marker} is {broadcast.status}; the audit log tells another tale"
    for resource in told:
        yield f"I4: {resource} is in the audit log only"


_STATUS_AFTER = {
    "broadcast.started": "sending",
    "broadcast.paused": "paused",
    "broadcast.resumed": "sending",
    "broadcast.cancelled": "cancelled",
    "broadcast.interrupted": "interrupted",
}


def _told_statuses(audit: Iterable[AuditEntry]) -> dict[str, str]:
    """What each broadcast must be by now if the log tells all; that one is complete, it doesn't."""
    told = {}
    for entry in audit:
        if entry.action in _STATUS_AFTER:
            told[entry.resource] = _STATUS_AFTER[entry.action]
        elif entry.action == "bot.token_revoked":
            paused = msgspec.json.decode(entry.details, type=dict[str, str]).get("paused_broadcast")
            if paused is not None:
                told[f"broadcast:{paused}"] = "paused"
    return told


def _of_strangers(bots: Sequence[BotBooks], book: ReceiptBook) -> Iterator[str]:
    """I3: a message of one bot left with its own token, to its own subscribers."""
    of_telegram = {books.telegram_id: books for books in bots}
    for receipt in book.accepted():
        own = of_telegram.get(receipt.bot_id or 0)
        if own is None:
            yield f"I3: a message left with the token of bot {receipt.bot_id}, which nobody knows"
        elif source_of(receipt, own) is None and any(
            source_of(receipt, other) is not None for other in bots
        ):
            yield f"I3: {receipt.text!r} left with the token of bot {receipt.bot_id}"


def _broadcast_of(receipt: Receipt, books: BotBooks) -> BroadcastBook | None:
    return next((each for each in books.broadcasts if _is_of(receipt, each.marker)), None)


def source_of(receipt: Receipt, books: BotBooks) -> object:
    """The broadcast's id; None for replies, which have no marker."""
    broadcast = _broadcast_of(receipt, books)
    return None if broadcast is None else broadcast.id


def _is_of(receipt: Receipt, marker: str) -> bool:
    return (receipt.text or receipt.caption or "").startswith(f"{marker}:")


def _name(row: Row) -> str:
    return f"{row.kind} {row.source_id}/{row.position} to {row.chat_id}"
