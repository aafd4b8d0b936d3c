"""How units end: kept or discarded whole, with a clear word for what went wrong."""

import asyncio
import traceback
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.errors import Trouble
from skua_adapters._sql.sessions import Sessions
from skua_adapters._sql.tables import SubscriberRow, UpdateRow
from skua_core.domain.lane import LaneTimes
from skua_core.errors import MissingAudit, StorageUnavailable
from skua_core.ids import BotId
from skua_core.ports.tenant_storage import UnitKind
from tests.contract.tenancy.units import (
    ENTRY,
    NOW,
    a_bot,
    kill_connections,
    pool_of_one,
    storage_over,
    take_in,
    taken_in,
    unit_of,
)
from tests.postgres_cluster import Database

pytestmark = [pytest.mark.external, pytest.mark.promise("P10")]

CANARY = f"canary{uuid4().hex}"
"""Not to be found among a traceback's lines of source."""


async def test_leaving_without_commit_keeps_nothing(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    storage = storage_over(app_engine)

    async with unit_of(storage, bot_id) as unit:
        await take_in(unit, 1)

    assert await taken_in(storage, bot_id) == []


async def test_a_failure_in_the_middle_keeps_nothing(migrated_database: Database) -> None:
    bot_id, other = a_bot(), a_bot()
    async with pool_of_one(migrated_database) as engine:
        storage = storage_over(engine)
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the whole unit fails
            async with unit_of(storage, bot_id) as unit:
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
            async with unit_of(storage, bot_id) as unit:
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
            async with unit_of(storage, bot_id) as unit:
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
            async with unit_of(storage, bot_id) as unit:
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
    async with unit_of(storage_over(app_engine), a_bot()) as unit:
        await unit.commit()
        with pytest.raises(RuntimeError, match="this unit is over"):
            await unit.commit()


async def test_whoever_freezes_inside_a_unit_loses_its_locks(app_engine: AsyncEngine) -> None:
    """The server's clock decides, so it works for a stopped process too."""
    bot_id = a_bot()
    storage = storage_over(app_engine, LaneTimes(heartbeat=0.1, fence=0.3, takeover=0.5))

    with pytest.raises(StorageUnavailable):  # noqa: PT012 - the whole unit fails
        async with unit_of(storage, bot_id) as unit:
            await take_in(unit, 1)
            await asyncio.sleep(0.6)
            await take_in(unit, 2)

    assert await taken_in(storage, bot_id) == []


async def test_a_row_that_stays_locked_is_told_apart(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    sessions = Sessions(app_engine, lock_timeout=0.1)
    async with unit_of(storage_over(app_engine), bot_id) as unit:
        await take_in(unit, 1)
        with pytest.raises(StorageUnavailable) as waited:  # noqa: PT012 - the whole unit fails
            async with sessions.begin(bot_id) as session:
                session.add(UpdateRow(bot_id=bot_id, update_id=1, received_at=NOW))
                await session.flush()

    assert waited.value.reason is Trouble.LOCKED


async def test_a_pool_that_is_used_up_is_told_apart(migrated_database: Database) -> None:
    async with pool_of_one(migrated_database) as engine:
        storage = storage_over(engine)
        async with unit_of(storage, a_bot()):
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
        async with unit_of(storage, bot_id, UnitKind.COMMAND) as unit:
            await take_in(unit, 1)
            await unit.commit()

    assert await taken_in(storage, bot_id) == []


async def test_a_command_with_an_entry_is_kept(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    storage = storage_over(app_engine)

    async with unit_of(storage, bot_id, UnitKind.COMMAND) as unit:
        await take_in(unit, 1)
        await unit.audit.append(ENTRY)
        await unit.commit()

    assert await taken_in(storage, bot_id) == [1]


async def test_a_change_that_is_only_written_by_the_commit_counts_too(
    app_engine: AsyncEngine,
) -> None:
    with pytest.raises(MissingAudit):  # noqa: PT012 - the whole unit fails
        async with unit_of(storage_over(app_engine), a_bot(), UnitKind.COMMAND) as unit:
            unit.session.add(UpdateRow(bot_id=unit.bot_id, update_id=1, received_at=NOW))
            await unit.commit()


async def test_a_change_before_a_savepoint_counts_too(app_engine: AsyncEngine) -> None:
    with pytest.raises(MissingAudit):  # noqa: PT012 - the whole unit fails
        async with unit_of(storage_over(app_engine), a_bot(), UnitKind.COMMAND) as unit:
            await take_in(unit, 1)
            async with unit.session.begin_nested():
                await unit.session.execute(select(UpdateRow))
            await unit.commit()


async def test_a_command_that_only_read_and_locked_needs_none(app_engine: AsyncEngine) -> None:
    bot_id = a_bot()
    storage = storage_over(app_engine)
    async with unit_of(storage, bot_id) as unit:
        unit.session.add(a_subscriber(bot_id))
        await unit.commit()

    async with unit_of(storage, bot_id, UnitKind.COMMAND) as unit:
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
        async with unit_of(storage_over(app_engine), a_bot()) as unit:
            await fail(unit.session, unit.bot_id)

    assert CANARY not in "".join(traceback.format_exception(failed.value))
