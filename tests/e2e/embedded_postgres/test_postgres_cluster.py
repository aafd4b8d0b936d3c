"""The cluster that the other suites lean on."""

import asyncpg
import pytest

from tests.postgres_cluster import Database, PostgresCluster

pytestmark = pytest.mark.external


async def test_each_test_has_an_empty_database(postgres_database: Database) -> None:
    connection = await asyncpg.connect(postgres_database.dsn)

    tables = await connection.fetchval(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    )
    await connection.close()

    assert tables == 0


async def test_a_database_can_be_a_copy_of_another(postgres_cluster: PostgresCluster) -> None:
    template = postgres_cluster.create_database()
    connection = await asyncpg.connect(template.dsn)
    await connection.execute("CREATE TABLE bird (name text); INSERT INTO bird VALUES ('skua')")
    await connection.close()

    copy = postgres_cluster.create_database(template.name)
    connection = await asyncpg.connect(copy.dsn)
    names = await connection.fetchval("SELECT array_agg(name) FROM bird")
    postgres_cluster.drop_database(copy)
    postgres_cluster.drop_database(template)

    assert names == ["skua"]
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await connection.fetchval("SELECT 1")
    connection.terminate()
