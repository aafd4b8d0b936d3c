"""The Redis behind the job queue: how it is reached, and what its answers mean."""

import redis
from dramatiq.brokers.redis import RedisBroker
from redis.backoff import NoBackoff
from redis.retry import Retry

from skua_core.errors import QueueUnavailable, QueueUnfit

_KEEPS_ALL = "noeviction"
_REFUSED = (
    redis.exceptions.AuthenticationError,
    redis.exceptions.AuthenticationWrongNumberOfArgsError,
    redis.exceptions.AuthorizationError,
    redis.exceptions.NoPermissionError,
)
_FULL = "Redis is full: its maxmemory is reached"


def make_broker(url: str, *, timeout: float) -> RedisBroker:
    """``timeout`` is how many seconds each attempt may take; there are two. Raises QueueUnfit."""
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # The first attempt after a restart finds the old connection dead.
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError as error:
        raise QueueUnfit(f"its URL can't be read: {error}") from None
    # No middleware: a job is handed over in microseconds, and one that was lost isn't tried again,
    # for the sweep finds its lane. Each of Dramatiq's would keep or drop messages by the clock of
    # whatever machine looks at them.
    return RedisBroker(  # type: ignore[no-untyped-call] # its constructor says no types
        client=client, middleware=[], namespace="skua"
    )


def look(broker: RedisBroker, queue_name: str) -> int:
    """How many jobs wait; that it can be counted proves that jobs can be written.

    Raises QueueUnavailable and QueueUnfit.
    """
    try:
        memory = broker.client.info("memory")
        policy = memory.get("maxmemory_policy", _KEEPS_ALL)
        if policy != _KEEPS_ALL:
            raise QueueUnfit(
                "Redis may throw away what it was given "
                f"(its maxmemory-policy is {policy}, and has to be {_KEEPS_ALL})"
            )
        if 0 < memory.get("maxmemory", 0) <= memory.get("used_memory", 0):
            raise QueueUnavailable(_FULL)
        return int(broker.do_qsize(queue_name))
    except (redis.RedisError, OSError) as error:
        raise explained(error) from None


def explained(error: redis.RedisError | OSError) -> QueueUnavailable | QueueUnfit:
    """What it means to the core. None of Redis's words holds the password."""
    if isinstance(error, _REFUSED):
        return QueueUnfit(f"Redis refuses this user or password ({error})")
    if isinstance(error, redis.exceptions.InvalidResponse):
        return QueueUnfit("what answers there doesn't speak Redis's protocol")
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return QueueUnavailable(_FULL)
    if isinstance(error, redis.exceptions.ReadOnlyError):
        return QueueUnavailable("this Redis is a read-only replica")
    return QueueUnavailable(str(error).rstrip(".") or type(error).__name__)
