"""Set a new password: with a code when the old one is forgotten, or with the old one."""

from skua_core.domain.account import Account, Caller, PasswordHash
from skua_core.domain.challenge import CODE_LIVES, Challenge, ChallengePurpose
from skua_core.domain.handles import hash_of, new_handle
from skua_core.domain.letter import Letter, LetterKind
from skua_core.domain.limits import Limits, Permit, permits_of
from skua_core.domain.passwords import check_password
from skua_core.domain.secret import Secret
from skua_core.domain.session import EndReason, Session
from skua_core.errors import CodeInvalid, InvalidCredentials, PasswordCheckBusy, PasswordUnfit
from skua_core.ids import SessionId
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.email_addresses import EmailAddresses
from skua_core.ports.password_hasher import PasswordHasher
from skua_core.ports.rate_limiter import RateLimiter
from skua_core.use_cases.accounts.codes import Codes, PrivateCommand, facts
from skua_core.use_cases.accounts.letters import LetterBox
from skua_core.use_cases.accounts.signed_in import SignedIn, account_entry, actor_of
from skua_core.use_cases.accounts.throttle import take

_PURPOSE = ChallengePurpose.RESET_PASSWORD


class ForgotPasswordCommand(PrivateCommand, frozen=True, kw_only=True):
    email: str
    caller: Caller


class ForgotPassword:
    """A code for a new password goes to the address of an account; others are told there is none.

    What is answered, and when, doesn't depend on it. A disabled account counts as none.
    """

    def __init__(
        self, *, storage: AccountStorage, emails: EmailAddresses, codes: Codes, letters: LetterBox
    ) -> None:
        self._storage = storage
        self._emails = emails
        self._codes = codes
        self._letters = letters

    async def __call__(self, command: ForgotPasswordCommand) -> str:
        """The reset's id. Raises EmailInvalid and TooManyRequests."""
        login = self._emails.normalise(command.email)
        await self._codes.allow_mail(login, command.caller)
        handle = new_handle()
        code = self._codes.new(_PURPOSE, hash_of(handle))
        async with self._storage.unit() as unit:
            now = await unit.now()
            # Locked, so that nobody erases it before its challenge is added.
            account = await unit.accounts.by_login(login, lock=True)
            known = account is not None and account.user.disabled_at is None
            challenge = Challenge(
                handle_hash=hash_of(handle),
                purpose=_PURPOSE,
                login=login,
                code_mac=code.mac if known else None,
                expires_at=now + CODE_LIVES,
                created_at=now,
                user_id=account.user.id if account is not None else None,
            )
            await unit.challenges.add(challenge)
            told = facts(command.caller, now)
            letter = Letter(to=login, kind=LetterKind.NO_ACCOUNT, facts=told)
            if known:
                told["code"] = code.text
                letter = Letter(to=login, kind=LetterKind.RESET_PASSWORD, facts=told)
            await self._letters.post(unit, letter)
            await unit.commit()
        return handle


class ResetPasswordCommand(PrivateCommand, frozen=True, kw_only=True):
    reset_id: str
    code: str
    password: Secret
    caller: Caller


class ResetPassword:
    """The code sets the password, ends every session, and forgets the wrong passwords so far."""

    def __init__(
        self,
        *,
        storage: AccountStorage,
        hasher: PasswordHasher,
        codes: Codes,
        letters: LetterBox,
    ) -> None:
        self._storage = storage
        self._hasher = hasher
        self._codes = codes
        self._letters = letters

    async def __call__(self, command: ResetPasswordCommand) -> None:
        """Raises CodeInvalid, PasswordUnfit, TooManyRequests and PasswordCheckBusy."""
        caller = command.caller
        found = await self._codes.find(_PURPOSE, command.reset_id, caller)
        # Without the account's name: refusing what contains it would tell it to a stranger.
        try:
            check_password(command.password.reveal(), found.login, "")
            hashed = await self._hasher.hash(command.password)
        except (PasswordUnfit, PasswordCheckBusy):
            await self._codes.give_back_try(found, caller)
            raise
        async with self._storage.unit() as unit:
            account = await unit.accounts.by_login(found.login, lock=True)
            challenge = await self._codes.use(unit, found, command.code)
            if account is None or not _is_of(challenge, account):
                await unit.commit()
                raise CodeInvalid
            account.password = hashed
            account.failures = 0
            await unit.accounts.save(account)
            await _end_what_stood_on_it(unit, account)
            await self._letters.post(unit, await _changed(unit, account, caller))
            actor = actor_of(account.user, caller)
            await unit.audit(account.user.id).append(account_entry(actor, "password_reset"))
            await unit.commit()


