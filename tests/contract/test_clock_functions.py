"""What looks over all bots tells ids and nothing else, to those alone who need it."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from tests.postgres_cluster import Database

pytestmark = [pytest.mark.external, pytest.mark.promise("P10")]

CALLERS = {
    "platform.due_lanes(integer,interval,interval)": {"skua_app"},
    "platform.unserved_broadcasts(interval,interval)": {"skua_app"},
    "platform.broadcasts_to_archive(integer,uuid,integer)": {"skua_app"},
    "platform.month_is_done(uuid,uuid)": {"skua_owner"},
    "platform.chat_links_of(uuid)": {"skua_app"},
}


@pytest.fixture
async def superuser(migrated_database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(migrated_database.dsn)
    yield connection
    await connection.close()


async def test_these_are_all_that_look_over_all_bots(superuser: asyncpg.Connection) -> None:
    found = await superuser.fetch(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE proowner = 'skua_clock'::regrole"
    )

    assert {row[0] for row in found} == set(CALLERS)


@pytest.mark.parametrize("function", CALLERS)
async def test_nobody_else_may_call_it(function: str, superuser: asyncpg.Connection) -> None:
    allowed = await superuser.fetch(
        "SELECT r.rolname FROM pg_roles AS r WHERE NOT r.rolsuper AND r.rolname LIKE 'skua%'"
        " AND r.rolname <> 'skua_clock'"
        " AND has_function_privilege(r.oid, $1::text::regprocedure, 'EXECUTE')",
        function,
    )
    everybody = await superuser.fetchval(
        "SELECT count(*) FROM pg_proc, aclexplode(proacl) AS acl"
        " WHERE pg_proc.oid = $1::text::regprocedure AND acl.grantee = 0",
        function,
    )

    assert {row[0] for row in allowed} == CALLERS[function]
    assert everybody == 0


@pytest.mark.parametrize("function", CALLERS)
async def test_it_tells_ids_or_yes_and_no(function: str, superuser: asyncpg.Connection) -> None:
    told = await superuser.fetchval(
        "SELECT coalesce((SELECT array_agg(format_type(kind, NULL))"
        " FROM unnest(proallargtypes, proargmodes) AS argument (kind, mode) WHERE mode = 't'),"
        " ARRAY[format_type(prorettype, NULL)])"
        " FROM pg_proc WHERE oid = $1::text::regprocedure",
        function,
    )

    assert set(told) <= {"uuid", "boolean"}


async def test_whose_links_are_where_is_told_and_no_link_itself(
    superuser: asyncpg.Connection,
) -> None:
    ana, ben, bots = uuid4(), uuid4(), sorted(uuid4() for _ in range(3))
    for bot_id, user_id in zip(bots, (ana, ben, ana), strict=True):
        await superuser.execute(
            "INSERT INTO tenant.chat_links (bot_id, user_id, fingerprint) VALUES ($1, $2, $3)",
            bot_id,
            user_id,
            b"of a code",
        )

    await superuser.execute("SET ROLE skua_app")
    found = await superuser.fetch("SELECT * FROM platform.chat_links_of($1)", ana)
    rows = await superuser.fetch("SELECT * FROM tenant.chat_links")
    await superuser.execute("SET ROLE skua_clock")

    assert [tuple(row) for row in found] == [(bots[0],), (bots[2],)]
    assert rows == []
    for column in ("fingerprint", "expires_at", "subscriber_id", "linked_at"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await superuser.fetch(f"SELECT {column} FROM tenant.chat_links")  # noqa: S608 - a column
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await superuser.execute("DELETE FROM tenant.chat_links")
