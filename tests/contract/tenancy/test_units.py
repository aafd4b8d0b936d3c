"""Units of work over PostgreSQL: nothing leaks from one to the next, whatever ends them."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select, text, union
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import aliased

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.sessions import Sessions
from skua_adapters._sql.tables import BotRow, SubscriberRow, UpdateRow
from skua_adapters._sql.tenancy import BotSession
from skua_core.errors import ForeignRow, NoTenant
from tests.contract.tenancy.units import (
    NOW,
    WHOSE,
    a_bot,
    as_superuser,
    pool_of_one,
    storage_over,
    take_in,
    taken_in,
    unit_of,
)
from tests.postgres_cluster import Database

pytestmark = [pytest.mark.external, pytest.mark.promise("P10")]


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
    async with unit_of(storage_over(app_engine), bot_id) as unit:
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
                async with unit_of(storage, bot_id) as unit:
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
        async with unit_of(storage_over(engine), a_bot()) as unit:
            await unit.commit()
        async with unit_of(storage_over(engine), a_bot()):
            pass
        async with engine.connect() as connection:
            remembered = (await connection.execute(WHOSE)).scalar_one()

    assert remembered == ""


async def test_many_tasks_at_once_see_their_own_bot(migrated_database: Database) -> None:
    engine = create_engine(migrated_database.url_of(roles.APP), pool_size=3, connect_timeout=30)
    storage = storage_over(engine)

    async def work(number: int) -> list[int]:
        bot_id = a_bot()
        async with unit_of(storage, bot_id) as unit:
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
        async with unit_of(storage, bot_id) as unit:
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

    async with unit_of(storage, bot_id) as unit:
        await take_in(unit, 1)
        savepoint = await unit.session.begin_nested()
        await take_in(unit, 2)
        await savepoint.rollback()
        whose = await unit.session.scalar(WHOSE)
        await take_in(unit, 3)
        await unit.commit()

    assert whose == str(bot_id)
    assert await taken_in(storage, bot_id) == [1, 3]
