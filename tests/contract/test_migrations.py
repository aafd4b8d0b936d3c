"""The migration chain, and the mapped tables beside it."""

import asyncio
import re
import traceback
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.migrations import current_and_head, downgrade, head_version, migrate
from skua_adapters._sql.partitions import ensure_partitions
from skua_adapters._sql.tables import PlatformBase, TenantBase
from skua_core.errors import StorageUnavailable, StorageUnfit
from tests.contract.database import make_roles
from tests.postgres_cluster import Database, PostgresCluster

pytestmark = pytest.mark.external

MIGRATION_LOCK = 0x736B7561
MONTHLY_TABLES = 6  # the audit log is one of them

PARTITION = re.compile(r"_(\d{4}_\d{2}|default)$")

EVERYTHING = """
    SELECT 'table ' || c.oid::regclass || ' ' || a.attname || ' ' ||
           format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' ||
           coalesce(pg_get_expr(d.adbin, d.adrelid), '') || ' ' || coalesce(a.attacl::text, '')
           || ' ' || c.relrowsecurity || c.relforcerowsecurity || coalesce(c.relacl::text, '')
    FROM pg_class c JOIN pg_attribute a
        ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname = ANY($1))
    UNION ALL
    SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace IN (SELECT oid FROM pg_namespace WHERE nspname = ANY($1))
    UNION ALL
    SELECT 'policy ' || polrelid::regclass || ' ' || polname || ' ' || polroles::regrole[]::text
           || pg_get_expr(polqual, polrelid) FROM pg_policy
    UNION ALL
    SELECT 'function ' || oid::regprocedure || ' ' || proowner::regrole || ' ' || md5(prosrc)
           || coalesce(proconfig::text, '') || coalesce(proacl::text, '')
    FROM pg_proc WHERE pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname = ANY($1))
    UNION ALL
    SELECT 'trigger ' || tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'schema ' || nspname || ' ' || nspowner::regrole || ' ' || coalesce(nspacl::text, '')
    FROM pg_namespace WHERE nspname = ANY($1)
    ORDER BY 1
"""


@pytest.fixture
def empty_database(cluster_with_roles: PostgresCluster) -> Iterator[Database]:
    """With the roles and without a table."""
    database = cluster_with_roles.create_database()
    asyncio.run(make_roles(cluster_with_roles, database))
    yield database
    cluster_with_roles.drop_database(database)


async def fetch(database: Database, statement: str, *arguments: Any) -> list[Any]:
    connection = await asyncpg.connect(database.dsn)
    try:
        return [row[0] for row in await connection.fetch(statement, *arguments)]
    finally:
        await connection.close()


async def shape(database: Database) -> list[str]:
    return await fetch(database, EVERYTHING, ["tenant", "platform", "audit"])


async def test_up_down_and_up_again_end_in_the_same_place(empty_database: Database) -> None:
    owner = empty_database.url_of(roles.OWNER)
    await migrate(owner)
    first = await shape(empty_database)

    await downgrade(owner, "base")
    nothing = await shape(empty_database)
    await migrate(owner)

    assert await shape(empty_database) == first
    assert not [line for line in nothing if "alembic_version" not in line and "schema " not in line]
    assert not [line for line in nothing if line.startswith(("schema tenant", "schema audit"))]
    assert [line for line in nothing if line.startswith("schema platform")]


async def test_every_single_step_can_be_taken_back_and_forth(empty_database: Database) -> None:
    owner = empty_database.url_of(roles.OWNER)
    await migrate(owner)
    newest = int(head_version())
    first = await shape(empty_database)

    for version in reversed(range(1, newest)):
        await downgrade(owner, f"{version:04}")
        assert await current_and_head(owner) == (f"{version:04}", f"{newest:04}")
    await migrate(owner)

    assert await shape(empty_database) == first


async def test_a_database_of_a_newer_skua_is_left_alone(own_database: Database) -> None:
    await fetch(own_database, "UPDATE platform.alembic_version SET version_num = '9999'")
    before = await shape(own_database)

    with pytest.raises(StorageUnfit, match=r"a newer Skua brought it to version 9999, .* update"):
        await migrate(own_database.url_of(roles.OWNER))

    assert await shape(own_database) == before


async def test_a_migrated_database_needs_no_leave_to_create_schemas(own_database: Database) -> None:
    """As after a restore into a database that somebody else made."""
    may = "SELECT has_database_privilege('skua_owner', current_database(), 'CREATE')"
    assert await fetch(own_database, may) == [False]

    await migrate(own_database.url_of(roles.OWNER))


