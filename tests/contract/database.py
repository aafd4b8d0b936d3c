"""Databases as the migrations make them, one for each module of tests that asks.

Roles belong to the cluster; their passwords are the cluster's own, so that
``database.url_of("skua_app")`` logs in.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.migrations import migrate
from tests.postgres_cluster import Database, PostgresCluster


@pytest.fixture(scope="session")
def cluster_with_roles(postgres_cluster: PostgresCluster) -> PostgresCluster:
    database = postgres_cluster.create_database()
    asyncio.run(make_roles(postgres_cluster, database))
    postgres_cluster.drop_database(database)
    return postgres_cluster


@pytest.fixture(scope="session")
def migrated_template(cluster_with_roles: PostgresCluster) -> str:
    """Name of a migrated database that nobody is connected to."""
    database = cluster_with_roles.create_database()
    asyncio.run(make_roles(cluster_with_roles, database))
    asyncio.run(migrate(database.url_of(roles.OWNER)))
    return database.name


@pytest.fixture(scope="module")
def migrated_database(
    cluster_with_roles: PostgresCluster, migrated_template: str
) -> Iterator[Database]:
    """Migrated and empty at first; the tests of one module share it."""
    database = cluster_with_roles.create_database(migrated_template)
    yield database
    cluster_with_roles.drop_database(database)


@pytest.fixture
def own_database(cluster_with_roles: PostgresCluster, migrated_template: str) -> Iterator[Database]:
    """Migrated and empty, for this test alone: it may do to it what it likes."""
    database = cluster_with_roles.create_database(migrated_template)
    yield database
    cluster_with_roles.drop_database(database)


@pytest.fixture
async def app_engine(migrated_database: Database) -> AsyncIterator[AsyncEngine]:
    """As the application; a test that keeps a connection to itself fails."""
    engine = create_engine(migrated_database.url_of(roles.APP))
    yield engine
    pool = engine.sync_engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.checkedout() == 0
    await engine.dispose()


async def make_roles(cluster: PostgresCluster, database: Database) -> None:
    passwords = {role: cluster.role_password(role) for role in roles.LOGINS}
    await roles.create_roles(database.url, passwords)
