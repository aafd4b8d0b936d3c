"""Sign in with address and password, and a second factor where there is one."""

import asyncio
import contextlib
from datetime import UTC, datetime

import msgspec

from skua_core.domain.account import Account, Caller, PasswordHash
from skua_core.domain.audit import Details
from skua_core.domain.secret import Secret
from skua_core.domain.session import Device
from skua_core.domain.user import User
from skua_core.errors import (
    InvalidCredentials,
    PasswordCheckBusy,
    SecondFactorRequired,
    UserNotFound,
)
from skua_core.ids import UserId
from skua_core.ports.account_storage import AccountStorage
from skua_core.ports.email_addresses import EmailAddresses
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.password_hasher import PasswordHasher
from skua_core.ports.session_tokens import SessionClaims, SessionTokens
from skua_core.use_cases.accounts.codes import PrivateCommand
from skua_core.use_cases.accounts.factor_check import FactorCheck
from skua_core.use_cases.accounts.login_permits import KnownDevice, LoginPermits
from skua_core.use_cases.accounts.new_sessions import NewSession, NewSessions, find_device
from skua_core.use_cases.accounts.signed_in import SignedIn, account_entry, actor_of
from skua_core.use_cases.accounts.unlocking import MOST_FAILURES, Unlocking

_LONG_AGO = datetime.fromtimestamp(0, UTC)


class LoginCommand(PrivateCommand, frozen=True, kw_only=True):
    email: str
    password: Secret
    totp: str | None = None
    """A code of the authenticator, a recovery code, or one that was mailed to unlock the login."""
    caller: Caller


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn
    token: Secret
    device_token: Secret | None
    """For a device that wasn't known until now."""


class Login:
    """One hash is computed whatever the account, and what depends on it happens meanwhile.

    So neither the answer nor its time tells whether an address has an account, a verified one, or
    one that is disabled.
    """

    def __init__(
        self,
        *,
        storage: AccountStorage,
        hasher: PasswordHasher,
        addresses: EmailAddresses,
        tokens: SessionTokens,
        ids: IdFactory,
        permits: LoginPermits,
        unlocking: Unlocking,
        factors: FactorCheck,
        sessions: NewSessions,
    ) -> None:
        self._storage = storage
        self._hasher = hasher
        self._addresses = addresses
        self._tokens = tokens
        self._ids = ids
        self._permits = permits
        self._unlocking = unlocking
        self._factors = factors
        self._sessions = sessions

    async def __call__(self, command: LoginCommand) -> LoggedIn:
        """Raises TooManyRequests, EmailInvalid, PasswordCheckBusy, InvalidCredentials and
        SecondFactorRequired."""
        caller = command.caller
        await self._permits.attempt(caller)
        login = self._addresses.normalise(command.email)
        account, device = await self._find(login, caller)
        known = None if device is None else KnownDevice(account.user.id, device.id)
        taken = await self._permits.failure(login, caller, known)
        try:
            proof = await self._prove(command, account, known=known is not None)
            logged_in = await self._begin(proof, caller, known=known is not None)
        except PasswordCheckBusy:
            await self._permits.give_back(taken)
            raise
        except SecondFactorRequired:
            if command.totp is None:
                # The password was right, and nothing was guessed.
                await self._permits.give_back(taken)
            raise
        await self._permits.give_back(taken)
        return logged_in

    async def _find(self, login: str, caller: Caller) -> tuple[Account, Device | None]:
        async with self._storage.unit() as unit:
            account = await unit.accounts.by_login(login) or self._nobody(login)
            return account, await find_device(unit, account.user.id, caller)

    def _nobody(self, login: str) -> Account:
        """Stands in for an account that isn't there, so that as much is done for it."""
        user_id = UserId(self._ids.unguessable())
        return Account(user=User(id=user_id, login=login, created_at=_LONG_AGO))

    async def _prove(self, command: LoginCommand, account: Account, *, known: bool) -> "_Proof":
        counting = None if known else asyncio.create_task(self._count_failure(account.user.login))
        try:
            verification = await self._hasher.verify(command.password, account.password)
        finally:
            failures = 0 if counting is None else await counting
        if not verification.right or account.user.disabled_at is not None:
            raise InvalidCredentials
        proof = _Proof(account=account, code=command.totp)
        if failures >= MOST_FAILURES:
            await self._unlocking(account, command.totp, command.caller)
        if verification.outdated:
            proof.rehashed = await self._rehash(command.password)
        return proof

    async def _count_failure(self, login: str) -> int:
        """Count before it is known to be one; how many there were before."""
        async with self._storage.unit() as unit:
            account = await unit.accounts.by_login(login, lock=True) or self._nobody(login)
            account.failures += 1
            with contextlib.suppress(UserNotFound):
                await unit.accounts.save(account)
            await unit.commit()
            return account.failures - 1

    async def _rehash(self, password: Secret) -> PasswordHash | None:
        try:
            return await self._hasher.hash(password)
        except PasswordCheckBusy:
            # Next time, then.
            return None

    async def _begin(self, proof: "_Proof", caller: Caller, *, known: bool) -> LoggedIn:
        async with self._storage.unit() as unit:
            account = await unit.accounts.get(proof.account.user.id, lock=True)
            if account is None or not proof.holds_for(account):
                raise InvalidCredentials
            factor = await self._factors(unit, account, proof.code)
            new = await self._sessions.begin(unit, account, caller)
            if not known:
                account.failures = 0
            account.password = proof.rehashed or account.password
            await unit.accounts.save(account)
            actor = actor_of(account.user, caller)
            details: Details = {
                "session": str(new.session.id),
                "known_device": known,
                "second_factor": factor,
            }
            await unit.audit(account.user.id).append(account_entry(actor, "signed_in", details))
            await unit.commit()
        signed_in = SignedIn(
            user=account.user,
            actor=actor,
            totp_enabled=account.totp_enabled,
            session=new.session,
        )
        return LoggedIn(signed_in=signed_in, token=self._token(new), device_token=new.device_token)

    def _token(self, new: NewSession) -> Secret:
        now = new.session.created_at.replace(microsecond=0)
        claims = SessionClaims(
            user_id=new.session.user_id, sid=new.sid, issued_at=now, authenticated_at=now
        )
        return self._tokens.issue(claims)


class _Proof(msgspec.Struct, kw_only=True):
    """The password was right for the account as it was then."""

    account: Account
    code: str | None
    """What may be a second factor."""
    rehashed: PasswordHash | None = None
    """Set when the stored hash costs less than one does today."""

    def holds_for(self, account: Account) -> bool:
        """Whether nobody changed the password or disabled the user since."""
        return account.password == self.account.password and account.user.disabled_at is None
