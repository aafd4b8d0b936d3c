"""The audit chain: what is hashed, and that any change shows."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_core.domain.audit import (
    AuditEntry,
    AuditHead,
    Details,
    NewAuditEntry,
    first_hash,
    format_time,
    verify_chain,
)
from skua_core.domain.user import SYSTEM
from skua_core.errors import AuditChainBroken

CHAIN = "01900000-0000-7000-8000-00000000000a"


def unlinked(seq: int, *, actor: str = "cli:ana", ip: str | None = None) -> AuditEntry:
    return AuditEntry(
        chain=CHAIN,
        seq=seq,
        at="2026-11-01T12:00:00.000000Z",
        actor=actor,
        action="bot.seen",
        resource="bot:1",
        ip=ip,
        user_agent=None,
        details="{}",
        hash=b"",
    )


def linked(count: int) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    previous = first_hash(CHAIN)
    for seq in range(1, count + 1):
        entry = unlinked(seq)
        previous = entry.expected_hash(previous)
        entries.append(msgspec.structs.replace(entry, hash=previous))
    return entries


def head_of(entries: list[AuditEntry]) -> AuditHead:
    return AuditHead(chain=CHAIN, seq=entries[-1].seq, hash=entries[-1].hash)


def test_a_link_is_hashed_as_the_documentation_says() -> None:
    previous = hashlib.sha256(b"skua-audit-v1|" + CHAIN.encode()).digest()
    parts = [CHAIN, "2026-11-01T12:00:00.000000Z", "cli:ana", "bot.seen", "bot:1", "::1", None]
    text = b"skua-audit-v1" + previous + (1).to_bytes(8, "big")
    for part in [*parts, "{}"]:
        if part is None:
            text += b"\xff\xff\xff\xff"
        else:
            text += len(part.encode()).to_bytes(4, "big") + part.encode()

    assert first_hash(CHAIN) == previous
    assert unlinked(1, ip="::1").expected_hash(previous) == hashlib.sha256(text).digest()


def test_whole_chains_verify() -> None:
    entries = linked(5)

    assert verify_chain(CHAIN, entries, head_of(entries)) == 5
    assert verify_chain(CHAIN, [], None) == 0


@given(st.integers(1, 6), st.data())
def test_any_change_to_any_field_shows(seq: int, data: st.DataObject) -> None:
    entries = linked(6)
    entry = entries[seq - 1]
    field = data.draw(st.sampled_from(entry.__struct_fields__))
    kept = getattr(entry, field)
    if isinstance(kept, bytes):
        changed: object = data.draw(st.binary(min_size=32, max_size=32))
    elif isinstance(kept, int):
        changed = data.draw(st.integers(0, 2**63 - 1))
    else:
        changed = data.draw(st.text(max_size=20))
    if changed == kept:
        return
    entries[seq - 1] = msgspec.structs.replace(entry, **{field: changed})

    with pytest.raises(AuditChainBroken):
        verify_chain(CHAIN, entries, head_of(linked(6)))


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lambda entries: entries[:-1], "the head doesn't fit the last entry, 5"),
        (lambda entries: entries[1:], "found entry 2"),
        (lambda entries: [*entries[:2], *entries[3:]], "found entry 4"),
        (lambda entries: [entries[1], entries[0], *entries[2:]], "found entry 2"),
        (lambda entries: [entries[0], *entries], "found entry 1"),
        (lambda _: [], "the head doesn't fit the last entry, 0"),
    ],
)
def test_missing_moved_and_doubled_links_show(
    harm: Callable[[list[AuditEntry]], list[AuditEntry]], problem: str
) -> None:
    entries = linked(6)

    with pytest.raises(AuditChainBroken, match=problem):
        verify_chain(CHAIN, harm(entries), head_of(entries))


def test_a_chain_without_its_head_shows() -> None:
    with pytest.raises(AuditChainBroken, match="no head"):
        verify_chain(CHAIN, linked(2), None)


def test_a_chain_of_another_bot_does_not_verify_as_this_one() -> None:
    with pytest.raises(AuditChainBroken):
        verify_chain("another", linked(2), head_of(linked(2)))


@given(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
def test_text_moved_from_one_field_to_the_next_changes_the_hash(
    actor: str, action: str, other_actor: str, other_action: str
) -> None:
    def hash_of(actor: str, action: str) -> bytes:
        entry = msgspec.structs.replace(unlinked(1), actor=actor, action=action)
        return entry.expected_hash(bytes(32))

    same = (actor, action) == (other_actor, other_action)
    assert (hash_of(actor, action) == hash_of(other_actor, other_action)) == same


def test_missing_and_empty_are_not_the_same() -> None:
    assert unlinked(1, ip=None).expected_hash(b"") != unlinked(1, ip="").expected_hash(b"")


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ({}, "{}"),
        ({"b": 1, "a": "x"}, '{"a":"x","b":1}'),
        ({"n": {"z": None, "y": True}}, '{"n":{"y":true,"z":null}}'),
        ({"n": 2**53}, '{"n":9007199254740992}'),
        ({"n": 2**53 + 1}, '{"n":"9007199254740993"}'),
        ({"n": -(2**60)}, '{"n":"-1152921504606846976"}'),
        ({"l": ["ü", '"']}, '{"l":["ü","\\""]}'),
    ],
)
def test_details_have_one_text_form(details: Details, text: str) -> None:
    entry = NewAuditEntry(actor=SYSTEM, action="bot.seen", resource="bot:1", details=details)

    assert entry.encoded_details() == text


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds UTC
)
def test_a_time_has_one_text_form_that_reads_back(at: datetime) -> None:
    text = format_time(at)

    assert datetime.fromisoformat(text) == at
    assert len(text) == len("2026-11-01T12:00:00.000000Z")
    assert format_time(at.astimezone(timezone(timedelta(hours=2)))) == text
