"""Units of work over PostgreSQL: nothing leaks from one to the next, whatever ends them."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import func, insert, select, text, union
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import aliased

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.errors import Trouble
from skua_adapters._sql.sessions import Sessions
from skua_adapters._sql.tables import BotRow, SubscriberRow, UpdateRow
from skua_adapters._sql.tenancy import BotSession
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.tenant_storage.postgres import PostgresTenantStorage, PostgresTenantUnit
from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.lane import LaneTimes
from skua_core.domain.user import SYSTEM
from skua_core.errors import ForeignRow, MissingAudit, NoTenant, StorageUnavailable
from skua_core.ids import BotId
from skua_core.ports.tenant_storage import UnitKind
from tests.postgres_cluster import Database

pytestmark = [pytest.mark.external, pytest.mark.promise("P10")]

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ENTRY = NewAuditEntry(actor=SYSTEM, action="test.done", resource="test:1")
CANARY = f"canary{uuid4().hex}"
"""Not to be found among a traceback's lines of source."""
WHOSE = text("SELECT current_setting('skua.bot_id', true)")


def a_bot() -> BotId:
    return BotId(uuid4())


def storage_over(engine: AsyncEngine, times: LaneTimes | None = None) -> PostgresTenantStorage:
    return PostgresTenantStorage(engine, times=times or LaneTimes(), ids=CountedIdFactory())


@asynccontextmanager
async def pool_of_one(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database.url_of(roles.APP), pool_size=1, connect_timeout=1)
    yield engine
    await engine.dispose()


@asynccontextmanager
async def inbound(
    storage: PostgresTenantStorage, bot_id: BotId, kind: UnitKind = UnitKind.INBOUND
) -> AsyncIterator[PostgresTenantUnit]:
    async with storage.unit(bot_id, kind) as unit:
        assert isinstance(unit, PostgresTenantUnit)
        yield unit


async def take_in(unit: PostgresTenantUnit, *numbers: int) -> None:
    unit.session.add_all(
        UpdateRow(bot_id=unit.bot_id, update_id=number, received_at=NOW) for number in numbers
    )
    await unit.session.flush()


async def taken_in(storage: PostgresTenantStorage, bot_id: BotId) -> list[int]:
    async with inbound(storage, bot_id) as unit:
        return list(await unit.session.scalars(select(UpdateRow.update_id).order_by("update_id")))


async def as_superuser(database: Database, statement: str, *arguments: Any) -> Any:
    connection = await asyncpg.connect(database.dsn)
    try:
        return await connection.fetchval(statement, *arguments)
    finally:
        await connection.close()


async def kill_connections(database: Database) -> None:
    """As a crash of the server, or of the network, ends them."""
    await as_superuser(
        database,
        "SELECT count(pg_terminate_backend(pid, 1000)) FROM pg_stat_activity"
        " WHERE usename = 'skua_app' AND datname = current_database()",
    )


# No bot


async def test_without_a_bot_tenant_tables_are_out_of_reach(app_engine: AsyncEngine) -> None:
    async with Sessions(app_engine).begin() as session:
        with pytest.raises(NoTenant, match="open a unit of that bot"):
            await session.execute(select(SubscriberRow))
        with pytest.raises(NoTenant):
            await session.execute(text("SELECT * FROM tenant.subscribers WHERE bot_id = :bot"))
        with pytest.raises(NoTenant):
            await session.execute(insert(UpdateRow), {"bot_id": uuid4(), "update_id": 1})
        session.add(UpdateRow(bot_id=uuid4(), update_id=1, received_at=NOW))
        with pytest.raises(NoTenant, match="UpdateRow belongs to one bot"):
            await session.flush()


async def test_without_a_bot_platform_tables_are_in_reach(app_engine: AsyncEngine) -> None:
    async with Sessions(app_engine).begin() as session:
        assert (await session.scalars(select(BotRow))).all() == []


async def test_without_a_bot_row_security_shows_nothing(
    migrated_database: Database, app_engine: AsyncEngine
) -> None:
    bot_id = a_bot()
    async with inbound(storage_over(app_engine), bot_id) as unit:
        await take_in(unit, 1)
        await unit.commit()

    async with AsyncSession(app_engine, sync_session_class=BotSession, bot_id=None) as session:
        seen = await session.scalar(select(func.count()).select_from(UpdateRow))
        session.add(UpdateRow(bot_id=bot_id, update_id=2, received_at=NOW))
        with pytest.raises(ForeignRow):
            await session.flush()

    assert seen == 0
    assert (
        await as_superuser(
            migrated_database, "SELECT count(*) FROM tenant.updates WHERE bot_id = $1", bot_id
        )
        == 1
    )


