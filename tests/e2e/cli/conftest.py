"""A place for installations, and one that runs."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from skua_adapters.embedded_postgres import EmbeddedPostgresError
from skua_adapters.embedded_postgres.binaries import find_binaries
from tests.contract.database import cluster_with_roles, migrated_template, own_database
from tests.e2e.cli.house import House, Running, free_port
from tests.e2e.embedded_postgres.rig import wait_until_gone
from tests.postgres_cluster import skip_or_fail

__all__ = ["cluster_with_roles", "migrated_template", "own_database"]

FIRST_USER = 5_000_000_001


@pytest.fixture(scope="session", autouse=True)
def _binaries() -> None:
    try:
        find_binaries(Path("no data yet"), None)
    except EmbeddedPostgresError as error:
        skip_or_fail(error)


def make_place() -> Iterator[Path]:
    """In memory where that can be, and open to the account that root's server runs as."""
    memory = Path("/dev/shm")  # noqa: S108 - made with mkdtemp
    base = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    path = Path(tempfile.mkdtemp(prefix="skua-cli-", dir=base)).resolve()
    path.chmod(0o711)
    yield path
    wait_until_gone(path)
    shutil.rmtree(path)


place = pytest.fixture(make_place)
shared_place = pytest.fixture(scope="module")(make_place)


@pytest.fixture
def house(place: Path) -> House:
    return House(place)


class Installation(SimpleNamespace):
    house: House
    token: str
    up: Running
    receipts: Path


@pytest.fixture(scope="module")
def installation(shared_place: Path) -> Iterator[Installation]:
    """``skua up`` beside a simulated Telegram, where 400 people have started one bot."""
    receipts = shared_place / "receipts"
    alone = House(shared_place)
    words = ("telegram-simulator", "--port", "0", "--audience", "400", "--json")
    with alone.start(*words, "--receipt-book", str(receipts)) as simulator:
        telegram = json.loads(simulator.wait_for("base_url"))
        # Slow enough for a command to be started while a broadcast is under way.
        house = alone.with_settings(
            SKUA_TELEGRAM_API_BASE=telegram["base_url"], SKUA_SEND_RATE="10"
        )
        with house.start("up", "--port", str(free_port())) as up:
            up.wait_for("Skua is up at")
            yield Installation(house=house, token=telegram["tokens"][0], up=up, receipts=receipts)
