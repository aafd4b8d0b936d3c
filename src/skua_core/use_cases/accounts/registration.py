"""Become a user: by an address, and the code that goes there."""

from skua_core.domain.account import Account, Caller, NewUser, Registration
from skua_core.domain.bot import check_name
from skua_core.domain.challenge import CODE_LIVES, Challenge, ChallengePurpose
from skua_core.domain.handles import hash_of, new_handle
from skua_core.domain.letter import Letter, LetterKind
from skua_core.domain.limits import Limits, permits_of
from skua_core.domain.passwords import check_password
from skua_core.domain.secret import Secret
from skua_core.domain.user import User
from skua_core.errors import CodeInvalid, EmailInUse, PasswordCheckBusy, RegistrationClosed
from skua_core.ids import UserId
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.email_addresses import EmailAddresses
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.password_hasher import PasswordHasher
from skua_core.use_cases.accounts.codes import Codes, PrivateCommand, facts
from skua_core.use_cases.accounts.letters import LetterBox
from skua_core.use_cases.accounts.signed_in import account_entry, actor_of

_PURPOSE = ChallengePurpose.REGISTER


class RegistrationMail:
    """What goes to an address that somebody registers: a code, or why there is none."""

    def __init__(self, *, codes: Codes, letters: LetterBox, registration: Registration) -> None:
        self._codes = codes
        self._letters = letters
        self._registration = registration

    async def post(self, unit: AccountUnit, challenge: Challenge, caller: Caller) -> None:
        """Renew the challenge, which the caller stores.

        Whoever isn't invited gets a letter as well. No letter would be a statement less, which
        is time, and would leave them waiting for a code.
        """
        kind = await self._kind(unit, challenge.login)
        code = self._codes.new(_PURPOSE, challenge.handle_hash)
        now = await unit.now()
        told = facts(caller, now)
        if kind is LetterKind.VERIFY_EMAIL:
            told["code"] = code.text
        challenge.renew(code.mac if kind is LetterKind.VERIFY_EMAIL else None, now)
        await self._letters.post(unit, Letter(to=challenge.login, kind=kind, facts=told))

    async def _kind(self, unit: AccountUnit, login: str) -> LetterKind:
        # Both are asked whatever the one says, so that no answer is quicker than another.
        account = await unit.accounts.by_login(login)
        welcome = self._registration is not Registration.INVITED or await unit.invited(login)
        if account is not None:
            return LetterKind.ALREADY_REGISTERED
        return LetterKind.VERIFY_EMAIL if welcome else LetterKind.NOT_INVITED


class RegisterCommand(PrivateCommand, frozen=True, kw_only=True):
    email: str
    password: Secret
    name: str = ""
    caller: Caller


class Register:
    """Somebody wants an account; there is none until the address is proven.

    Each attempt is a registration of its own, with its own password and code, so that no code
    confirms the password of somebody else who registered the same address. What is answered, and
    when, doesn't depend on whether the address has an account or an invitation.
    """

    def __init__(
        self,
        *,
        storage: AccountStorage,
        hasher: PasswordHasher,
        emails: EmailAddresses,
        codes: Codes,
        mail: RegistrationMail,
        limits: Limits,
        registration: Registration,
    ) -> None:
        self._storage = storage
        self._hasher = hasher
        self._emails = emails
        self._codes = codes
        self._mail = mail
        self._limits = limits
        self._registration = registration

    async def __call__(self, command: RegisterCommand) -> str:
        """The registration's id.

        Raises RegistrationClosed, EmailInvalid, NameInvalid, PasswordUnfit, TooManyRequests and
        PasswordCheckBusy.
        """
        if self._registration is Registration.CLOSED:
            raise RegistrationClosed
        login = self._emails.normalise(command.email)
        name = check_name("user", command.name) if command.name.strip() else ""
        check_password(command.password.reveal(), login, name)
        per_ip = permits_of(self._limits.register_ip, command.caller.ip)
        taken = await self._codes.allow_mail(login, command.caller, *per_ip)
        try:
            hashed = await self._hasher.hash(command.password)
        except PasswordCheckBusy:
            await self._codes.give_back(taken)
            raise
        return await self._begin(NewUser(login=login, name=name, password=hashed), command.caller)

    async def _begin(self, wanted: NewUser, caller: Caller) -> str:
        handle = new_handle()
        async with self._storage.unit() as unit:
            now = await unit.now()
            challenge = Challenge(
                handle_hash=hash_of(handle),
                purpose=_PURPOSE,
                login=wanted.login,
                code_mac=None,
                expires_at=now + CODE_LIVES,
                created_at=now,
                name=wanted.name,
                password=wanted.password,
            )
            await self._mail.post(unit, challenge, caller)
            await unit.challenges.add(challenge)
            await unit.commit()
        return handle


class ResendCodeCommand(PrivateCommand, frozen=True, kw_only=True):
    registration_id: str
    caller: Caller


class ResendCode:
    """A new code for a registration; the former one works no more.

    An id that doesn't exist, is a day old or was used is answered the same.
    """

    def __init__(self, *, storage: AccountStorage, codes: Codes, mail: RegistrationMail) -> None:
        self._storage = storage
        self._codes = codes
        self._mail = mail

    async def __call__(self, command: ResendCodeCommand) -> None:
        """Raises TooManyRequests."""
        try:
            found = await self._codes.find_for_resend(
                _PURPOSE, command.registration_id, command.caller
            )
        except CodeInvalid:
            return
        async with self._storage.unit() as unit:
            challenge = await unit.challenges.lock(found.handle_hash)
            if challenge is None or not challenge.renewable(await unit.now()):
                return
            await self._mail.post(unit, challenge, command.caller)
            await unit.challenges.save(challenge)
            await unit.commit()


class VerifyRegistrationCommand(PrivateCommand, frozen=True, kw_only=True):
    registration_id: str
    code: str
    caller: Caller


class VerifyRegistration:
    """The code shows that the address is theirs: now there is an account.

    Every other registration of the address ends with it.
    """

    def __init__(self, *, storage: AccountStorage, codes: Codes, ids: IdFactory) -> None:
        self._storage = storage
        self._codes = codes
        self._ids = ids

    async def __call__(self, command: VerifyRegistrationCommand) -> None:
        """Raises CodeInvalid and TooManyRequests."""
        found = await self._codes.find(_PURPOSE, command.registration_id, command.caller)
        async with self._storage.unit() as unit:
            challenge = await self._codes.use(unit, found, command.code)
            user = User(
                id=UserId(self._ids.new()),
                login=challenge.login,
                name=challenge.name,
                created_at=await unit.now(),
            )
            try:
                await unit.accounts.add(Account(user=user, password=challenge.password))
            except EmailInUse:
                # Somebody made it an account's meanwhile, at the shell or by a change of address.
                await unit.commit()
                raise CodeInvalid from None
            await unit.challenges.close_others(_PURPOSE, user.login, but=challenge.handle_hash)
            actor = actor_of(user, command.caller)
            await unit.audit(user.id).append(account_entry(actor, "registered"))
            await unit.commit()
