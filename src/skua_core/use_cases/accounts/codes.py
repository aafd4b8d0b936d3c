"""Codes that prove an address: mail one, and try one."""

from datetime import datetime

import msgspec

from skua_core.domain.account import Caller
from skua_core.domain.challenge import Challenge, ChallengePurpose
from skua_core.domain.handles import hash_of, is_code, new_code
from skua_core.domain.limits import Bucket, Limits, Permit, permits_of
from skua_core.errors import CodeInvalid
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.account_vault import AccountPurpose, AccountVault
from skua_core.ports.rate_limiter import RateLimiter
from skua_core.use_cases.accounts.throttle import take


class PrivateCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command with an address or a code in it, which no log or trace is to show."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class NewCode(msgspec.Struct, frozen=True):
    text: str
    mac: bytes

    def __repr__(self) -> str:
        return "NewCode(***)"


class Codes:
    """What every proof of an address has in common.

    Nobody but the owner of the mailbox learns whether a code went out: a challenge without one
    takes the same steps, and counts its tries as well.
    """

    def __init__(
        self,
        *,
        storage: AccountStorage,
        vault: AccountVault,
        limiter: RateLimiter,
        limits: Limits,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._limiter = limiter
        self._limits = limits

    def new(self, purpose: ChallengePurpose, handle_hash: bytes) -> NewCode:
        text = new_code()
        return NewCode(
            text, self._vault.mac(AccountPurpose.CODE, _message(purpose, handle_hash, text))
        )

    async def allow_mail(self, login: str, caller: Caller, *more: Permit) -> tuple[Permit, ...]:
        """Take the permits for one mail to this address. Raises TooManyRequests."""
        permits = (
            *more,
            Permit(self._limits.code_mails_account, login),
            *permits_of(self._limits.code_mails_ip, caller.ip),
        )
        await take(self._limiter, *permits)
        return permits

    async def give_back(self, permits: tuple[Permit, ...]) -> None:
        """For a mail that wasn't sent after all."""
        await self._limiter.give_back(permits)

    async def find(self, purpose: ChallengePurpose, handle: str, caller: Caller) -> Challenge:
        """The challenge as it is now, once a try is permitted; ``use`` decides.

        Raises TooManyRequests, and CodeInvalid when there is none.
        """
        limits = self._limits
        buckets = limits.code_tries_ip, limits.code_tries_account
        return await self._find(purpose, handle, caller, *buckets)

    async def find_for_resend(
        self, purpose: ChallengePurpose, handle: str, caller: Caller
    ) -> Challenge:
        """The same, once a mail is permitted."""
        limits = self._limits
        buckets = limits.code_mails_ip, limits.code_mails_account
        return await self._find(purpose, handle, caller, *buckets)

    async def give_back_try(self, found: Challenge, caller: Caller) -> None:
        """For a code that wasn't looked at after all."""
        await self._limiter.give_back(
            (
                *permits_of(self._limits.code_tries_ip, caller.ip),
                Permit(self._limits.code_tries_account, found.login),
            )
        )

    async def use(self, unit: AccountUnit, found: Challenge, code: str) -> Challenge:
        """The challenge, closed because its code is right; committed with whatever follows.

        Raises CodeInvalid for a wrong one. The try is counted and committed then: ``unit`` must
        not have changed anything before. Whoever locks an account too locks it before.
        """
        challenge = await unit.challenges.lock(found.handle_hash)
        if challenge is None:
            raise CodeInvalid
        right = challenge.attempt(fits=self._fits(challenge, code), now=await unit.now())
        await unit.challenges.save(challenge)
        if not right:
            await unit.commit()
            raise CodeInvalid
        return challenge

    async def _find(
        self,
        purpose: ChallengePurpose,
        handle: str,
        caller: Caller,
        of_ip: Bucket,
        of_account: Bucket,
    ) -> Challenge:
        await take(self._limiter, *permits_of(of_ip, caller.ip))
        async with self._storage.unit() as unit:
            challenge = await unit.challenges.lock(hash_of(handle))
        if challenge is None or challenge.purpose is not purpose:
            raise CodeInvalid
        await take(self._limiter, Permit(of_account, challenge.login))
        return challenge

    def _fits(self, challenge: Challenge, code: str) -> bool:
        message = _message(challenge.purpose, challenge.handle_hash, code)
        return is_code(code) and self._vault.recognise(
            AccountPurpose.CODE, message, challenge.code_mac
        )


def facts(caller: Caller, at: datetime, **more: str) -> dict[str, str]:
    """For a letter to an address that may belong to anybody.

    Nothing that the caller can word freely, neither a name nor what a browser calls itself, gets
    into such a letter: Skua would mail it for them, to whom they like.
    """
    where = {} if caller.ip is None else {"ip": caller.ip}
    return {"at": at.isoformat(), **where, **more}


def _message(purpose: ChallengePurpose, handle_hash: bytes, code: str) -> str:
    """A code is good for the handle it was made for, and for nothing else."""
    return f"{purpose}|{handle_hash.hex()}|{code}"
