"""Signing in, in memory: every use case with its ports, and what the tests ask of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from skua_adapters._memory import Memory
from skua_adapters._memory.tables import OpenTable
from skua_adapters.account_storage.in_memory import InMemoryAccountStorage
from skua_adapters.account_vault.in_memory import InMemoryAccountVault
from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.clock.system import SystemClock
from skua_adapters.email_addresses.in_process import InProcessEmailAddresses
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_adapters.platform_storage.in_memory import InMemoryPlatformStorage
from skua_adapters.rate_limiter.in_process import InProcessRateLimiter
from skua_adapters.session_tokens.in_memory import InMemorySessionTokens
from skua_core.domain.account import Account, Caller, Totp
from skua_core.domain.audit import AuditEntry
from skua_core.domain.letter import Letter
from skua_core.domain.limits import Limits
from skua_core.domain.secret import Secret
from skua_core.domain.session import Device, Session, SessionPolicy
from skua_core.domain.totp import new_totp_secret, step_of, totp_code
from skua_core.domain.user import User
from skua_core.ids import UserId
from skua_core.ports.account_storage import AccountStorage
from skua_core.ports.account_vault import AccountPurpose
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.use_cases.accounts.codes import Codes
from skua_core.use_cases.accounts.factor_check import FactorCheck
from skua_core.use_cases.accounts.letters import LetterBox
from skua_core.use_cases.accounts.login import LoggedIn, Login, LoginCommand
from skua_core.use_cases.accounts.login_permits import LoginPermits
from skua_core.use_cases.accounts.new_sessions import NewSessions
from skua_core.use_cases.accounts.sessions import (
    Authenticate,
    AuthenticateCommand,
    Authenticated,
    StepUp,
    StepUpCommand,
)
from skua_core.use_cases.accounts.signed_in import SignedIn
from skua_core.use_cases.accounts.unlocking import Unlocking

START = datetime(2026, 11, 1, 12, 0, 0, 250_000, tzinfo=UTC)
ANA = "ana@example.org"
RIGHT = "a quiet harbour at dawn"
WRONG = "a noisy harbour at dusk"
HOME = "192.0.2.1"


def at(ip: str = HOME, device: Secret | None = None) -> Caller:
    token = None if device is None else device.reveal()
    return Caller(ip=ip, user_agent="Firefox", device_token=token)


class House:
    def __init__(
        self,
        *,
        policy: SessionPolicy | None = None,
        storage: AccountStorage | None = None,
        ids: IdFactory | None = None,
        limits: Limits | None = None,
    ) -> None:
        """``storage`` and ``ids`` of another sort go together with the system's time."""
        self.clock: Clock = FrozenClock(START) if storage is None else SystemClock()
        self.ids = ids or CountedIdFactory(START)
        self.memory = Memory(self.clock)
        self.storage = storage or InMemoryAccountStorage(self.memory)
        self.platform = InMemoryPlatformStorage(self.memory, ids=self.ids)
        self.vault = InMemoryAccountVault()
        self.hasher = FakePasswordHasher()
        self.limiter = InProcessRateLimiter(self.clock)
        self.limits = limits or Limits()
        self.tokens = InMemorySessionTokens()
        self.letter_box = LetterBox(vault=self.vault, ids=self.ids)
        self.factors = FactorCheck(vault=self.vault)
        codes = Codes(
            storage=self.storage, vault=self.vault, limiter=self.limiter, limits=self.limits
        )
        self.login = Login(
            storage=self.storage,
            hasher=self.hasher,
            addresses=InProcessEmailAddresses(),
            tokens=self.tokens,
            ids=self.ids,
            permits=LoginPermits(limiter=self.limiter, limits=self.limits),
            unlocking=Unlocking(storage=self.storage, codes=codes, letters=self.letter_box),
            factors=self.factors,
            sessions=NewSessions(
                ids=self.ids, letters=self.letter_box, policy=policy or SessionPolicy()
            ),
        )
        self.authenticate = Authenticate(storage=self.storage, tokens=self.tokens, clock=self.clock)
        self.step_up = StepUp(
            storage=self.storage,
            hasher=self.hasher,
            factors=self.factors,
            limiter=self.limiter,
            limits=self.limits,
        )

    async def register(
        self, login: str = ANA, password: str | None = RIGHT, **fields: Any
    ) -> UserId:
        """An account whose address is verified."""
        hashed = None if password is None else await self.hasher.hash(Secret(password))
        now = self.clock.now()
        user = User(id=UserId(self.ids.new()), login=login, name="Ana", created_at=now)
        account = Account(user=user, password=hashed, **fields)
        async with self.storage.unit() as unit:
            await unit.accounts.add(account)
            await unit.commit()
        return user.id

    async def change(self, user_id: UserId, **fields: Any) -> None:
        """Change an account, or its user, past all use cases."""
        async with self.storage.unit() as unit:
            account = await unit.accounts.get(user_id, lock=True)
            assert account is not None
            for name, value in fields.items():
                owner = account if name in Account.__struct_fields__ else account.user
                setattr(owner, name, value)
            await unit.accounts.save(account)
            await unit.commit()

    async def add_totp(self, user_id: UserId) -> Secret:
        secret = new_totp_secret()
        sealed = self.vault.seal(AccountPurpose.TOTP, user_id, secret)
        await self.change(user_id, totp=Totp(sealed=sealed, confirmed=True))
        return secret

    def code_of(self, secret: Secret, *, steps: int = 0) -> str:
        """What the authenticator shows now, or showed so many steps ago."""
        return totp_code(secret, step_of(self.clock.now()) + steps)

    async def log_in(
        self,
        password: str = RIGHT,
        *,
        email: str = ANA,
        totp: str | None = None,
        caller: Caller | None = None,
    ) -> LoggedIn:
        command = LoginCommand(
            email=email, password=Secret(password), totp=totp, caller=caller or at()
        )
        return await self.login(command)

    async def show(self, token: Secret) -> Authenticated:
        """What a request with this cookie comes in with."""
        return await self.authenticate(AuthenticateCommand(token=token.reveal(), caller=at()))

    async def prove_again(
        self, signed_in: SignedIn, password: str = RIGHT, *, totp: str | None = None
    ) -> None:
        await self.step_up(
            StepUpCommand(signed_in=signed_in, password=Secret(password), totp=totp, caller=at())
        )

    async def account(self, user_id: UserId) -> Account:
        async with self.storage.unit() as unit:
            account = await unit.accounts.get(user_id)
            assert account is not None
            return account

    async def letters(self) -> list[Letter]:
        """Those that wait in the outbox; they are gone then."""
        async with self.storage.unit() as unit:
            queued = await unit.outbox.take(limit=1000, hold=60)
            for letter in queued:
                await unit.outbox.sent(letter.id)
            await unit.commit()
        return [self.letter_box.open(letter) for letter in queued]

    @property
    def sessions(self) -> list[Session]:
        """Every row that is kept, live or not."""
        return list(OpenTable(self.memory.accounts.sessions).values())

    @property
    def devices(self) -> list[Device]:
        return list(OpenTable(self.memory.accounts.devices).values())

    async def audited(self, user_id: UserId) -> Sequence[AuditEntry]:
        async with self.storage.unit() as unit:
            return await unit.audit(user_id).read()

    def wait(self, **duration: float) -> None:
        assert isinstance(self.clock, FrozenClock)
        self.clock.advance(timedelta(**duration).total_seconds())
