"""Everything by which people sign up, over any storage, and the mailboxes that they read."""

from contextlib import suppress
from datetime import UTC, datetime

from skua_adapters._memory import Memory
from skua_adapters.account_storage.in_memory import InMemoryAccountStorage
from skua_adapters.account_vault.in_memory import InMemoryAccountVault
from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.email_addresses.in_process import InProcessEmailAddresses
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_adapters.rate_limiter.in_process import InProcessRateLimiter
from skua_core.domain.account import Account, Caller, Registration
from skua_core.domain.challenge import Challenge
from skua_core.domain.handles import hash_of, new_handle
from skua_core.domain.letter import Letter, LetterKind
from skua_core.domain.limits import Limits
from skua_core.domain.secret import Secret
from skua_core.domain.session import Session
from skua_core.domain.user import Actor
from skua_core.errors import SecretUnreadable
from skua_core.ids import SessionId, UserId
from skua_core.ports.account_storage import AccountStorage
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.password_hasher import PasswordHasher
from skua_core.use_cases.accounts.codes import Codes
from skua_core.use_cases.accounts.email_change import ConfirmEmailChange, RequestEmailChange
from skua_core.use_cases.accounts.letters import LetterBox
from skua_core.use_cases.accounts.passwords import ChangePassword, ForgotPassword, ResetPassword
from skua_core.use_cases.accounts.registration import (
    Register,
    RegisterCommand,
    RegistrationMail,
    ResendCode,
    VerifyRegistration,
    VerifyRegistrationCommand,
)
from skua_core.use_cases.accounts.signed_in import SignedIn

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANA, BEN = "ana@example.com", "ben@example.com"
HOME = Caller(ip="198.51.100.7", user_agent="Firefox")
ELSEWHERE = Caller(ip="203.0.113.9", user_agent="curl")
PASSWORD = Secret("three gulls on a mast")
OTHER_PASSWORD = Secret("four terns on a buoy")


class SignUp:
    """``clock`` drives the limiter, and in memory the storage as well."""

    def __init__(
        self,
        storage: AccountStorage | None = None,
        *,
        ids: IdFactory | None = None,
        hasher: PasswordHasher | None = None,
        registration: Registration = Registration.OPEN,
        limits: Limits | None = None,
    ) -> None:
        self.clock = FrozenClock(START)
        self.memory = Memory(self.clock)
        self.storage = storage or InMemoryAccountStorage(self.memory)
        self.ids = ids or CountedIdFactory()
        self.hasher = hasher or FakePasswordHasher()
        self.limits = limits or Limits()
        self.limiter = InProcessRateLimiter(self.clock)
        self.emails = InProcessEmailAddresses()
        vault = InMemoryAccountVault()
        self.letter_box = LetterBox(vault=vault, ids=self.ids)
        self.codes = Codes(
            storage=self.storage, vault=vault, limiter=self.limiter, limits=self.limits
        )
        self._join(registration)
        self._have_passwords()
        self._move()

    def _join(self, registration: Registration) -> None:
        mail = RegistrationMail(
            codes=self.codes, letters=self.letter_box, registration=registration
        )
        self.register = Register(
            storage=self.storage,
            hasher=self.hasher,
            emails=self.emails,
            codes=self.codes,
            mail=mail,
            limits=self.limits,
            registration=registration,
        )
        self.resend = ResendCode(storage=self.storage, codes=self.codes, mail=mail)
        self.verify = VerifyRegistration(storage=self.storage, codes=self.codes, ids=self.ids)

    def _have_passwords(self) -> None:
        self.forgot = ForgotPassword(
            storage=self.storage, emails=self.emails, codes=self.codes, letters=self.letter_box
        )
        self.reset = ResetPassword(
            storage=self.storage, hasher=self.hasher, codes=self.codes, letters=self.letter_box
        )
        self.change_password = ChangePassword(
            storage=self.storage,
            hasher=self.hasher,
            limiter=self.limiter,
            limits=self.limits,
            letters=self.letter_box,
        )

    def _move(self) -> None:
        self.request_change = RequestEmailChange(
            storage=self.storage, emails=self.emails, codes=self.codes, letters=self.letter_box
        )
        self.confirm_change = ConfirmEmailChange(
            storage=self.storage, codes=self.codes, letters=self.letter_box
        )

    async def begin(self, email: str = ANA, password: Secret = PASSWORD) -> str:
        """Register; the registration's id."""
        return await self.register(RegisterCommand(email=email, password=password, caller=HOME))

    async def confirm(self, registration_id: str, code: str, caller: Caller = HOME) -> None:
        await self.verify(
            VerifyRegistrationCommand(registration_id=registration_id, code=code, caller=caller)
        )

    async def join(self, email: str = ANA, password: Secret = PASSWORD) -> Account:
        """Register, read the mail, and confirm."""
        registration_id = await self.begin(email, password)
        await self.confirm(registration_id, await self.code())
        account = await self.account(email)
        assert account is not None
        return account

    async def sign_in(self, account: Account, *, stepped_up: bool = True) -> SignedIn:
        async with self.storage.unit() as unit:
            now = await unit.now()
            session = Session(
                id=SessionId(self.ids.new()),
                sid_hash=hash_of(new_handle()),
                user_id=account.user.id,
                created_at=now,
                issued_at=now,
                last_seen_at=now,
                absolute_until=now.replace(year=now.year + 1),
                stepped_up_at=now if stepped_up else None,
            )
            await unit.sessions.add(session)
            await unit.commit()
        actor = Actor(user_id=account.user.id, name=account.user.login, ip=HOME.ip)
        return SignedIn(user=account.user, actor=actor, session=session)

    async def account(self, login: str = ANA) -> Account | None:
        async with self.storage.unit() as unit:
            return await unit.accounts.by_login(login)

    async def sessions(self, user_id: UserId) -> list[SessionId]:
        async with self.storage.unit() as unit:
            return [session.id for session in await unit.sessions.of_user(user_id)]

    async def challenge(self, handle: str) -> Challenge:
        async with self.storage.unit() as unit:
            challenge = await unit.challenges.lock(hash_of(handle))
        assert challenge is not None
        return challenge

    async def has_password(self, password: Secret, login: str = ANA) -> bool:
        account = await self.account(login)
        hashed = None if account is None else account.password
        return (await self.hasher.verify(password, hashed)).right

    async def mail(self) -> list[Letter]:
        """Every letter since the last time."""
        async with self.storage.unit() as unit:
            queued = await unit.outbox.take(limit=1000, hold=60)
            for letter in queued:
                await unit.outbox.sent(letter.id)
            await unit.commit()
        letters = []
        for letter in queued:
            # Others of the same database are of a test before, and sealed with its key.
            with suppress(SecretUnreadable):
                letters.append(self.letter_box.open(letter))
        return letters

    async def code(self) -> str:
        """The one in the only letter since the last time."""
        (letter,) = await self.mail()
        return letter.facts["code"]

    async def kinds(self) -> list[tuple[str, LetterKind]]:
        return [(letter.to, letter.kind) for letter in await self.mail()]

    async def actions(self, user_id: UserId) -> list[str]:
        async with self.storage.unit() as unit:
            return [entry.action for entry in await unit.audit(user_id).read()]


def another_code(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"
