"""The audit chain in PostgreSQL: append-only, in order, and the same hashes as everywhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.sessions import Sessions
from skua_adapters.audit_trail.postgres import PostgresAuditTrail
from skua_core import faults
from skua_core.domain.audit import AuditEntry, NewAuditEntry, verify_chain
from skua_core.domain.user import SYSTEM, Actor
from skua_core.errors import StorageUnavailable
from skua_core.faults import Fault, FaultAction, FaultInjected, FaultPlan
from skua_core.ids import BotId
from tests.postgres_cluster import Database

pytestmark = [pytest.mark.external, pytest.mark.promise("P22")]

ENTRY = NewAuditEntry(actor=SYSTEM, action="test.done", resource="test:1")
WRITERS = 50


@asynccontextmanager
async def trail(
    engine: AsyncEngine, bot_id: BotId | None, *, lock_timeout: float = 30.0
) -> AsyncIterator[PostgresAuditTrail]:
    """A transaction that is committed at its end."""
    async with Sessions(engine, lock_timeout=lock_timeout).begin(bot_id) as session:
        yield PostgresAuditTrail(session)
        await session.commit()


async def whole_chain(engine: AsyncEngine, bot_id: BotId | None) -> list[AuditEntry]:
    async with trail(engine, bot_id) as it:
        entries = list(await it.read())
        chain = "platform" if bot_id is None else str(bot_id)
        assert verify_chain(chain, entries, await it.head()) == len(entries)
    return entries


def a_bot() -> BotId:
    return BotId(uuid4())


# Order


async def test_many_writers_make_one_chain(migrated_database: Database) -> None:
    bot_id = a_bot()
    engine = create_engine(
        migrated_database.url_of(roles.APP), pool_size=WRITERS, connect_timeout=30
    )

    async def write(number: int) -> None:
        async with trail(engine, bot_id) as it:
            await it.append(NewAuditEntry(actor=SYSTEM, action="a.b", resource=f"test:{number}"))

    await asyncio.gather(*(write(number) for number in range(WRITERS)))
    entries = await whole_chain(engine, bot_id)
    await engine.dispose()

    assert [entry.seq for entry in entries] == list(range(1, WRITERS + 1))
    assert all(before.at < after.at for before, after in pairwise(entries))
    assert {entry.resource for entry in entries} == {f"test:{n}" for n in range(WRITERS)}


async def test_times_rise_under_a_clock_that_was_set_back(
    migrated_database: Database, app_engine: AsyncEngine
) -> None:
    bot_id = a_bot()
    async with trail(app_engine, bot_id) as it:
        await it.append(ENTRY)
    superuser = await asyncpg.connect(migrated_database.dsn)
    await superuser.execute(
        "UPDATE audit.heads SET last_at = '2999-12-31T23:59:59.999999Z' WHERE chain = $1",
        str(bot_id),
    )
    await superuser.close()

    async with trail(app_engine, bot_id) as it:
        await it.append(ENTRY)

    entries = await whole_chain(app_engine, bot_id)
    assert entries[1].at == "3000-01-01T00:00:00.000000Z"


async def test_an_entry_is_kept_exactly_when_its_transaction_is(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    async with Sessions(app_engine).begin(bot_id) as session:
        await PostgresAuditTrail(session).append(ENTRY)

    async with trail(app_engine, bot_id) as it:
        assert await it.head() is None
        await it.append(ENTRY)

    assert [entry.seq for entry in await whole_chain(app_engine, bot_id)] == [1]


async def test_a_writer_that_idles_makes_others_wait_and_then_say_so(
    app_engine: AsyncEngine,
) -> None:
    bot_id = a_bot()
    async with trail(app_engine, bot_id) as slow:
        await slow.append(ENTRY)
        with pytest.raises(StorageUnavailable, match="somebody else holds a row for too long"):
            await _append_in_a_hurry(app_engine, bot_id)

    assert [entry.seq for entry in await whole_chain(app_engine, bot_id)] == [1]


async def _append_in_a_hurry(engine: AsyncEngine, bot_id: BotId) -> None:
    async with trail(engine, bot_id, lock_timeout=0.1) as it:
        await it.append(ENTRY)


async def test_entries_are_read_in_pages(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    async with trail(app_engine, bot_id) as it:
        for _ in range(5):
            await it.append(ENTRY)
        page = await it.read(after=2, limit=2)

    assert [entry.seq for entry in page] == [3, 4]


# Whose


async def test_chains_of_two_bots_know_nothing_of_each_other(app_engine: AsyncEngine) -> None:
    one, other = a_bot(), a_bot()
    for bot_id in (one, other, one):
        async with trail(app_engine, bot_id) as it:
            await it.append(ENTRY)

    assert [entry.seq for entry in await whole_chain(app_engine, one)] == [1, 2]
    assert [entry.seq for entry in await whole_chain(app_engine, other)] == [1]


async def test_without_a_bot_the_platform_s_chain_is_meant(app_engine: AsyncEngine) -> None:
    async with trail(app_engine, None) as it:
        await it.append(ENTRY)

    assert {entry.chain for entry in await whole_chain(app_engine, None)} == {"platform"}


# Nobody changes it

STATEMENTS = [
    (
        "INSERT INTO audit.entries SELECT chain, seq + 1, at, actor, action, resource, ip,"
        " user_agent, details, hash FROM audit.entries"
    ),
    "UPDATE audit.entries SET actor = 'nobody'",
    "DELETE FROM audit.entries",
    "TRUNCATE audit.entries",
    "UPDATE audit.{partition} SET actor = 'nobody'",
    "DELETE FROM audit.{partition}",
    "TRUNCATE audit.{partition}",
    "ALTER TABLE audit.entries DETACH PARTITION audit.{partition}",
    "DROP TABLE audit.{partition}",
    "DROP TABLE audit.entries",
    "DROP SCHEMA audit CASCADE",
    "ALTER TABLE audit.entries DISABLE TRIGGER ALL",
    "DROP TRIGGER never_changed ON audit.entries",
    "ALTER TABLE audit.entries RENAME TO other",
    "UPDATE audit.heads SET seq = 0",
    "DELETE FROM audit.heads",
    "TRUNCATE audit.heads",
    (
        "CREATE OR REPLACE FUNCTION audit.append(text, text, text, text, text, text) RETURNS bigint"
        " LANGUAGE sql AS 'SELECT 1'"
    ),
    "ALTER TABLE audit.entries OWNER TO CURRENT_USER",
]
MISTAKES = [
    statement
    for statement in STATEMENTS
    if statement.split()[0] in {"UPDATE", "DELETE", "TRUNCATE"}
]


async def _entries_partition(superuser: asyncpg.Connection) -> str:
    return str(
        await superuser.fetchval("SELECT tableoid::regclass::text FROM audit.entries LIMIT 1")
    )


@pytest.mark.parametrize("role", [roles.APP, roles.BACKUP, roles.OWNER])
@pytest.mark.parametrize("statement", STATEMENTS)
async def test_no_role_in_use_changes_the_log(
    role: str, statement: str, migrated_database: Database, app_engine: AsyncEngine
) -> None:
    async with trail(app_engine, a_bot()) as it:
        await it.append(ENTRY)
    superuser = await asyncpg.connect(migrated_database.dsn)
    partition = (await _entries_partition(superuser)).removeprefix("audit.")
    connection = await asyncpg.connect(migrated_database.server.dsn(role, migrated_database.name))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement.format(partition=partition))
    finally:
        await connection.close()
        await superuser.close()


@pytest.mark.parametrize("statement", [line for line in MISTAKES if "heads" not in line])
async def test_even_the_log_s_owner_can_only_add(
    statement: str, migrated_database: Database, app_engine: AsyncEngine
) -> None:
    """A migration that takes on that role is kept from mistakes by triggers."""
    async with trail(app_engine, a_bot()) as it:
        await it.append(ENTRY)
    connection = await asyncpg.connect(migrated_database.dsn)
    partition = (await _entries_partition(connection)).removeprefix("audit.")
    await connection.execute("SET ROLE skua_audit")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="can only be added"):
            await connection.execute(statement.format(partition=partition))
    finally:
        await connection.close()


async def test_a_new_month_is_append_only_too(own_database: Database) -> None:
    connection = await asyncpg.connect(own_database.dsn)
    await connection.execute("SELECT audit.ensure_partitions(6)")
    newest = await connection.fetchval(
        "SELECT max(c.relname) FROM pg_class c WHERE c.relname ~ '^entries_[0-9]{4}_[0-9]{2}$'"
    )
    await connection.execute("SET ROLE skua_audit")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="can only be added"):
            await connection.execute(f"TRUNCATE audit.{newest}")
    finally:
        await connection.close()


async def test_the_application_reads_its_own_chain_alone(app_engine: AsyncEngine) -> None:
    one, other = a_bot(), a_bot()
    async with trail(app_engine, one) as it:
        await it.append(ENTRY)

    async with Sessions(app_engine).begin(other) as session:
        rows = await session.execute(text("SELECT * FROM audit.read(0, 1000)"))
        assert rows.all() == []


# Hashes

ODD = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40
) | st.sampled_from(
    ["", "'", '"', "\\", "$$", "|", "null", "e\u0301", "\U0001f99c", "\x7f", "\n\r"]
)
ENTRIES = st.builds(
    NewAuditEntry,
    actor=st.builds(
        Actor,
        user_id=st.none(),
        name=ODD,
        ip=st.none() | ODD,
        user_agent=st.none() | ODD,
    ),
    action=ODD,
    resource=ODD,
    details=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=20)
        | st.lists(ODD, max_size=3),
        max_size=4,
    ),
)


def test_the_server_hashes_as_the_core_does(migrated_database: Database) -> None:
    """Whatever text stands in an entry, and where nothing stands."""
    runner = asyncio.Runner()
    engine = create_engine(migrated_database.url_of(roles.APP), pool_size=1)
    bot_id = a_bot()

    async def append(entries: list[NewAuditEntry]) -> None:
        async with trail(engine, bot_id) as it:
            for entry in entries:
                await it.append(entry)
            head = await it.head()
            last = (await it.read(after=head.seq - 1))[-1] if head else None
        assert last is not None
        assert (last.actor, last.ip, last.details) == (
            entries[-1].actor.name,
            entries[-1].actor.ip,
            entries[-1].encoded_details(),
        )

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(ENTRIES, min_size=1, max_size=3))
    def check(entries: list[NewAuditEntry]) -> None:
        runner.run(append(entries))

    with runner:
        check()
        assert len(runner.run(whole_chain(engine, bot_id))) >= 60
        runner.run(engine.dispose())


async def test_a_link_that_was_tampered_with_shows(
    migrated_database: Database, app_engine: AsyncEngine
) -> None:
    bot_id = a_bot()
    for _ in range(3):
        async with trail(app_engine, bot_id) as it:
            await it.append(ENTRY)
    superuser = await asyncpg.connect(migrated_database.dsn)
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute(
        "UPDATE audit.entries SET actor = 'somebody else' WHERE chain = $1 AND seq = 2", str(bot_id)
    )
    await superuser.close()

    with pytest.raises(Exception, match="breaks at entry 2: its hash doesn't fit its contents"):
        await whole_chain(app_engine, bot_id)


# Faults


async def test_a_fault_before_the_entry_keeps_it_out(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    faults.install(FaultPlan({"audit.before_insert": Fault(action=FaultAction.RAISE)}, seed=1))
    try:
        with pytest.raises(FaultInjected):
            await _append_in_a_hurry(app_engine, bot_id)
    finally:
        faults.install(None)

    assert await whole_chain(app_engine, bot_id) == []