# From bot to bot


async def test_one_worker_goes_from_bot_to_bot_over_one_connection(
    migrated_database: Database,
) -> None:
    """Each statement is cached after its first bot; none may keep that bot's rows or id."""
    bots = [a_bot() for _ in range(5)]
    statements: list[Callable[[], Any]] = [
        lambda: select(UpdateRow.bot_id),
        lambda: select(aliased(UpdateRow).bot_id),
        lambda: union(select(UpdateRow.bot_id), select(SubscriberRow.bot_id)),
        lambda: select(select(UpdateRow).subquery().c.bot_id),
        lambda: select(select(UpdateRow.bot_id).cte().c.bot_id),
        lambda: select(UpdateRow.bot_id).where(
            select(1).where(UpdateRow.update_id >= 0).correlate(None).exists()
        ),
    ]
    async with pool_of_one(migrated_database) as engine:
        storage = storage_over(engine)
        for turn in range(3):
            for number, bot_id in enumerate(bots):
                async with inbound(storage, bot_id) as unit:
                    for statement in statements:
                        found = set(await unit.session.scalars(statement()))
                        assert found == ({bot_id} if turn else set())
                    if not turn:
                        await take_in(unit, number)
                    assert await unit.session.scalar(WHOSE) == str(bot_id)
                    await unit.commit()
        for number, bot_id in enumerate(bots):
            assert await taken_in(storage, bot_id) == [number]


async def test_a_connection_goes_back_without_its_bot(migrated_database: Database) -> None:
    async with pool_of_one(migrated_database) as engine:
        async with inbound(storage_over(engine), a_bot()) as unit:
            await unit.commit()
        async with inbound(storage_over(engine), a_bot()):
            pass
        async with engine.connect() as connection:
            remembered = (await connection.execute(WHOSE)).scalar_one()

    assert remembered == ""


async def test_many_tasks_at_once_see_their_own_bot(migrated_database: Database) -> None:
    engine = create_engine(migrated_database.url_of(roles.APP), pool_size=3, connect_timeout=30)
    storage = storage_over(engine)

    async def work(number: int) -> list[int]:
        bot_id = a_bot()
        async with inbound(storage, bot_id) as unit:
            await take_in(unit, number)
            await asyncio.sleep(0)
            assert await unit.session.scalar(WHOSE) == str(bot_id)
            await unit.commit()
        return await taken_in(storage, bot_id)

    results = await asyncio.gather(*(work(number) for number in range(40)))
    await engine.dispose()

    assert results == [[number] for number in range(40)]


async def test_a_pooler_s_other_connections_do_no_harm(migrated_database: Database) -> None:
    """Nothing is remembered on a connection: no prepared statement, no setting, no bot."""
    engine = create_engine(migrated_database.url_of(roles.APP), pooled=True, pool_size=1)
    storage = storage_over(engine)
    for bot_id in (a_bot(), a_bot()):
        async with inbound(storage, bot_id) as unit:
            await take_in(unit, 1)
            await unit.commit()
        assert await taken_in(storage, bot_id) == [1]
        async with Sessions(engine).begin() as session:
            kept = await session.scalar(
                text("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'skua_%'")
            )
            assert kept <= 1
    await engine.dispose()


