"""Settings for a server and a worker beside a migrated database."""

import pytest

from skua_adapters._sql import roles
from tests.contract.database import cluster_with_roles, migrated_database, migrated_template
from tests.e2e.cli.house import House
from tests.postgres_cluster import Database

__all__ = ["cluster_with_roles", "migrated_database", "migrated_template"]


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory, migrated_database: Database) -> House:
    return House(tmp_path_factory.mktemp("mail")).with_settings(
        SKUA_DATABASE_URL=migrated_database.url_of(roles.APP),
        WEB_SECRET_KEY="a passphrase for these tests",
        SKUA_PUBLIC_URL="https://skua.example",
    )
