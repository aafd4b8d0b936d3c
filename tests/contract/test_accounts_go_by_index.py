"""What is asked of accounts all the time goes by an index, with and without statistics."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters.account_storage.postgres import PostgresAccountStorage
from skua_adapters.id_factory.uuid7 import Uuid7IdFactory
from skua_adapters.platform_storage.postgres import PostgresPlatformStorage
from skua_core.domain.challenge import ChallengePurpose
from skua_core.domain.handles import hash_of
from skua_core.ids import BotId, UserId
from skua_core.ports.account_storage import AccountUnit
from tests.postgres_cluster import Database, PostgresCluster

pytestmark = pytest.mark.external

ROWS = 100_000
SOMEBODY = 777
LOGIN = f"person{SOMEBODY}@example.org"
USER_ID = UserId(UUID(int=SOMEBODY))
HASH = hash_of(str(SOMEBODY))
# Of each person everything. Nearly all letters wait, for a mail server that was away.
FILL = """
    SET session_replication_role = replica;
    INSERT INTO platform.users (id, login, created_at)
    SELECT {id}, 'person' || n || '@example.org', now() FROM {people};
    INSERT INTO platform.credentials
    SELECT {id}, 'hash', NULL, false, -1, 0 FROM {people};
    INSERT INTO platform.sessions
        (id, sid_hash, user_id, created_at, issued_at, last_seen_at, absolute_until)
    SELECT {id}, {hash}, {id}, now(), now(), now() - interval '1 hour', now() + interval '1 day'
    FROM {people};
    INSERT INTO platform.api_keys (id, secret_hash, user_id, name, access, created_at)
    SELECT {id}, {hash}, {id}, 'key', 'read', now() FROM {people};
    INSERT INTO platform.devices (id, token_hash, user_id, created_at, last_seen_at)
    SELECT {id}, {hash}, {id}, now(), now() FROM {people};
    INSERT INTO platform.challenges
        (handle_hash, purpose, login, expires_at, created_at, tries, closed, name)
    SELECT {hash}, 'register', 'person' || n || '@example.org', now() + interval '1 hour', now(), 0,
           false, ''
    FROM {people};
    INSERT INTO platform.mails (id, sealed, written_at, due_at, attempts)
    SELECT {id}, 'sealed', now(), now() + make_interval(mins => n % 10000 - 1), 0 FROM {people};
    INSERT INTO tenant.chat_links (bot_id, user_id) SELECT {id}, {id} FROM {people};
    RESET session_replication_role
""".format(  # noqa: S608 - numbers and expressions of ours
    id="lpad(to_hex(n), 32, '0')::uuid",
    hash="sha256(n::text::bytea)",
    people=f"generate_series(1, {ROWS}) AS n",
)


@pytest.fixture(scope="module", params=["SELECT 1", "VACUUM ANALYZE"], ids=["none", "fresh"])
def crowded(
    request: pytest.FixtureRequest, cluster_with_roles: PostgresCluster, migrated_template: str
) -> Iterator[Database]:
    """Without statistics, and with fresh ones."""
    database = cluster_with_roles.create_database(migrated_template)

    async def fill() -> None:
        connection = await asyncpg.connect(database.dsn)
        await connection.execute(FILL)
        await connection.execute(request.param)
        await connection.close()

    asyncio.run(fill())
    yield database
    cluster_with_roles.drop_database(database)


@dataclass(frozen=True)
class Asked:
    statement: str
    parameters: tuple[Any, ...]


@pytest.fixture
async def engine(crowded: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(crowded.url_of(roles.APP))
    yield engine
    await engine.dispose()


@pytest.fixture
async def explaining(crowded: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(crowded.dsn)
    await connection.execute("SET ROLE skua_app")
    yield connection
    await connection.close()


@contextmanager
def listening(engine: AsyncEngine) -> Iterator[list[Asked]]:
    """What is asked of the platform's tables meanwhile."""
    heard: list[Asked] = []

    def hear(_: object, __: object, statement: str, parameters: Any, *_more: object) -> None:
        if "platform." in statement:
            heard.append(Asked(statement, tuple(parameters)))

    event.listen(engine.sync_engine, "before_cursor_execute", hear)
    yield heard
    event.remove(engine.sync_engine, "before_cursor_execute", hear)


