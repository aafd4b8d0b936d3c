"""Fixtures for the suite over the whole application."""

import base64
from collections.abc import AsyncIterator

import pytest
from dishka import Provider, Scope

from skua_adapters._sql import roles
from skua_adapters.password_hasher.bcrypt import BcryptPasswordHasher
from skua_app.container import QueueKind, make_container
from skua_app.settings import Settings
from skua_app.web import HttpProvider, http_settings
from skua_core.ports.password_hasher import PasswordHasher
from skua_http.app import create_app
from tests.contract.http.house import House
from tests.postgres_cluster import Database

KEY = "k1:" + base64.urlsafe_b64encode(bytes(range(32))).decode()


class QuickHashes(Provider):
    """The real hasher at the lowest cost: what takes long by design is tried elsewhere."""

    scope = Scope.APP

    def __init__(self) -> None:
        super().__init__()
        self.provide(lambda: BcryptPasswordHasher(cost=4), provides=PasswordHasher)


def settings_for(database: Database) -> Settings:
    return Settings(
        web_secret_key=KEY,
        skua_database_url=database.url_of(roles.APP),
        skua_public_url="https://skua.example",
    )


@pytest.fixture
async def house(migrated_database: Database) -> AsyncIterator[House]:
    settings = settings_for(migrated_database)
    container = make_container(
        settings, queue=QueueKind.IN_PROCESS, more=(HttpProvider(), QuickHashes())
    )
    yield House(create_app(container, http_settings(settings)), container, migrated_database)
    await container.close()
