"""Fixtures for the suite over the whole application."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest
import uvicorn
from dishka import Provider, Scope, provide

from skua_adapters._sql import roles
from skua_adapters.password_hasher.bcrypt import BcryptPasswordHasher
from skua_app.container import QueueKind, make_container
from skua_app.settings import Settings
from skua_app.web import HttpProvider, http_settings
from skua_core.domain.limits import Bucket, Limits
from skua_core.ports.password_hasher import PasswordHasher
from skua_http.app import create_app
from skua_http.networks import parse_proxies
from tests.contract.http.house import House, ServedHouse
from tests.postgres_cluster import Database

KEY = "k1:" + base64.urlsafe_b64encode(bytes(range(32))).decode()


class QuickHashes(Provider):
    """The real hasher at its lowest cost: what takes long by design is tried where it is meant."""

    scope = Scope.APP

    @provide
    def hasher(self) -> Iterator[PasswordHasher]:
        hasher = BcryptPasswordHasher(cost=4)
        yield hasher
        hasher.close()


def settings_for(database: Database) -> Settings:
    return Settings(
        web_secret_key=KEY,
        skua_database_url=database.url_of(roles.APP),
        skua_public_url="https://skua.example",
        skua_trusted_proxies=parse_proxies("127.0.0.1"),
    )


def without_limits(settings: Settings) -> Settings:
    """So that nothing but the database stands between many tries and their budget."""
    wide = {
        name: Bucket(getattr(settings.limits, name).name, 100_000, 0.001)
        for name in Limits.__struct_fields__
    }
    return msgspec.structs.replace(settings, limits=Limits(**wide))


@asynccontextmanager
async def a_house(
    database: Database, settings: Settings, *, more: tuple[Provider, ...] = (QuickHashes(),)
) -> AsyncIterator[House]:
    container = make_container(settings, queue=QueueKind.IN_PROCESS, more=(HttpProvider(), *more))
    yield House(create_app(container, http_settings(settings)), container, database)
    await container.close()


@pytest.fixture
async def house(migrated_database: Database) -> AsyncIterator[House]:
    async with a_house(migrated_database, settings_for(migrated_database)) as house:
        yield house


@pytest.fixture
async def slow_house(migrated_database: Database) -> AsyncIterator[House]:
    """Hashes passwords as it does when it is in earnest."""
    settings = without_limits(settings_for(migrated_database))
    async with a_house(migrated_database, settings, more=()) as house:
        yield house


@pytest.fixture
async def open_house(migrated_database: Database) -> AsyncIterator[ServedHouse]:
    """Without limits, and on a port of its own."""
    settings = without_limits(settings_for(migrated_database))
    async with a_house(migrated_database, settings) as house:
        with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
            config = uvicorn.Config(
                house.app, http="httptools", ws="none", access_log=False, log_config=None
            )
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            port = listening.getsockname()[1]
            yield ServedHouse(house.app, house.container, house.database, port)
            server.should_exit = True
            await serving
