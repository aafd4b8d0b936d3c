"""What one process has for itself, and several have in common: queue and limits."""

from collections.abc import AsyncIterator

from dishka import Provider, Scope, provide
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._keys.ring import KeyRing
from skua_adapters.job_queue.in_process import InProcessJobQueue
from skua_adapters.job_queue.postgres import PolledPostgresJobQueue, PostgresJobQueue
from skua_adapters.rate_limiter.in_process import InProcessRateLimiter
from skua_app.settings import SettingInvalid, Settings, database_url
from skua_core.errors import QueueUnfit
from skua_core.ports.clock import Clock
from skua_core.ports.job_queue import JobQueue
from skua_core.ports.rate_limiter import RateLimiter


class OneProcessProvider(Provider):
    scope = Scope.APP
    queue = provide(InProcessJobQueue, provides=JobQueue)
    limiter = provide(InProcessRateLimiter, provides=RateLimiter)


class SharedProvider(Provider):
    scope = Scope.APP

    @provide
    async def queue(self, settings: Settings, engine: AsyncEngine) -> AsyncIterator[JobQueue]:
        queue: JobQueue
        if settings.skua_database_pooled:
            queue = PolledPostgresJobQueue(engine)
        else:
            queue = PostgresJobQueue(database_url(settings))
        if settings.skua_redis_url is not None:
            queue = _over_redis(settings.skua_redis_url, nudges=queue)
        yield queue
        await queue.close()

    @provide
    async def limiter(
        self, settings: Settings, ring: KeyRing, clock: Clock
    ) -> AsyncIterator[RateLimiter]:
        if settings.skua_redis_url is None:
            limiter: RateLimiter = InProcessRateLimiter(clock)
        else:
            limiter = _limiter_over_redis(settings.skua_redis_url, ring, clock)
        yield limiter
        await limiter.close()


def _over_redis(url: str, *, nudges: JobQueue) -> JobQueue:
    from skua_adapters.job_queue.dramatiq import (  # noqa: PLC0415 - half a second for all others
        DramatiqJobQueue,
    )

    try:
        return DramatiqJobQueue(url, nudges=nudges)
    except QueueUnfit as error:
        raise SettingInvalid("SKUA_REDIS_URL", error.problem) from None


def _limiter_over_redis(url: str, ring: KeyRing, clock: Clock) -> RateLimiter:
    from skua_adapters.rate_limiter.redis import (  # noqa: PLC0415 - as above
        RedisRateLimiter,
    )

    key = ring.subkey(ring.primary, "skua/v1/hmac/ratelimit")
    try:
        return RedisRateLimiter(url, key=key, clock=clock)
    except ValueError:
        # Its own words may hold a part of the password.
        raise SettingInvalid("SKUA_REDIS_URL", "it can't be read") from None
