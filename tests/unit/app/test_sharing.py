"""What is wired for one process, and what for several."""

from dishka import AsyncContainer

from skua_adapters._keys.ring import make_key
from skua_adapters.rate_limiter.in_process import InProcessRateLimiter
from skua_adapters.rate_limiter.redis import RedisRateLimiter
from skua_app.container import QueueKind, make_container
from skua_app.settings import load
from skua_core.domain.limits import Bucket, Limits
from skua_core.ports.rate_limiter import RateLimiter

REDIS = {"SKUA_REDIS_URL": "redis://127.0.0.1:1/0"}


def wired(environ: dict[str, str], queue: QueueKind = QueueKind.SHARED) -> AsyncContainer:
    return make_container(load({"WEB_SECRET_KEY": make_key(), **environ}), queue=queue)


async def limiter_of(container: AsyncContainer) -> RateLimiter:
    limiter: RateLimiter = await container.get(RateLimiter)
    await container.close()
    return limiter


async def test_limits_are_counted_in_redis_where_there_is_one() -> None:
    assert isinstance(await limiter_of(wired(REDIS)), RedisRateLimiter)
    assert isinstance(await limiter_of(wired({})), InProcessRateLimiter)


async def test_one_process_takes_no_notice_of_redis() -> None:
    limiter = await limiter_of(wired(REDIS, QueueKind.IN_PROCESS))

    assert isinstance(limiter, InProcessRateLimiter)


async def test_limits_are_those_of_the_settings() -> None:
    container = wired({"SKUA_LIMIT_REGISTER_IP": "7/7s"})

    limits = await container.get(Limits)
    await container.close()

    assert limits == Limits(register_ip=Bucket("register-ip", 7, 7))
