"""What servers and workers say to a queue or a database that they can't use."""

from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.e2e.delivery.conftest import Scene, SetUp
from tests.e2e.delivery.installation import SKUA
from tests.e2e.delivery.programs import Program
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.external, pytest.mark.timeout(120)]

Start = Callable[[Scene], Program]


@pytest.fixture(params=["worker", "server"])
def start(request: pytest.FixtureRequest) -> Start:
    kinds: dict[str, Start] = {
        "worker": lambda scene: scene.installation.worker(),
        "server": lambda scene: scene.installation.server(),
    }
    return kinds[request.param]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[RedisServer]:
    directory = tmp_path / "redis"
    directory.mkdir()
    with RedisServer(directory, "--requirepass", "secret") as server:
        yield server


async def refusal(program: Program) -> str:
    """The one line that it said; its exit code means that it can't be done as it was asked."""
    await program.start()
    assert await program.ended() == 2, program.tail()
    (line,) = program.log.read_text().strip().splitlines()
    return line


async def test_a_wrong_password_of_redis_is_named(
    set_up: SetUp, start: Start, guarded: RedisServer
) -> None:
    scene = await set_up(rate=30, SKUA_REDIS_URL=guarded.url_with("guessed"))

    line = await refusal(start(scene))

    assert line.startswith("skua: SKUA_REDIS_URL: Redis refuses this user or password"), line
    assert "guessed" not in line


async def test_a_redis_that_evicts_is_refused(
    set_up: SetUp, start: Start, redis_server: RedisServer
) -> None:
    redis_server.set("maxmemory-policy", "allkeys-lru")
    scene = await set_up(rate=30, SKUA_REDIS_URL=redis_server.url)

    line = await refusal(start(scene))

    assert line.startswith("skua: SKUA_REDIS_URL: Redis may throw away"), line
    assert "maxmemory-policy is allkeys-lru, and has to be noeviction" in line


async def test_without_its_redis_a_worker_sends_all_the_same(
    set_up: SetUp, redis_server: RedisServer
) -> None:
    redis_server.kill()
    scene = await set_up(rate=100, SKUA_REDIS_URL=redis_server.url)
    installation = scene.installation
    bot, audience = await scene.connect(50)
    worker = await installation.start(installation.worker())

    broadcast = await installation.broadcast(bot, "spring")
    row = await installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)

    assert row["sent"] == len(audience), installation.tails()
    warnings = [line for line in worker.log.read_text().splitlines() if "job queue" in line]
    assert len(warnings) == 1, worker.tail()
    assert "is not available" in warnings[0]
    await scene.assert_promises_kept()


async def test_a_full_redis_is_told_and_used_again_when_it_has_room(
    set_up: SetUp, redis_server: RedisServer
) -> None:
    redis_server.set("maxmemory", "1kb")
    scene = await set_up(rate=100, SKUA_REDIS_URL=redis_server.url)
    installation = scene.installation
    bot, _ = await scene.connect(20)
    worker = await installation.start(installation.worker())
    broadcast = await installation.broadcast(bot, "spring")
    await installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)
    assert "Redis is full: its maxmemory is reached" in worker.log.read_text()

    redis_server.set("maxmemory", "0")

    async def works_again() -> bool | None:
        return True if "The job queue works again" in worker.log.read_text() else None

    await installation.until(works_again, "the queue's return")


COMMANDS = [["worker"], ["serve"], ["status"], ["bot", "list"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_an_older_program_refuses_a_newer_schema(set_up: SetUp, command: list[str]) -> None:
    scene = await set_up(rate=30)
    connection = await asyncpg.connect(scene.installation.dsn)
    await connection.execute("UPDATE platform.alembic_version SET version_num = '9999'")
    await connection.close()
    installation = scene.installation

    line = await refusal(installation.program("older", [*SKUA, *command]))

    assert line.startswith("skua: The database can't be used: a newer Skua brought it to"), line
    assert "version 9999" in line
    assert line.endswith("update Skua.")
