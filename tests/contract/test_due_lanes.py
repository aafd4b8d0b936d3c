"""The sweep over all lanes reads indexes alone, however many deliveries wait."""

import asyncpg
import pytest

from tests.postgres_cluster import Database

pytestmark = pytest.mark.external

BOTS = 300
AUDIENCE = 50
# A third sends, some have rows in flight, put back, or replies that are due; the rest only waits.
FILL = f"""
    INSERT INTO platform.users VALUES (gen_random_uuid(), 'ana@example.com', now());
    INSERT INTO platform.bots
    SELECT gen_random_uuid(), 'slug-' || n, 'public-' || n, 'name', u.id, n, NULL, 'active', 'none',
           false, now(), now()
    FROM generate_series(1, {BOTS}) AS n, platform.users AS u;
    INSERT INTO platform.lanes (bot_id) SELECT id FROM platform.bots;
    INSERT INTO tenant.campaigns SELECT id, id, 'name', 1, now(), now() FROM platform.bots;
    INSERT INTO tenant.campaign_revisions SELECT id, id, 1, '', '', now() FROM platform.bots;
    INSERT INTO tenant.broadcasts
        (bot_id, id, campaign_id, revision, status, paid, created_at, changed_at)
    SELECT id, gen_random_uuid(), id, 1, CASE WHEN telegram_id % 3 = 0 THEN 'sending' ELSE 'paused'
           END, false, now(), now()
    FROM platform.bots;
    INSERT INTO tenant.deliveries
        (bot_id, source_id, position, subscriber_id, kind, status, due_at)
    SELECT b.bot_id, b.id, n, gen_random_uuid(),
           CASE WHEN n = 1 AND p.telegram_id % 10 = 1 THEN 'reply' ELSE 'broadcast'
           END::tenant.delivery_kind,
           CASE WHEN n = 2 AND p.telegram_id % 10 = 2 THEN 'in_flight' ELSE 'pending'
           END::tenant.delivery_status,
           CASE WHEN n IN (1, 3) THEN now() END
    FROM tenant.broadcasts AS b JOIN platform.bots AS p ON p.id = b.bot_id,
         generate_series(1, {AUDIENCE}) AS n
"""  # noqa: S608 - numbers of ours
ROWS = BOTS * AUDIENCE
ROWS_READ = """
    SELECT coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)::int
    FROM pg_stat_xact_user_tables WHERE relname LIKE 'deliveries%'
"""


async def sweep(database: Database, *preparations: str) -> tuple[int, int]:
    """How many lanes are due, and how many deliveries were read to know that."""
    connection = await asyncpg.connect(database.dsn)
    for statement in preparations:
        await connection.execute(statement)
    # The server sums up a connection's counts from time to time; a new one begins at zero.
    await connection.close()
    connection = await asyncpg.connect(database.dsn)
    async with connection.transaction():
        await connection.execute("SET LOCAL ROLE skua_app")
        due = await connection.fetch("SELECT platform.due_lanes(100000, '20 s', '5 s')")
        await connection.fetch("SELECT platform.unserved_broadcasts('10 min', '5 s')")
        read = await connection.fetchval(ROWS_READ)
    await connection.close()
    return len(due), read


@pytest.mark.parametrize("statistics", ["SELECT 1", "VACUUM ANALYZE"], ids=["none", "fresh"])
async def test_a_sweep_reads_what_is_due_and_little_else(
    statistics: str, own_database: Database
) -> None:
    due, read = await sweep(own_database, FILL, statistics)

    expected = {n for n in range(1, BOTS + 1) if n % 3 == 0 or n % 10 in {1, 2}}
    assert due == len(expected)
    assert read < ROWS / 50


@pytest.mark.parametrize("index", ["direct", "in_flight"])
async def test_without_an_index_it_would_show(index: str, own_database: Database) -> None:
    _, read = await sweep(own_database, FILL, f"DROP INDEX tenant.deliveries_{index}")

    assert read > ROWS / 2
