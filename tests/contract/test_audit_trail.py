"""An audit chain: numbered without gaps, dated in order, each entry tied to the one before."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from skua_core.domain.audit import AuditEntry, AuditHead, NewAuditEntry, first_hash, verify_chain
from skua_core.domain.user import SYSTEM, Actor
from skua_core.errors import AuditChainBroken
from skua_core.ids import BotId
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
def bot_id(storage: StorageRig) -> BotId:
    return BotId(storage.ids.new())


def an_entry(**fields: object) -> NewAuditEntry:
    usual: dict[str, object] = {"actor": SYSTEM, "action": "bot.renamed", "resource": "bot:1"}
    return NewAuditEntry(**(usual | fields))  # type: ignore[arg-type] # a test's shorthand


async def append(storage: StorageRig, bot_id: BotId, *entries: NewAuditEntry) -> None:
    async with storage.tenants.unit(bot_id) as unit:
        for entry in entries:
            await unit.audit.append(entry)
        await unit.commit()


async def chain_of(
    storage: StorageRig, bot_id: BotId
) -> tuple[Sequence[AuditEntry], AuditHead | None]:
    async with storage.reading(bot_id) as unit:
        return await unit.audit.read(), await unit.audit.head()


async def test_a_chain_without_entries_has_no_head(storage: StorageRig, bot_id: BotId) -> None:
    entries, head = await chain_of(storage, bot_id)

    assert (list(entries), head) == ([], None)


async def test_an_entry_says_who_did_what_to_which_resource_from_where(
    storage: StorageRig, bot_id: BotId
) -> None:
    ana = Actor(user_id=None, name="ana@example.com", ip="2001:db8::1", user_agent="Browser/1 é")
    details = {"z": 1, "a": ["x", "ü"], "big": 2**60, "deep": {"no": None, "yes": True}}
    await append(storage, bot_id, an_entry(actor=ana, details=details), an_entry())

    (first, second), _ = await chain_of(storage, bot_id)

    assert (first.chain, first.seq, first.actor) == (str(bot_id), 1, "ana@example.com")
    assert (first.action, first.resource) == ("bot.renamed", "bot:1")
    assert (first.ip, first.user_agent) == ("2001:db8::1", "Browser/1 é")
    assert first.details == (
        '{"a":["x","ü"],"big":"1152921504606846976","deep":{"no":null,"yes":true},"z":1}'
    )
    assert (second.seq, second.actor, second.ip, second.user_agent) == (2, "system", None, None)
    assert second.details == "{}"


async def test_the_chain_holds(storage: StorageRig, bot_id: BotId) -> None:
    await append(storage, bot_id, an_entry(), an_entry(resource="bot:2"))
    await append(storage, bot_id, an_entry(actor=Actor(user_id=None, name="ünïcode", ip="::1")))

    entries, head = await chain_of(storage, bot_id)

    assert verify_chain(str(bot_id), entries, head) == 3
    assert entries[0].hash == entries[0].expected_hash(first_hash(str(bot_id)))
    assert head == AuditHead(chain=str(bot_id), seq=3, hash=entries[2].hash)


async def test_times_rise_strictly_even_within_one_unit(storage: StorageRig, bot_id: BotId) -> None:
    await append(storage, bot_id, *(an_entry() for _ in range(5)))
    await append(storage, bot_id, an_entry())

    entries, _ = await chain_of(storage, bot_id)

    times = [entry.at for entry in entries]
    assert times == sorted(set(times))
    assert all(len(at) == len("2026-03-01T12:00:00.000000Z") and at.endswith("Z") for at in times)


async def test_an_entry_is_kept_exactly_when_its_unit_is_committed(
    storage: StorageRig, bot_id: BotId
) -> None:
    await append(storage, bot_id, an_entry())
    async with storage.reading(bot_id) as unit:
        await unit.audit.append(an_entry(resource="bot:lost"))
        assert len(await unit.audit.read()) == 2
    await append(storage, bot_id, an_entry(resource="bot:kept"))

    entries, head = await chain_of(storage, bot_id)

    assert [(entry.seq, entry.resource) for entry in entries] == [(1, "bot:1"), (2, "bot:kept")]
    assert verify_chain(str(bot_id), entries, head) == 2


async def test_writers_of_one_chain_wait_for_each_other(storage: StorageRig, bot_id: BotId) -> None:
    await asyncio.gather(
        *(append(storage, bot_id, an_entry(resource=f"bot:{number}")) for number in range(8))
    )

    entries, head = await chain_of(storage, bot_id)

    assert verify_chain(str(bot_id), entries, head) == 8
    assert {entry.resource for entry in entries} == {f"bot:{number}" for number in range(8)}


async def test_entries_are_read_in_pages(storage: StorageRig, bot_id: BotId) -> None:
    await append(storage, bot_id, *(an_entry() for _ in range(5)))
    async with storage.reading(bot_id) as unit:
        pages = [await unit.audit.read(after=after, limit=2) for after in (0, 2, 4, 5)]

    assert [[entry.seq for entry in page] for page in pages] == [[1, 2], [3, 4], [5], []]


async def test_two_bots_have_chains_of_their_own(storage: StorageRig, bot_id: BotId) -> None:
    other = BotId(storage.ids.new())
    await append(storage, bot_id, an_entry(resource="bot:mine"))
    await append(storage, other, an_entry(resource="bot:theirs"))

    (entry,), head = await chain_of(storage, other)

    assert (entry.seq, entry.resource, entry.chain) == (1, "bot:theirs", str(other))
    assert head is not None
    assert head.chain == str(other)


@pytest.mark.parametrize(
    "change", [{"details": '{"a":2}'}, {"actor": "ben"}, {"ip": ""}, {"at": "2020"}]
)
async def test_a_changed_entry_breaks_the_chain(
    storage: StorageRig, bot_id: BotId, change: dict[str, str]
) -> None:
    await append(storage, bot_id, an_entry(), an_entry(), an_entry())
    entries, head = await chain_of(storage, bot_id)
    forged = [entries[0], msgspec.structs.replace(entries[1], **change), entries[2]]

    with pytest.raises(AuditChainBroken):
        verify_chain(str(bot_id), forged, head)
