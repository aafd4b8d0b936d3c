"""The boot check: Skua refuses a database in which a lock is open."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from skua_adapters._sql import roles
from skua_adapters._sql.boot_check import check_storage
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.migrations import downgrade, migrate
from skua_adapters._sql.migrations.runner import head_version
from skua_adapters.embedded_postgres import SUPERUSER
from skua_core.errors import StorageUnavailable, StorageUnfit
from tests.contract.database import make_roles
from tests.postgres_cluster import Database, PostgresCluster

pytestmark = [pytest.mark.external, pytest.mark.promise("P10")]


async def problems(database: Database, role: str = roles.APP) -> tuple[str, ...]:
    """What the check says; nothing when the database is fit."""
    engine = create_engine(database.url_of(role))
    try:
        await check_storage(engine)
    except StorageUnfit as error:
        return error.problems
    finally:
        await engine.dispose()
    return ()


async def change(database: Database, *statements: str) -> None:
    connection = await asyncpg.connect(database.dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_migrated_database_is_fit(migrated_database: Database) -> None:
    assert await problems(migrated_database) == ()


TENANT_TABLE = "CREATE TABLE tenant.notes (bot_id uuid NOT NULL, id uuid, PRIMARY KEY (bot_id, id))"


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (TENANT_TABLE, "row security of tenant.notes is off"),
        (TENANT_TABLE, "tenant.notes has no policy one_bot"),
        (TENANT_TABLE, "tenant.notes has no policy backup"),
        (
            f"{TENANT_TABLE}; ALTER TABLE tenant.notes ENABLE ROW LEVEL SECURITY",
            "row security of tenant.notes is not forced upon its owner",
        ),
        (
            "CREATE TABLE tenant.notes (id uuid)",
            "tenant.notes has no bot_id, or one that may be missing",
        ),
        (
            "ALTER TABLE tenant.subscribers DISABLE ROW LEVEL SECURITY",
            "row security of tenant.subscribers is off",
        ),
        (
            "ALTER TABLE tenant.deliveries_default NO FORCE ROW LEVEL SECURITY",
            "row security of tenant.deliveries_default is not forced upon its owner",
        ),
        (
            "ALTER TABLE tenant.direct_messages_default DISABLE ROW LEVEL SECURITY",
            "row security of tenant.direct_messages_default is off",
        ),
        (
            (
                "CREATE TABLE tenant.updates_2019_01 PARTITION OF tenant.updates"
                " FOR VALUES FROM ('2019-01-01') TO ('2019-02-01')"
            ),
            "row security of tenant.updates_2019_01 is off",
        ),
        (
            "GRANT SELECT ON tenant.updates_set_aside_default TO skua_app",
            "skua_app may reach tenant.updates_set_aside_default past its parent",
        ),
        (
            "DROP POLICY one_bot ON tenant.updates",
            "tenant.updates has no policy one_bot",
        ),
        (
            "ALTER POLICY one_bot ON tenant.updates USING (true)",
            "policy one_bot of tenant.updates was changed",
        ),
        (
            "ALTER POLICY one_bot ON tenant.updates WITH CHECK (true)",
            "policy one_bot of tenant.updates was changed",
        ),
        (
            "ALTER POLICY backup ON tenant.updates TO skua_backup, skua_app",
            "policy backup of tenant.updates was changed",
        ),
        (
            "CREATE POLICY extra ON tenant.updates TO skua_app USING (true)",
            "tenant.updates has a policy extra that Skua didn't make",
        ),
        (
            "CREATE UNIQUE INDEX notes_everywhere ON tenant.campaigns (name)",
            "unique index tenant.notes_everywhere doesn't begin with bot_id",
        ),
        (
            (
                "ALTER TABLE tenant.campaigns ADD CONSTRAINT astray FOREIGN KEY (id)"
                " REFERENCES platform.users (id)"
            ),
            "foreign key astray of tenant.campaigns doesn't begin with bot_id",
        ),
        (
            "GRANT TRUNCATE ON tenant.updates TO skua_app",
            "skua_app may truncate tenant.updates",
        ),
        (
            "GRANT TRIGGER ON tenant.updates TO PUBLIC",
            "skua_app may trigger tenant.updates",
        ),
        (
            "GRANT UPDATE ON tenant.campaigns TO skua_app",
            "skua_app may move rows of tenant.campaigns to another bot",
        ),
        (
            "GRANT SELECT ON tenant.deliveries_default TO skua_app",
            "skua_app may reach tenant.deliveries_default past its parent",
        ),
        (
            "GRANT CREATE ON SCHEMA tenant TO skua_app",
            "skua_app may create things in schema tenant",
        ),
        (
            "GRANT DELETE ON audit.entries TO skua_app",
            "skua_app may reach audit.entries past its functions",
        ),
        (
            "GRANT SELECT (actor) ON audit.entries_default TO skua_app",
            "skua_app may reach audit.entries_default past its functions",
        ),
        (
            "CREATE VIEW public.all_names AS SELECT first_name FROM tenant.subscribers",
            "view all_names shows tenant rows with the rights of its owner",
        ),
        (
            "CREATE MATERIALIZED VIEW tenant.names AS SELECT first_name FROM tenant.subscribers",
            "tenant.names is not a table",
        ),
        (
            (
                "CREATE FUNCTION tenant.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
                " AS 'SELECT count(*) FROM tenant.subscribers'"
            ),
            "function tenant.peek() runs as skua_superuser and is not one of Skua's",
        ),
        (
            (
                "CREATE FUNCTION public.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
                " AS 'SELECT count(*) FROM tenant.subscribers'"
            ),
            "function public.peek() runs as skua_superuser and is not one of Skua's",
        ),
        (
            "ALTER FUNCTION audit.head() OWNER TO skua_superuser",
            "function audit.head() runs as skua_superuser and is not one of Skua's",
        ),
        (
            "ALTER FUNCTION audit.head() RESET search_path",
            "function audit.head() doesn't pin its search_path",
        ),
        (
            "CREATE TABLE platform.subscriber_copies (bot_id uuid)",
            "platform.subscriber_copies is not one of the tables that may be without row security",
        ),
    ],
)
async def test_an_open_lock_is_found(statement: str, problem: str, own_database: Database) -> None:
    await change(own_database, statement)

    assert problem in await problems(own_database)


async def test_a_view_that_looks_as_whoever_asks_is_fine(own_database: Database) -> None:
    await change(
        own_database,
        "CREATE VIEW public.names WITH (security_invoker=true) AS"
        " SELECT first_name FROM tenant.subscribers",
    )

    assert await problems(own_database) == ()


# Roles belong to the cluster: what a test does to them it takes back.


@pytest.fixture
async def app_s_powers(migrated_database: Database) -> AsyncIterator[Database]:
    yield migrated_database
    await change(
        migrated_database,
        "REVOKE skua_owner, skua_clock, skua_audit, skua_backup FROM skua_app",
        "ALTER ROLE skua_app NOSUPERUSER NOBYPASSRLS NOCREATEROLE",
        "ALTER ROLE skua_clock NOLOGIN NOBYPASSRLS",
    )


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("ALTER ROLE skua_app BYPASSRLS", "reached as skua_app, which bypasses row security"),
        ("ALTER ROLE skua_app SUPERUSER", "reached as skua_app, which is a superuser"),
        ("ALTER ROLE skua_app CREATEROLE", "reached as skua_app, which may create roles"),
        ("GRANT skua_owner TO skua_app", "a member of skua_owner, which owns Skua's tables"),
        ("GRANT skua_audit TO skua_app", "a member of skua_audit, which owns Skua's tables"),
        ("GRANT skua_clock TO skua_app", "a member of skua_clock, which sees the rows of every"),
        ("GRANT skua_backup TO skua_app", "a member of skua_backup, which sees the rows of every"),
    ],
)
async def test_a_role_that_could_bypass_a_lock_is_refused(
    statement: str, told: str, app_s_powers: Database
) -> None:
    await change(app_s_powers, statement)

    found = await problems(app_s_powers)

    assert any(told in problem for problem in found)
    assert all("connect as skua_app, a member of no such role" in problem for problem in found)


async def test_membership_over_a_third_role_counts(app_s_powers: Database) -> None:
    await change(
        app_s_powers,
        "CREATE ROLE between NOINHERIT",
        "GRANT skua_backup TO between",
        "GRANT between TO skua_app",
    )
    try:
        found = await problems(app_s_powers)
    finally:
        await change(app_s_powers, "DROP ROLE between")

    assert [problem for problem in found if "a member of skua_backup" in problem]


@pytest.mark.parametrize(
    ("role", "told"),
    [
        (roles.OWNER, "which owns Skua's tables"),
        (roles.BACKUP, "which sees the rows of every bot"),
        (SUPERUSER, "which is a superuser"),
    ],
)
async def test_only_the_application_s_role_may_serve(
    role: str, told: str, migrated_database: Database
) -> None:
    found = await problems(migrated_database, role)

    assert f"it is reached as {role}" in found[0]
    assert any(told in problem for problem in found)


async def test_a_role_without_any_rows_is_told_which_to_use(
    cluster_with_roles: PostgresCluster, migrated_database: Database
) -> None:
    password = cluster_with_roles.role_password("stranger")
    await change(migrated_database, f"CREATE ROLE stranger LOGIN PASSWORD '{password}'")
    try:
        found = await problems(migrated_database, "stranger")
    finally:
        await change(migrated_database, "DROP ROLE stranger")

    assert found == ("it is reached as stranger, for whom no row is meant: connect as skua_app",)


async def test_a_login_for_the_clock_is_refused(app_s_powers: Database) -> None:
    await change(app_s_powers, "ALTER ROLE skua_clock LOGIN BYPASSRLS")

    assert await problems(app_s_powers) == (
        "role skua_clock could bypass row security",
        "role skua_clock may log in, and must not",
    )


# Versions


async def test_a_database_that_is_behind_says_how_far(
    cluster_with_roles: PostgresCluster, own_database: Database
) -> None:
    owner = own_database.url_of(roles.OWNER)
    await make_roles(cluster_with_roles, own_database)
    await downgrade(owner, "0004")

    found = await problems(own_database)
    await migrate(owner)

    needed = f"it is at version 0004, this program needs {head_version()}; run `skua migrate`"
    assert found == (needed,)
    assert await problems(own_database) == ()


async def test_a_database_of_a_newer_skua_is_refused(own_database: Database) -> None:
    await change(own_database, "UPDATE platform.alembic_version SET version_num = '9999'")

    assert await problems(own_database) == (
        f"a newer Skua brought it to version 9999, this one knows {head_version()}; update Skua",
    )


async def test_an_empty_database_is_told_from_a_fit_one(
    cluster_with_roles: PostgresCluster,
) -> None:
    database = cluster_with_roles.create_database()
    try:
        found = await problems(database)
    finally:
        cluster_with_roles.drop_database(database)

    assert found == ("it has no tables of Skua's; run `skua migrate`",)


async def test_a_database_that_is_down_is_unavailable() -> None:
    engine = create_engine("postgresql://skua_app:secret@127.0.0.1:1/skua", connect_timeout=1)
    try:
        with pytest.raises(StorageUnavailable, match="no connection"):
            await check_storage(engine)
    finally:
        await engine.dispose()
