"""An installation of separate processes beside a simulated Telegram."""

import os
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skua_adapters._sql import roles
from skua_adapters.telegram_simulator import LatencySettings
from skua_adapters.token_vault.keys import make_key
from tests.contract.database import cluster_with_roles, migrated_template, own_database
from tests.e2e.delivery.installation import (
    SHORT_LANES,
    ConnectedBot,
    Installation,
    free_port,
    make_token,
)
from tests.e2e.delivery.invariants import assert_kept
from tests.e2e.delivery.programs import Program
from tests.e2e.delivery.telegram import SimulatedTelegram, simulator_settings
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

    async def assert_promises_kept(self, *more: object) -> None:
        """All invariants, over everything that ever happened here."""
        context = "\n".join([f"seed {self.seed}", *map(str, more), self.installation.tails()])
        assert_kept(await self.installation.books(), self.telegram.book(), context)


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
def set_up(own_database: Database, tmp_path: Path, seed: int, cleanup: AsyncExitStack) -> SetUp:
    async def build(
        *,
        bots: int = 1,
        rate: float,
        latency: LatencySettings | None = None,
        **settings: str,
    ) -> Scene:
        randomness = random.Random(seed)  # noqa: S311 - repeatable, nothing secret
        tokens = [make_token(randomness) for _ in range(bots)]
        telegram = await cleanup.enter_async_context(
            simulate_telegram(*tokens, directory=tmp_path, seed=seed, latency=latency)
        )
        environment = {
            **SHORT_LANES,
            "WEB_SECRET_KEY": make_key(),
            "SKUA_DATABASE_URL": own_database.url_of(roles.APP),
            "SKUA_TELEGRAM_API_BASE": telegram.base_url,
            "SKUA_PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
            "SKUA_SEND_RATE": str(rate),
            **settings,
        }
        installation = Installation(tmp_path, environment, dsn=own_database.dsn)
        cleanup.push_async_callback(installation.close)
        return Scene(installation, telegram, tokens, seed, randomness)

    return build


def simulate_telegram(
    *tokens: str,
    directory: Path,
    seed: int,
    latency: LatencySettings | None = None,
    **more: Any,
) -> SimulatedTelegram:
    book, address = directory / "receipts.jsonl", directory / "telegram.address"
    settings = simulator_settings(*tokens, book=book, seed=seed, latency=latency, **more)
    command = [
        *(sys.executable, "-m", "tests.e2e.delivery.simulator_program"),
        *(msgspec.json.encode(settings, enc_hook=str).decode(), str(address)),
    ]
    return SimulatedTelegram(Program("telegram", command, {}, directory), address, book)
