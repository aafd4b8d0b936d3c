"""An installation of separate processes beside a simulated Telegram."""

import os
import random
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from skua_adapters._keys.ring import make_key
from skua_adapters._sql import roles
from skua_adapters.telegram_simulator import LatencySettings
from skua_core.domain.broadcast import Broadcast
from tests.contract.database import cluster_with_roles, migrated_template, own_database
from tests.e2e.delivery.installation import (
    SHORT_LANES,
    ConnectedBot,
    Installation,
    make_token,
)
from tests.e2e.delivery.invariants import assert_kept
from tests.e2e.delivery.programs import free_port
from tests.e2e.delivery.telegram import SimulatedTelegram, simulate_telegram
from tests.e2e.embedded_postgres.rig import processes_in
from tests.postgres_cluster import Database

__all__ = ["cluster_with_roles", "migrated_template", "own_database"]

FIRST_PERSON = 1_000_001


@dataclass
class Scene:
    """``seed`` decides everything that is left to chance; SKUA_TEST_SEED chooses it."""

    installation: Installation
    telegram: SimulatedTelegram
    tokens: list[str]
    seed: int
    randomness: random.Random

    async def connect(self, people: int, *, number: int = 0) -> tuple[ConnectedBot, range]:
        """A bot with so many subscribers, who came before Skua."""
        bot = await self.installation.add_bot(self.tokens[number], name=f"bot{number}")
        first = FIRST_PERSON + number * 1_000_000
        audience = range(first, first + people)
        await self.telegram.add_audience(bot.telegram_id, audience)
        await self.installation.subscribe(bot, audience)
        return bot, audience

    async def until_sent(self, broadcast: Broadcast, *, more: int) -> None:
        """So many more than now, with some in flight."""
        before = (await self.installation.broadcast_row(broadcast))["sent"]
        await self.installation.until_broadcast(
            broadcast, lambda row: row["sent"] >= before + more and row["in_flight"] > 0
        )

    async def assert_promises_kept(self) -> None:
        """All invariants, over everything that ever happened here."""
        context = f"seed {self.seed}\n{self.installation.tails()}"
        assert_kept(await self.installation.books(), self.telegram.book(), context)


BuildScene = Callable[..., Awaitable[Scene]]
SetUp = Callable[..., Awaitable[Scene]]


@pytest.fixture
def seed() -> int:
    chosen = int(os.environ.get("SKUA_TEST_SEED", "20260301"))
    print(f"SKUA_TEST_SEED={chosen}")  # noqa: T201 - pytest shows it with a failure
    return chosen


@pytest.fixture
async def cleanup() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def build_scene(tmp_path: Path, seed: int, cleanup: AsyncExitStack) -> BuildScene:
    async def build(
        environment: Mapping[str, str],
        *,
        dsn: str,
        database_url: str,
        bots: int = 1,
        latency: LatencySettings | None = None,
    ) -> Scene:
        randomness = random.Random(seed)  # noqa: S311 - repeatable, nothing secret
        tokens = [make_token(randomness) for _ in range(bots)]
        telegram = simulate_telegram(*tokens, directory=tmp_path, seed=seed, latency=latency)
        await cleanup.enter_async_context(telegram)
        base = {"WEB_SECRET_KEY": make_key(), "SKUA_TELEGRAM_API_BASE": telegram.base_url}
        installation = Installation(
            tmp_path, base | dict(environment), dsn=dsn, database_url=database_url
        )
        cleanup.push_async_callback(installation.close)
        return Scene(installation, telegram, tokens, seed, randomness)

    return build


@pytest.fixture
def set_up(own_database: Database, build_scene: BuildScene) -> SetUp:
    """An installation of separate server and worker, on a database of the tests' cluster."""

    async def build(
        *, rate: float, bots: int = 1, latency: LatencySettings | None = None, **settings: str
    ) -> Scene:
        url = own_database.url_of(roles.APP)
        environment = separate_processes(url, rate=rate) | settings
        return await build_scene(
            environment, dsn=own_database.dsn, database_url=url, bots=bots, latency=latency
        )

    return build


def separate_processes(database_url: str, *, rate: float) -> dict[str, str]:
    return {
        **SHORT_LANES,
        "SKUA_DATABASE_URL": database_url,
        "SKUA_PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
        "SKUA_SEND_RATE": str(rate),
    }


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for a database server, which may run as another account."""
    memory = Path("/dev/shm")  # noqa: S108 - made with mkdtemp
    base = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    path = Path(tempfile.mkdtemp(prefix="skua-e2e-", dir=base)).resolve()
    path.chmod(0o1777)
    yield path
    left = processes_in(path)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(path)
    assert left == []