async def plans(connection: asyncpg.Connection, asked: Asked) -> list[list[str]]:
    """Two, as lines: for these very values, and for any."""
    own = await connection.fetch(f"EXPLAIN (COSTS off) {asked.statement}", *asked.parameters)
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE asked AS {asked.statement}")
    # A generic plan is made before anything is known of the values.
    values = f"({', '.join(['NULL'] * len(asked.parameters))})" if asked.parameters else ""
    generic = await connection.fetch(f"EXPLAIN (COSTS off) EXECUTE asked{values}")
    await connection.execute("DEALLOCATE asked; RESET plan_cache_mode")
    return [[line[0] for line in plan] for plan in (own, generic)]


async def session_is_found(unit: AccountUnit) -> object:
    return await unit.sessions.live(HASH)


async def key_is_found(unit: AccountUnit) -> object:
    return await unit.api_keys.live(HASH)


async def device_is_found(unit: AccountUnit) -> object:
    return await unit.devices.find(USER_ID, HASH)


async def letters_are_taken(unit: AccountUnit) -> object:
    return await unit.outbox.take(limit=5, hold=60)


async def code_is_tried(unit: AccountUnit) -> object:
    return await unit.challenges.lock(HASH)


async def others_are_closed(unit: AccountUnit) -> object:
    await unit.challenges.close_others(ChallengePurpose.REGISTER, LOGIN)
    return True


async def account_is_found(unit: AccountUnit) -> object:
    return await unit.accounts.by_login(LOGIN, lock=True)


ASKED: dict[Callable[[AccountUnit], Awaitable[object]], list[str]] = {
    session_is_found: [r"sid_hash = ", r"id = sessions\.user_id", r"user_id = sessions\.user_id"],
    key_is_found: [r"secret_hash = ", r"id = api_keys\.user_id"],
    device_is_found: [r"user_id = .* AND \(token_hash = "],
    letters_are_taken: [r"due_at <= statement_timestamp\(\)", r"id = ANY"],
    code_is_tried: [r"handle_hash = "],
    others_are_closed: [r"login = .* AND \(purpose = "],
    account_is_found: [r"login = ", r"user_id = users\.id"],
}
"""With the conditions by which an index has to be entered."""


@pytest.mark.parametrize("ask", ASKED, ids=lambda ask: ask.__name__)
async def test_every_statement_enters_its_tables_by_an_index(
    ask: Callable[[AccountUnit], Awaitable[object]],
    engine: AsyncEngine,
    explaining: asyncpg.Connection,
) -> None:
    with listening(engine) as heard:
        async with PostgresAccountStorage(engine).unit() as unit:
            assert await ask(unit)

    for number in (0, 1):
        said = [(await plans(explaining, statement))[number] for statement in heard]
        conditions = [line for plan in said for line in plan if "Index Cond" in line]
        assert not [line for plan in said for line in plan if "Seq Scan" in line], said
        for condition in ASKED[ask]:
            assert any(re.search(condition, line) for line in conditions), said


async def test_links_of_a_user_are_found_by_their_index(
    engine: AsyncEngine, crowded: Database
) -> None:
    directory = PostgresPlatformStorage(engine, ids=Uuid7IdFactory())
    assert list(await directory.linked_to(USER_ID)) == [BotId(USER_ID)]

    connection = await asyncpg.connect(crowded.dsn)
    async with connection.transaction():
        await connection.execute("SET LOCAL ROLE skua_app")
        await connection.fetch("SELECT * FROM platform.chat_links_of($1)", USER_ID)
        [scans] = await connection.fetch(
            "SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'chat_links'"
        )
    await connection.close()

    assert tuple(scans) == (0, 1)


async def test_a_statement_without_its_index_would_show(explaining: asyncpg.Connection) -> None:
    by_name = Asked("SELECT id FROM platform.api_keys WHERE name = $1", ("key",))

    for plan in await plans(explaining, by_name):
        assert any("Seq Scan" in line for line in plan)
