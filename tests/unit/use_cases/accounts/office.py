"""An installation in memory, as whoever runs it sees its accounts and their letters."""

from datetime import datetime, timedelta

from skua_adapters.email_addresses.in_process import InProcessEmailAddresses
from skua_adapters.letter_renderer.in_process import InProcessLetterRenderer
from skua_adapters.mailer.recording import RecordingMailer
from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_core.domain.account import Account
from skua_core.domain.audit import AuditEntry, verify_chain
from skua_core.domain.handles import hash_of
from skua_core.domain.letter import Letter, LetterKind
from skua_core.domain.secret import Secret
from skua_core.domain.session import ApiKey, Device, KeyAccess, Session
from skua_core.domain.user import Actor, User
from skua_core.ids import ApiKeyId, DeviceId, SessionId, UserId
from skua_core.ports.account_vault import AccountVault
from skua_core.use_cases.accounts.dispatch import DispatchMail
from skua_core.use_cases.accounts.letters import LetterBox
from skua_core.use_cases.accounts.operators import CreateUser, CreateUserCommand
from skua_core.use_cases.accounts.signed_in import SignedIn
from tests.unit.use_cases.world import World

EMAIL, PASSWORD = "ana@example.org", Secret("a gull sat on the mast")
SHELL = "cli:ana"


class Office:
    def __init__(self, world: World | None = None, *, vault: AccountVault | None = None) -> None:
        self.world = world or World()
        self.storage = self.world.accounts
        self.letters = LetterBox(vault=vault or self.world.account_vault, ids=self.world.ids)
        self.mailer = RecordingMailer()
        self.hasher = FakePasswordHasher()
        self.emails = InProcessEmailAddresses()
        self.dispatch = DispatchMail(
            storage=self.storage,
            letters=self.letters,
            renderer=InProcessLetterRenderer(),
            mailer=self.mailer,
        )
        self.create = CreateUser(
            storage=self.storage,
            platform=self.world.platform,
            emails=self.emails,
            hasher=self.hasher,
            ids=self.world.ids,
        )

    async def operator(self) -> Actor:
        local = await self.world.platform.ensure_user(SHELL)
        return Actor(user_id=local.id, name=local.login, user_agent="skua/tests")

    async def user(self, email: str = EMAIL, *, take_over: str | None = None) -> User:
        return await self.create(
            CreateUserCommand(
                email=email,
                name="Ana",
                password=PASSWORD,
                take_over_local=take_over,
                actor=await self.operator(),
            )
        )

    async def account(self, user_id: UserId) -> Account | None:
        async with self.storage.unit() as unit:
            return await unit.accounts.get(user_id)

    async def live_sessions(self, user_id: UserId) -> int:
        async with self.storage.unit() as unit:
            return len(await unit.sessions.of_user(user_id))

    async def sign_in(self, user: User, *, stepped_up: bool = True) -> SignedIn:
        """With a session, a device and a key."""
        now = self.world.clock.now()
        session = Session(
            id=SessionId(self.world.ids.new()),
            sid_hash=hash_of(str(self.world.ids.new())),
            user_id=user.id,
            created_at=now,
            issued_at=now,
            last_seen_at=now,
            absolute_until=now + timedelta(days=90),
            stepped_up_at=now if stepped_up else None,
            ip="192.0.2.7",
            user_agent="Firefox",
        )
        async with self.storage.unit() as unit:
            await unit.sessions.add(session)
            await unit.devices.add(self._device(user, now))
            await unit.api_keys.add(self._key(user, now))
            await unit.recovery_codes.replace(user.id, [b"1" * 32, b"2" * 32])
            await unit.commit()
        actor = Actor(user_id=user.id, name=user.login, ip="192.0.2.7", user_agent="Firefox")
        return SignedIn(user=user, actor=actor, session=session)

    async def post(self, to: str = EMAIL, kind: LetterKind = LetterKind.VERIFY_EMAIL) -> None:
        facts = {"code": "12345678", "at": self.world.clock.now().isoformat()}
        async with self.storage.unit() as unit:
            await self.letters.post(unit, Letter(to=to, kind=kind, facts=facts))
            await unit.commit()

    async def waiting(self) -> int:
        """Letters in the outbox, due or not."""
        return len(self.world.memory.accounts.mails.rows)

    async def audit(self, user_id: UserId) -> list[AuditEntry]:
        """The user's chain, which has to be whole."""
        async with self.storage.unit() as unit:
            trail = unit.audit(user_id)
            entries = list(await trail.read())
            verify_chain(str(user_id), entries, await trail.head())
        return entries

    def _device(self, user: User, now: datetime) -> Device:
        return Device(
            id=DeviceId(self.world.ids.new()),
            token_hash=hash_of(str(self.world.ids.new())),
            user_id=user.id,
            created_at=now,
            last_seen_at=now,
        )

    def _key(self, user: User, now: datetime) -> ApiKey:
        return ApiKey(
            id=ApiKeyId(self.world.ids.new()),
            secret_hash=hash_of(str(self.world.ids.new())),
            user_id=user.id,
            name="reports",
            access=KeyAccess.READ,
            bots=None,
            created_at=now,
            expires_at=None,
        )
