"""Several workers beside a simulated Telegram, and what may carry their jobs."""

from collections.abc import Callable

import pytest

from tests.contract.database import cluster_with_roles, migrated_template, own_database
from tests.e2e.delivery.conftest import Scene, build_scene, cleanup, seed, set_up
from tests.redis_server import RedisServer, redis_server

__all__ = [
    "build_scene",
    "cleanup",
    "cluster_with_roles",
    "migrated_template",
    "own_database",
    "redis_server",
    "seed",
    "set_up",
]


@pytest.fixture(params=["redis", "database", "pooled"])
def carrier(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings for each way that jobs may take."""
    kinds: dict[str, Callable[[], dict[str, str]]] = {
        "redis": lambda: {"SKUA_REDIS_URL": request.getfixturevalue("redis_server").url},
        "database": dict,
        "pooled": lambda: {"SKUA_DATABASE_POOLED": "yes"},
    }
    return kinds[request.param]()


@pytest.fixture
def over_redis(redis_server: RedisServer) -> dict[str, str]:
    return {"SKUA_REDIS_URL": redis_server.url}


async def holder_pid(scene: Scene) -> int | None:
    """The process that holds the first bot's lane."""
    row = await scene.installation.row(
        "SELECT holder FROM platform.lanes WHERE bot_id = $1", scene.installation.bots[0].id
    )
    return None if row["holder"] is None else int(row["holder"].split(":")[1])