async def test_migrating_again_changes_nothing(empty_database: Database) -> None:
    owner = empty_database.url_of(roles.OWNER)
    await migrate(owner)
    first = await shape(empty_database)

    await migrate(owner)

    assert await shape(empty_database) == first


async def test_the_version_of_an_empty_database_is_none(empty_database: Database) -> None:
    assert await current_and_head(empty_database.url_of(roles.OWNER)) == (None, head_version())


async def test_the_application_may_ask_for_the_version(migrated_database: Database) -> None:
    app = migrated_database.url_of(roles.APP)

    assert await current_and_head(app) == (head_version(), head_version())


async def test_three_migrations_at_once_all_end_well(empty_database: Database) -> None:
    owner = empty_database.url_of(roles.OWNER)

    await asyncio.gather(migrate(owner), migrate(owner), migrate(owner))

    assert await current_and_head(owner) == (head_version(), head_version())


async def test_one_that_waits_holds_no_snapshot(empty_database: Database) -> None:
    """CREATE INDEX CONCURRENTLY of the migration that runs would wait for its end."""
    connection = await asyncpg.connect(empty_database.dsn)
    await connection.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
    waiting = asyncio.create_task(migrate(empty_database.url_of(roles.OWNER)))

    # It asks again and again: most of the time it is idle, and holds nothing.
    async with asyncio.timeout(10):
        while await _states_of_owner(connection) != ["idle"]:  # noqa: ASYNC110 - seen from outside only
            await asyncio.sleep(0.02)
    await connection.close()
    await waiting


async def _states_of_owner(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "SELECT state FROM pg_stat_activity"
        " WHERE usename = 'skua_owner' AND datname = current_database()"
    )
    return [row["state"] for row in rows]


async def test_a_migration_that_never_ends_is_named(empty_database: Database) -> None:
    connection = await asyncpg.connect(empty_database.dsn)
    await connection.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")

    with pytest.raises(StorageUnavailable, match="another migration is running"):
        await migrate(empty_database.url_of(roles.OWNER), wait=0.2)

    await connection.close()


async def test_only_the_owner_migrates(empty_database: Database) -> None:
    with pytest.raises(StorageUnfit, match="migrations run as skua_owner, not as skua_app"):
        await migrate(empty_database.url_of(roles.APP))


async def test_an_installation_without_roles_is_told_how_to_get_them(
    cluster_with_roles: PostgresCluster, empty_database: Database
) -> None:
    await fetch(empty_database, "ALTER ROLE skua_backup RENAME TO skua_backup_away")
    try:
        with pytest.raises(StorageUnfit, match=r"no role skua_backup; run `skua migrate --create"):
            await migrate(empty_database.url_of(roles.OWNER))
    finally:
        await fetch(empty_database, "ALTER ROLE skua_backup_away RENAME TO skua_backup")
        # Renaming forgets a password that was hashed with the name.
        await make_roles(cluster_with_roles, empty_database)


async def test_an_unknown_server_is_unavailable() -> None:
    with pytest.raises(StorageUnavailable, match="no connection"):
        await migrate("postgresql://skua_owner:secret@127.0.0.1:1/skua")


async def test_a_wrong_password_never_shows(empty_database: Database) -> None:
    wrong = empty_database.url_of(roles.OWNER).replace("skua_owner:", "skua_owner:wrong-")

    with pytest.raises(StorageUnfit) as refused:
        await migrate(wrong)

    assert "refuses this role or its password" in str(refused.value)
    assert "wrong-" not in "".join(traceback.format_exception(refused.value))


async def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(StorageUnfit, match="must begin with postgresql://"):
        await migrate("mysql://skua@localhost/skua")


async def test_the_mapped_tables_are_those_of_the_migrations(migrated_database: Database) -> None:
    assert await differences(migrated_database) == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE tenant.subscribers DROP COLUMN source",
        "ALTER TABLE tenant.campaigns ADD COLUMN colour text",
        "ALTER TABLE tenant.deliveries ALTER COLUMN epoch TYPE integer",
        "ALTER TABLE platform.bots ALTER COLUMN name DROP NOT NULL",
        "DROP INDEX platform.bots_telegram_id",
        "CREATE TABLE tenant.notes (bot_id uuid)",
    ],
)
async def test_a_mapped_table_that_differs_would_show(
    statement: str, own_database: Database
) -> None:
    await fetch(own_database, statement)

    assert await differences(own_database) != []


async def differences(database: Database) -> list[Any]:
    engine = create_engine(database.url)
    async with engine.connect() as connection:
        found: list[Any] = await connection.run_sync(_differences)
    await engine.dispose()
    return found