async def test_a_savepoint_that_is_rolled_back_leaves_the_bot(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    storage = storage_over(app_engine)

    async with inbound(storage, bot_id) as unit:
        await take_in(unit, 1)
        savepoint = await unit.session.begin_nested()
        await take_in(unit, 2)
        await savepoint.rollback()
        whose = await unit.session.scalar(WHOSE)
        await take_in(unit, 3)
        await unit.commit()

    assert whose == str(bot_id)
    assert await taken_in(storage, bot_id) == [1, 3]


# Ends


async def test_leaving_without_commit_keeps_nothing(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    storage = storage_over(app_engine)

    async with inbound(storage, bot_id) as unit:
        await take_in(unit, 1)

    assert await taken_in(storage, bot_id) == []


async def test_a_failure_in_the_middle_keeps_nothing(migrated_database: Database) -> None:
    bot_id, other = a_bot(), a_bot()
    async with pool_of_one(migrated_database) as engine:
        storage = storage_over(engine)
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the whole unit fails
            async with inbound(storage, bot_id) as unit:
                await take_in(unit, 1)
                _ = 1 / 0

        assert await taken_in(storage, other) == []
        assert await taken_in(storage, bot_id) == []


async def test_a_cancelled_unit_keeps_nothing(migrated_database: Database) -> None:
    bot_id = a_bot()
    async with pool_of_one(migrated_database) as engine:
        storage = storage_over(engine)
        begun = asyncio.Event()

        async def work() -> None:
            async with inbound(storage, bot_id) as unit:
                await take_in(unit, 1)
                begun.set()
                await unit.session.execute(text("SELECT pg_sleep(30)"))

        task = asyncio.create_task(work())
        await begun.wait()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await taken_in(storage, bot_id) == []


async def test_a_crash_in_the_middle_keeps_nothing_and_the_next_unit_works(
    migrated_database: Database,
) -> None:
    bot_id = a_bot()
    async with pool_of_one(migrated_database) as engine:
        storage = storage_over(engine)
        with pytest.raises(StorageUnavailable) as crash:  # noqa: PT012 - the whole unit fails
            async with inbound(storage, bot_id) as unit:
                await take_in(unit, 1)
                await kill_connections(migrated_database)
                await take_in(unit, 2)

        assert crash.value.reason is Trouble.LOST
        assert not crash.value.unsure
        assert await taken_in(storage, bot_id) == []


async def test_a_crash_before_the_commit_makes_it_unsure(migrated_database: Database) -> None:
    """The server may have ended before or after it did as it was told: nobody knows."""
    bot_id = a_bot()
    async with pool_of_one(migrated_database) as engine:
        storage = storage_over(engine)
        with pytest.raises(StorageUnavailable) as crash:  # noqa: PT012 - the whole unit fails
            async with inbound(storage, bot_id) as unit:
                await take_in(unit, 1)
                await kill_connections(migrated_database)
                await unit.commit()

        assert crash.value.unsure


async def test_connections_that_died_while_idle_are_replaced(migrated_database: Database) -> None:
    engine = create_engine(migrated_database.url_of(roles.APP), pool_size=3)
    storage = storage_over(engine)
    bots = [a_bot() for _ in range(3)]
    await asyncio.gather(*(taken_in(storage, bot_id) for bot_id in bots))

    await kill_connections(migrated_database)
    after = await asyncio.gather(*(taken_in(storage, bot_id) for bot_id in bots))
    await engine.dispose()

    assert after == [[], [], []]


async def test_a_unit_is_over_after_its_commit(app_engine: AsyncEngine) -> None:
    async with inbound(storage_over(app_engine), a_bot()) as unit:
        await unit.commit()
        with pytest.raises(RuntimeError, match="this unit is over"):
            await unit.commit()


async def test_whoever_freezes_inside_a_unit_loses_its_locks(app_engine: AsyncEngine) -> None:
    """The server's clock decides, so it works for a stopped process too."""
    bot_id = a_bot()
    storage = storage_over(app_engine, LaneTimes().faster(40))

    with pytest.raises(StorageUnavailable):  # noqa: PT012 - the whole unit fails
        async with inbound(storage, bot_id) as unit:
            await take_in(unit, 1)
            await asyncio.sleep(0.6)
            await take_in(unit, 2)

    assert await taken_in(storage, bot_id) == []


async def test_a_row_that_stays_locked_is_told_apart(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    sessions = Sessions(app_engine, lock_timeout=0.1)
    async with inbound(storage_over(app_engine), bot_id) as unit:
        await take_in(unit, 1)
        with pytest.raises(StorageUnavailable) as waited:  # noqa: PT012 - the whole unit fails
            async with sessions.begin(bot_id) as session:
                session.add(UpdateRow(bot_id=bot_id, update_id=1, received_at=NOW))
                await session.flush()

    assert waited.value.reason is Trouble.LOCKED


async def test_a_pool_that_is_used_up_is_told_apart(migrated_database: Database) -> None:
    async with pool_of_one(migrated_database) as engine:
        storage = storage_over(engine)
        async with inbound(storage, a_bot()):
            with pytest.raises(StorageUnavailable) as waited:
                await taken_in(storage, a_bot())

    assert waited.value.reason is Trouble.BUSY


async def test_a_database_that_is_down_is_unavailable() -> None:
    engine = create_engine("postgresql://skua_app:secret@127.0.0.1:1/skua", connect_timeout=1)

    with pytest.raises(StorageUnavailable, match=r"not available \(no connection\)"):
        await taken_in(storage_over(engine), a_bot())

    await engine.dispose()


# Audit


async def test_a_command_that_changed_rows_needs_an_audit_entry(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    storage = storage_over(app_engine)

    with pytest.raises(MissingAudit):  # noqa: PT012 - the whole unit fails
        async with inbound(storage, bot_id, UnitKind.COMMAND) as unit:
            await take_in(unit, 1)
            await unit.commit()

    assert await taken_in(storage, bot_id) == []


async def test_a_command_with_an_entry_is_kept(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    storage = storage_over(app_engine)

    async with inbound(storage, bot_id, UnitKind.COMMAND) as unit:
        await take_in(unit, 1)
        await unit.audit.append(ENTRY)
        await unit.commit()

    assert await taken_in(storage, bot_id) == [1]


async def test_a_change_that_is_only_written_by_the_commit_counts_too(
    app_engine: AsyncEngine,
) -> None:
    with pytest.raises(MissingAudit):  # noqa: PT012 - the whole unit fails
        async with inbound(storage_over(app_engine), a_bot(), UnitKind.COMMAND) as unit:
            unit.session.add(UpdateRow(bot_id=unit.bot_id, update_id=1, received_at=NOW))
            await unit.commit()


async def test_a_change_before_a_savepoint_counts_too(app_engine: AsyncEngine) -> None:
    with pytest.raises(MissingAudit):  # noqa: PT012 - the whole unit fails
        async with inbound(storage_over(app_engine), a_bot(), UnitKind.COMMAND) as unit:
            await take_in(unit, 1)
            async with unit.session.begin_nested():
                await unit.session.execute(select(UpdateRow))
            await unit.commit()


async def test_a_command_that_only_read_and_locked_needs_none(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    storage = storage_over(app_engine)
    async with inbound(storage, bot_id) as unit:
        unit.session.add(a_subscriber(bot_id))
        await unit.commit()

    async with inbound(storage, bot_id, UnitKind.COMMAND) as unit:
        locked = await unit.session.execute(select(SubscriberRow).with_for_update())
        assert len(locked.all()) == 1
        await unit.commit()


# What errors say


def a_subscriber(bot_id: UUID, first_name: str = "Ana") -> SubscriberRow:
    return SubscriberRow(
        bot_id=bot_id,
        id=uuid4(),
        chat_id=7,
        kind="private",
        first_name=first_name,
        attributes={},
        subscribed=True,
        subscribed_changed_at=NOW,
        reach="reachable",
        reach_changed_at=NOW,
        joined_at=NOW,
    )


async def _twice(session: AsyncSession, bot_id: BotId) -> None:
    session.add_all([a_subscriber(bot_id, CANARY), a_subscriber(bot_id, CANARY)])
    await session.flush()


async def _broken_check(session: AsyncSession, bot_id: BotId) -> None:
    subscriber = a_subscriber(bot_id, CANARY)
    subscriber.kind = CANARY
    session.add(subscriber)
    await session.flush()


async def _wrong_on_the_server(session: AsyncSession, _: BotId) -> None:
    await session.execute(text("SELECT CAST(CAST(:value AS text) AS uuid)"), {"value": CANARY})


async def _wrong_in_the_driver(session: AsyncSession, _: BotId) -> None:
    await session.execute(text("SELECT CAST(:value AS integer)"), {"value": CANARY})


@pytest.mark.parametrize(
    "fail", [_twice, _broken_check, _wrong_on_the_server, _wrong_in_the_driver]
)
async def test_no_error_tells_a_row_s_values(
    fail: Callable[[AsyncSession, BotId], Any], app_engine: AsyncEngine
) -> None:
    with pytest.raises(Exception) as failed:  # noqa: PT011 - whichever it is
        async with inbound(storage_over(app_engine), a_bot()) as unit:
            await fail(unit.session, unit.bot_id)

    assert CANARY not in "".join(traceback.format_exception(failed.value))
