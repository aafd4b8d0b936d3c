"""Sessions: recognised, rolled, listed, ended, and strengthened by the password."""

from collections.abc import Sequence

import msgspec

from skua_core.domain.account import Account, Caller
from skua_core.domain.handles import hash_of
from skua_core.domain.limits import Limits, Permit, permits_of
from skua_core.domain.secret import Secret
from skua_core.domain.session import (
    SESSION_ROLLS_AFTER,
    EndReason,
    LiveSession,
    Session,
)
from skua_core.errors import (
    InvalidCredentials,
    ItemNotFound,
    NotSignedIn,
    PasswordCheckBusy,
    SecondFactorRequired,
)
from skua_core.ids import SessionId, parse_id
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.clock import Clock
from skua_core.ports.password_hasher import PasswordHasher
from skua_core.ports.rate_limiter import RateLimiter
from skua_core.ports.session_tokens import SessionClaims, SessionTokens
from skua_core.use_cases.accounts.codes import PrivateCommand
from skua_core.use_cases.accounts.factor_check import FactorCheck
from skua_core.use_cases.accounts.signed_in import SignedIn, account_entry, actor_of
from skua_core.use_cases.accounts.throttle import take


class AuthenticateCommand(PrivateCommand, frozen=True, kw_only=True):
    token: str
    caller: Caller


class Authenticated(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn
    rolled: Secret | None
    """A token that takes the place of the former; None while that one is young."""


class Authenticate:
    """The token says whose session it might be; the session's row decides.

    A token that is older than a day is rolled, but only while the row is live: whoever logs out
    during a slow request gets nothing back from its answer.
    """

    def __init__(self, *, storage: AccountStorage, tokens: SessionTokens, clock: Clock) -> None:
        self._storage = storage
        self._tokens = tokens
        self._clock = clock

    async def __call__(self, command: AuthenticateCommand) -> Authenticated:
        """Raises NotSignedIn."""
        now = self._clock.now()
        claims = self._tokens.read(command.token, now=now)
        if claims is None:
            raise NotSignedIn
        rolled = None
        async with self._storage.unit() as unit:
            live = await unit.sessions.live(hash_of(claims.sid.reveal()))
            if live is None or live.user.id != claims.user_id:
                raise NotSignedIn
            if now - claims.issued_at >= SESSION_ROLLS_AFTER:
                rolled = await self._roll(unit, live, claims)
            await unit.commit()
        signed_in = SignedIn(
            user=live.user,
            actor=actor_of(live.user, command.caller),
            totp_enabled=live.totp_enabled,
            session=live.session,
        )
        return Authenticated(signed_in=signed_in, rolled=rolled)

    async def _roll(self, unit: AccountUnit, live: LiveSession, claims: SessionClaims) -> Secret:
        issued_at = await unit.sessions.roll(live.session.id)
        if issued_at is None:
            raise NotSignedIn
        issued_at = issued_at.replace(microsecond=0)
        return self._tokens.issue(msgspec.structs.replace(claims, issued_at=issued_at))


class LogoutCommand(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn


class Logout:
    """End the session one is in; nothing happens when it is over already."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, command: LogoutCommand) -> None:
        """Raises KeyNotAllowed."""
        session = command.signed_in.as_person()
        async with self._storage.unit() as unit:
            if await unit.sessions.revoke(session.user_id, EndReason.LOGGED_OUT, only=session.id):
                entry = account_entry(
                    command.signed_in.actor, "signed_out", {"session": str(session.id)}
                )
                await unit.audit(session.user_id).append(entry)
                await unit.commit()


class ListSessionsQuery(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn


class ListSessions:
    """The live ones, newest first."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, query: ListSessionsQuery) -> Sequence[Session]:
        """Raises KeyNotAllowed."""
        session = query.signed_in.as_person()
        async with self._storage.unit() as unit:
            return await unit.sessions.of_user(session.user_id)


class EndSessionCommand(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn
    session_id: str


class EndSession:
    """End one of one's own sessions, wherever it is."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, command: EndSessionCommand) -> None:
        """Raises ItemNotFound and KeyNotAllowed."""
        user_id = command.signed_in.as_person().user_id
        session_id = parse_id(SessionId, command.session_id)
        if session_id is None:
            raise ItemNotFound
        async with self._storage.unit() as unit:
            if not await unit.sessions.revoke(user_id, EndReason.ENDED_BY_USER, only=session_id):
                raise ItemNotFound
            entry = account_entry(
                command.signed_in.actor, "session_ended", {"session": command.session_id}
            )
            await unit.audit(user_id).append(entry)
            await unit.commit()


class EndOtherSessionsCommand(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn


class EndOtherSessions:
    """End all but the one one is in."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, command: EndOtherSessionsCommand) -> None:
        """Raises KeyNotAllowed."""
        session = command.signed_in.as_person()
        async with self._storage.unit() as unit:
            ended = await unit.sessions.revoke(
                session.user_id, EndReason.ENDED_BY_USER, but=session.id
            )
            if ended:
                entry = account_entry(
                    command.signed_in.actor, "other_sessions_ended", {"sessions": ended}
                )
                await unit.audit(session.user_id).append(entry)
                await unit.commit()


class StepUpCommand(PrivateCommand, frozen=True, kw_only=True):
    signed_in: SignedIn
    password: Secret
    totp: str | None = None
    """As at the login; needed where the account has a second factor."""
    caller: Caller


class StepUp:
    """Good for 15 minutes, in this session alone.

    Failures are limited per session, as those of a known device are: nobody outside it can use
    them up.
    """

    def __init__(
        self,
        *,
        storage: AccountStorage,
        hasher: PasswordHasher,
        factors: FactorCheck,
        limiter: RateLimiter,
        limits: Limits,
    ) -> None:
        self._storage = storage
        self._hasher = hasher
        self._factors = factors
        self._limiter = limiter
        self._limits = limits

    async def __call__(self, command: StepUpCommand) -> None:
        """Raises KeyNotAllowed, TooManyRequests, PasswordCheckBusy, InvalidCredentials and
        SecondFactorRequired."""
        session = command.signed_in.as_person()
        await take(self._limiter, *permits_of(self._limits.login_ip, command.caller.ip))
        failure = Permit(self._limits.login_failures_device, f"session|{session.id}")
        await take(self._limiter, failure)
        try:
            account = await self._prove(command.password, session)
            await self._strengthen(command, session, account)
        except PasswordCheckBusy:
            await self._limiter.give_back([failure])
            raise
        except SecondFactorRequired:
            if command.totp is None:
                await self._limiter.give_back([failure])
            raise
        await self._limiter.give_back([failure])

    async def _prove(self, password: Secret, session: Session) -> Account:
        async with self._storage.unit() as unit:
            account = await unit.accounts.get(session.user_id)
        hashed = account.password if account else None
        verification = await self._hasher.verify(password, hashed)
        if account is None or not verification.right:
            raise InvalidCredentials
        return account

    async def _strengthen(self, command: StepUpCommand, session: Session, proven: Account) -> None:
        async with self._storage.unit() as unit:
            account = await unit.accounts.get(session.user_id, lock=True)
            if account is None or account.password != proven.password:
                raise InvalidCredentials
            await self._factors(unit, account, command.totp)
            await unit.accounts.save(account)
            await unit.sessions.step_up(session.id)
            entry = account_entry(
                command.signed_in.actor, "stepped_up", {"session": str(session.id)}
            )
            await unit.audit(session.user_id).append(entry)
            await unit.commit()
