"""Take permits, or refuse."""

from skua_core.domain.limits import Permit
from skua_core.errors import TooManyRequests
from skua_core.ports.rate_limiter import RateLimiter


async def take(limiter: RateLimiter, *permits: Permit) -> None:
    """All of them, or none: raises TooManyRequests."""
    wait = await limiter.take(permits)
    if wait > 0:
        raise TooManyRequests(wait)
