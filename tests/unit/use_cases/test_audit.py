"""Reading the audit log and checking its chain."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from skua_adapters.tenant_storage.in_memory import InMemoryTenantStorage
from skua_core.domain.audit import AuditEntry, AuditHead, NewAuditEntry
from skua_core.domain.lane import LaneTimes
from skua_core.domain.user import SYSTEM
from skua_core.errors import AuditChainBroken
from skua_core.ids import BotId
from skua_core.ports.audit_trail import AuditTrail
from skua_core.ports.tenant_storage import TenantUnit, UnitKind
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.audit import ReadAudit, ReadAuditQuery, VerifyAudit, VerifyAuditQuery
from tests.unit.use_cases.world import World


@pytest.fixture
async def access(world: World) -> BotAccess:
    return await world.add_bot()


async def write(world: World, access: BotAccess, count: int) -> None:
    for number in range(count):
        async with world.storage.unit(access.bot_id) as unit:
            await unit.audit.append(
                NewAuditEntry(actor=access.actor, action="bot.seen", resource=f"bot:{number}")
            )
            await unit.commit()


async def verify(world: World, access: BotAccess) -> int:
    return await VerifyAudit(storage=world.storage)(VerifyAuditQuery(bot_id=access.bot_id))


@pytest.mark.promise("P22")
async def test_an_untouched_chain_verifies(world: World, access: BotAccess) -> None:
    await write(world, access, 5)

    assert await verify(world, access) == 7


async def test_a_chain_longer_than_a_page_is_followed_to_its_end(
    world: World, access: BotAccess
) -> None:
    async with world.storage.unit(access.bot_id) as unit:
        for number in range(1100):
            await unit.audit.append(
                NewAuditEntry(actor=access.actor, action="bot.seen", resource=f"bot:{number}")
            )
        await unit.commit()

    assert await verify(world, access) == 1102


async def test_a_bot_without_entries_verifies_as_empty(world: World) -> None:
    query = VerifyAuditQuery(bot_id=BotId(world.ids.new()))

    assert await VerifyAudit(storage=world.storage)(query) == 0


@pytest.mark.promise("P22")
@pytest.mark.parametrize("seq", [1, 3, 7])
async def test_a_changed_entry_breaks_the_chain_where_it_stands(
    world: World, access: BotAccess, seq: int
) -> None:
    await write(world, access, 5)
    key = (str(access.bot_id), seq)
    entry = world.memory.audit.rows[key]
    world.memory.audit.put(key, msgspec.structs.replace(entry, actor="cli:ben"))

    with pytest.raises(AuditChainBroken) as caught:
        await verify(world, access)

    assert caught.value.seq == seq


@pytest.mark.promise("P22")
async def test_a_missing_entry_breaks_the_chain(world: World, access: BotAccess) -> None:
    await write(world, access, 5)
    world.memory.audit.delete((str(access.bot_id), 4))

    with pytest.raises(AuditChainBroken, match="entry 4"):
        await verify(world, access)


class LateWriter(AuditTrail):
    """Somebody adds an entry each time after the head was read."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    async def append(self, entry: NewAuditEntry) -> None:
        await self._trail.append(entry)

    async def read(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        return await self._trail.read(after=after, limit=limit)

    async def head(self) -> AuditHead | None:
        head = await self._trail.head()
        await self.append(NewAuditEntry(actor=SYSTEM, action="bot.seen", resource="bot:late"))
        return head


class StorageWithALateWriter(InMemoryTenantStorage):
    @asynccontextmanager
    async def unit(
        self, bot_id: BotId, kind: UnitKind = UnitKind.COMMAND
    ) -> AsyncIterator[TenantUnit]:
        async with super().unit(bot_id, kind) as unit:
            unit.audit = LateWriter(unit.audit)
            yield unit


async def test_an_entry_that_is_written_meanwhile_is_no_breach(
    world: World, access: BotAccess
) -> None:
    storage = StorageWithALateWriter(world.memory, times=LaneTimes())

    assert await VerifyAudit(storage=storage)(VerifyAuditQuery(bot_id=access.bot_id)) == 2


async def test_the_log_is_read_page_by_page(world: World, access: BotAccess) -> None:
    await write(world, access, 3)
    read = ReadAudit(storage=world.storage)

    first = await read(ReadAuditQuery(access=access, limit=2))
    rest = await read(ReadAuditQuery(access=access, after=first[-1].seq))

    assert [entry.seq for entry in (*first, *rest)] == [1, 2, 3, 4, 5]
    assert first[0].action == "bot.added"


async def test_nobody_reads_another_bots_log(world: World, access: BotAccess) -> None:
    terns = await world.add_bot(None, slug="terns")
    await write(world, access, 3)

    entries = await ReadAudit(storage=world.storage)(ReadAuditQuery(access=terns))

    assert {entry.chain for entry in entries} == {str(terns.bot_id)}