def _differences(connection: Connection) -> list[Any]:
    def is_ours(name: str | None, kind: str, _: Any) -> bool:
        if kind == "schema":
            return name in {"tenant", "platform"}
        if kind == "table":
            return name != "alembic_version" and not PARTITION.search(str(name))
        return True

    context = MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "include_name": is_ours,
            "compare_server_default": False,
            "version_table_schema": "platform",
        },
    )
    both = [PlatformBase.metadata, TenantBase.metadata]
    return list(compare_metadata(context, both))  # type: ignore[arg-type] # several are allowed


async def test_roles_can_be_made_again(
    cluster_with_roles: PostgresCluster, empty_database: Database
) -> None:
    await make_roles(cluster_with_roles, empty_database)

    memberships = await fetch(
        empty_database,
        "SELECT roleid::regrole::text FROM pg_auth_members"
        " WHERE member = 'skua_owner'::regrole ORDER BY 1",
    )
    assert memberships == ["skua_audit", "skua_clock"]


async def test_a_role_that_may_not_make_roles_is_told_so(empty_database: Database) -> None:
    with pytest.raises(StorageUnfit, match=r"the roles can't be made .*; use a superuser, or"):
        await roles.create_roles(empty_database.url_of(roles.APP), {roles.OWNER: "taken over"})


async def test_a_database_into_which_nobody_let_the_owner_is_told_so(
    cluster_with_roles: PostgresCluster,
) -> None:
    database = cluster_with_roles.create_database()
    try:
        with pytest.raises(StorageUnfit, match="skua_owner may make nothing in it; run `skua"):
            await migrate(database.url_of(roles.OWNER))
    finally:
        cluster_with_roles.drop_database(database)


async def test_a_managed_server_s_administrator_can_make_them(
    cluster_with_roles: PostgresCluster,
) -> None:
    """No superuser, but one that may create roles and owns the database."""
    database = cluster_with_roles.create_database()
    names = {name: f"{name}_kept" for name in roles.ALL}
    for name, kept in names.items():
        await fetch(database, f"ALTER ROLE {name} RENAME TO {kept}")
    password = cluster_with_roles.role_password("manager")
    await fetch(database, f"CREATE ROLE manager LOGIN CREATEROLE PASSWORD '{password}'")
    await fetch(database, f'ALTER DATABASE "{database.name}" OWNER TO manager')
    try:
        passwords = {role: cluster_with_roles.role_password(role) for role in roles.LOGINS}
        await roles.create_roles(database.url_of("manager"), passwords)
        await roles.create_roles(database.url_of("manager"), passwords)
        await migrate(database.url_of(roles.OWNER))
        version = await current_and_head(database.url_of(roles.APP))
    finally:
        cluster_with_roles.drop_database(database)
        scratch = cluster_with_roles.create_database()
        for name, kept in names.items():
            await fetch(scratch, f"DROP ROLE IF EXISTS {name}")
            await fetch(scratch, f"ALTER ROLE {kept} RENAME TO {name}")
        await fetch(scratch, "DROP ROLE manager")
        await make_roles(cluster_with_roles, scratch)
        cluster_with_roles.drop_database(scratch)

    assert version == (head_version(), head_version())


@pytest.mark.parametrize("password", ["pass\u00adword", "", "line\nbreak"])
async def test_a_password_that_two_programs_would_read_differently_is_refused(
    password: str, empty_database: Database
) -> None:
    with pytest.raises(StorageUnfit, match="password of skua_app must be printable ASCII"):
        await roles.create_roles(empty_database.url, {roles.APP: password})


async def test_partitions_are_made_some_months_ahead(own_database: Database) -> None:
    made = await make_partitions(own_database, 5)
    again = await make_partitions(own_database, 5)

    assert (made, again) == (2 * MONTHLY_TABLES, 0)


async def test_a_month_whose_rows_are_in_the_default_partition_stays_there(
    own_database: Database,
) -> None:
    await fetch(
        own_database,
        "INSERT INTO tenant.deliveries (bot_id, source_id, position, subscriber_id, kind)"
        " SELECT gen_random_uuid(), tenant.first_id(date_trunc('month', now() AT TIME ZONE 'UTC')"
        " + interval '5 months'), 1, gen_random_uuid(), 'broadcast'",
    )

    made = await make_partitions(own_database, 6)

    assert made == 3 * MONTHLY_TABLES - 1
    assert await fetch(own_database, "SELECT tableoid::regclass::text FROM tenant.deliveries") == [
        "tenant.deliveries_default"
    ]


async def make_partitions(database: Database, months_ahead: int) -> int:
    engine = create_engine(database.url_of(roles.APP))
    async with engine.connect() as connection:
        made = await ensure_partitions(connection, months_ahead)
    await engine.dispose()
    return made
