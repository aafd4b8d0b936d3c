"""What a login has to be granted before a password is looked at."""

import msgspec

from skua_core.domain.account import Caller
from skua_core.domain.limits import Bucket, Limits, Permit, network_of, permits_of
from skua_core.errors import TooManyRequests
from skua_core.ids import DeviceId, UserId
from skua_core.ports.rate_limiter import RateLimiter
from skua_core.use_cases.accounts.throttle import take


class KnownDevice(msgspec.Struct, frozen=True):
    """A device that has signed in to this account before."""

    user_id: UserId
    device_id: DeviceId


class LoginPermits:
    """Failures are paid for in advance and given back on success.

    A known device has a bucket of its own and takes from no other but that of all attempts, so
    nobody elsewhere can lock it out. It can only be used with its own account: no way to try many.
    """

    def __init__(self, *, limiter: RateLimiter, limits: Limits) -> None:
        self._limiter = limiter
        self._limits = limits

    async def attempt(self, caller: Caller) -> None:
        """Raises TooManyRequests, as ``failure`` does."""
        await take(self._limiter, *permits_of(self._limits.login_ip, caller.ip))

    async def failure(
        self, login: str, caller: Caller, known: KnownDevice | None
    ) -> tuple[Permit, ...]:
        """What has to be given back when this turns out to be no failure."""
        if known is not None:
            bucket = self._limits.login_failures_device
            permit = Permit(bucket, f"{known.user_id}|{known.device_id}")
            await take(self._limiter, permit)
            return (permit,)
        permits = (
            *permits_of(self._limits.login_failures_ip, caller.ip),
            Permit(self._limits.login_failures_account, login),
        )
        await take(self._limiter, *permits)
        return permits + await self._spread(login, caller, permits)

    async def give_back(self, permits: tuple[Permit, ...]) -> None:
        await self._limiter.give_back(permits)

    async def _spread(
        self, login: str, caller: Caller, taken: tuple[Permit, ...]
    ) -> tuple[Permit, ...]:
        """Count the different accounts that fail from one address; past their number, slow down.

        A bucket of one permit remembers that this account has failed from there already.
        """
        accounts = self._limits.login_accounts_ip
        remembered = Bucket(f"{accounts.name}-seen", 1, accounts.burst * accounts.seconds)
        first = Permit(remembered, f"{network_of(caller.ip)}|{login}")
        if await self._limiter.take([first]) > 0:
            return ()
        counted = permits_of(accounts, caller.ip)
        if await self._limiter.take(counted) == 0:
            return (first, *counted)
        wait = await self._limiter.take(permits_of(self._limits.login_spraying_ip, caller.ip))
        if wait > 0:
            await self._limiter.give_back((*taken, first))
            raise TooManyRequests(wait)
        return (first,)