class ChangePasswordCommand(PrivateCommand, frozen=True, kw_only=True):
    signed_in: SignedIn
    current_password: Secret
    new_password: Secret
    caller: Caller


class ChangePassword:
    """The current password and a session set a new one; every other session ends.

    Wrong ones are limited per session, together with those of the step-up: whoever found a browser
    open can't go on guessing, and nobody elsewhere uses up the owner's tries.
    """

    def __init__(
        self,
        *,
        storage: AccountStorage,
        hasher: PasswordHasher,
        limiter: RateLimiter,
        limits: Limits,
        letters: LetterBox,
    ) -> None:
        self._storage = storage
        self._hasher = hasher
        self._limiter = limiter
        self._limits = limits
        self._letters = letters

    async def __call__(self, command: ChangePasswordCommand) -> None:
        """Raises KeyNotAllowed, PasswordUnfit, InvalidCredentials, TooManyRequests and
        PasswordCheckBusy."""
        session = command.signed_in.as_person()
        user = command.signed_in.user
        check_password(command.new_password.reveal(), user.login, user.name)
        shown = await self._show(command, session)
        hashed = await self._hasher.hash(command.new_password)
        async with self._storage.unit() as unit:
            account = await unit.accounts.get(user.id, lock=True)
            if account is None or account.password != shown:
                raise InvalidCredentials
            account.password = hashed
            await unit.accounts.save(account)
            await _end_what_stood_on_it(unit, account, but=session.id)
            await self._letters.post(unit, await _changed(unit, account, command.caller))
            entry = account_entry(command.signed_in.actor, "password_changed")
            await unit.audit(user.id).append(entry)
            await unit.commit()

    async def _show(self, command: ChangePasswordCommand, session: Session) -> PasswordHash | None:
        """The hash of the current password, which was the right one."""
        await take(self._limiter, *permits_of(self._limits.login_ip, command.caller.ip))
        failure = Permit(self._limits.login_failures_device, f"session|{session.id}")
        await take(self._limiter, failure)
        async with self._storage.unit() as unit:
            account = await unit.accounts.get(session.user_id)
        shown = None if account is None else account.password
        try:
            verification = await self._hasher.verify(command.current_password, shown)
        except PasswordCheckBusy:
            await self._limiter.give_back([failure])
            raise
        if not verification.right:
            raise InvalidCredentials
        await self._limiter.give_back([failure])
        return shown


def _is_of(challenge: Challenge, account: Account) -> bool:
    """Whether the account is still the one that the code was mailed for."""
    return account.user.id == challenge.user_id and account.user.disabled_at is None


async def _end_what_stood_on_it(
    unit: AccountUnit, account: Account, *, but: SessionId | None = None
) -> None:
    """Sessions that the former password began, and codes that would set another one."""
    user = account.user
    await unit.sessions.revoke(user.id, EndReason.PASSWORD_CHANGED, but=but)
    await unit.challenges.close_others(_PURPOSE, user.login)


async def _changed(unit: AccountUnit, account: Account, caller: Caller) -> Letter:
    told = facts(caller, await unit.now())
    return Letter(to=account.user.login, kind=LetterKind.PASSWORD_CHANGED, facts=told)
