"""Settings for a server beside a migrated database, and a certificate."""

from collections.abc import Iterator

import pytest

from skua_adapters._sql import roles
from tests.contract.database import cluster_with_roles, migrated_database, migrated_template
from tests.e2e.cli.house import House
from tests.e2e.serving.rig import Certificate, Server, make_certificate, serving
from tests.postgres_cluster import Database

__all__ = ["cluster_with_roles", "migrated_database", "migrated_template"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, migrated_database: Database) -> House:
    return House(tmp_path_factory.mktemp("serving")).with_settings(
        SKUA_DATABASE_URL=migrated_database.url_of(roles.APP),
        WEB_SECRET_KEY="a passphrase for these tests",
        SKUA_PUBLIC_URL="https://skua.example",
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "skua")


@pytest.fixture(scope="module")
def https(house: House, certificate: Certificate) -> Iterator[Server]:
    """One for all tests of a module that leave it as it is."""
    with serving(house, certificate=certificate) as server:
        yield server
