"""One address, made an account's in two ways at once, each over a connection of its own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters.account_storage.postgres import PostgresAccountStorage
from skua_adapters.account_vault.in_memory import InMemoryAccountVault
from skua_adapters.clock.system import SystemClock
from skua_adapters.email_addresses.in_process import InProcessEmailAddresses
from skua_adapters.id_factory.uuid7 import Uuid7IdFactory
from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_adapters.platform_storage.postgres import PostgresPlatformStorage
from skua_adapters.rate_limiter.in_process import InProcessRateLimiter
from skua_core.domain.account import Account, Caller, PasswordHash
from skua_core.domain.audit import verify_chain
from skua_core.domain.challenge import CODE_LIVES, Challenge, ChallengePurpose
from skua_core.domain.handles import hash_of, new_handle
from skua_core.domain.limits import Bucket, Limits
from skua_core.domain.secret import Secret
from skua_core.domain.user import Actor, User
from skua_core.errors import CodeInvalid, EmailInUse, LocalUserTaken
from skua_core.use_cases.accounts.codes import Codes
from skua_core.use_cases.accounts.operators import CreateUser, CreateUserCommand
from skua_core.use_cases.accounts.registration import (
    VerifyRegistration,
    VerifyRegistrationCommand,
)
from tests.postgres_cluster import Database

pytestmark = pytest.mark.external

MANY = 50
ROOMY = Limits(**{name: Bucket(name, 10_000, 1) for name in Limits.__struct_fields__})
CALLER = Caller(ip="192.0.2.1", user_agent="Firefox")
PASSWORD = Secret("a heron on one leg, waiting")


@dataclass
class Door:
    """Both ways to an account, over one database."""

    storage: PostgresAccountStorage
    codes: Codes
    create: CreateUser
    verify: VerifyRegistration
    operator: Actor

    async def begin(self, login: str) -> VerifyRegistrationCommand:
        """A registration with its right code."""
        handle = new_handle()
        code = self.codes.new(ChallengePurpose.REGISTER, hash_of(handle))
        async with self.storage.unit() as unit:
            now = await unit.now()
            await unit.challenges.add(
                Challenge(
                    handle_hash=hash_of(handle),
                    purpose=ChallengePurpose.REGISTER,
                    login=login,
                    code_mac=code.mac,
                    expires_at=now + CODE_LIVES,
                    created_at=now,
                    name="Ana",
                    password=PasswordHash("fake$1$hash"),
                )
            )
            await unit.commit()
        return VerifyRegistrationCommand(registration_id=handle, code=code.text, caller=CALLER)

    def command(self, login: str, take_over: str | None = None) -> CreateUserCommand:
        return CreateUserCommand(
            email=login,
            name="Ana",
            password=PASSWORD,
            take_over_local=take_over,
            actor=self.operator,
        )

    async def account(self, login: str) -> Account | None:
        async with self.storage.unit() as unit:
            return await unit.accounts.by_login(login)


@pytest.fixture
async def door(migrated_database: Database) -> AsyncIterator[Door]:
    engine = create_engine(migrated_database.url_of(roles.APP), pool_size=MANY, connect_timeout=30)
    ids = Uuid7IdFactory()
    storage = PostgresAccountStorage(engine)
    platform = PostgresPlatformStorage(engine, ids=ids)
    codes = Codes(
        storage=storage,
        vault=InMemoryAccountVault(),
        limiter=InProcessRateLimiter(SystemClock()),
        limits=ROOMY,
    )
    shell = await platform.ensure_user("cli:root")
    yield Door(
        storage=storage,
        codes=codes,
        create=CreateUser(
            storage=storage,
            platform=platform,
            emails=InProcessEmailAddresses(),
            hasher=FakePasswordHasher(),
            ids=ids,
        ),
        verify=VerifyRegistration(storage=storage, codes=codes, ids=ids),
        operator=Actor(user_id=shell.id, name=shell.login),
    )
    await engine.dispose()


async def ends(door: Door, login: str, *, take_over: bool) -> Counter[type]:
    """How 50 attempts ended, half with a right code and half at the shell, all at once."""
    registrations = [await door.begin(login) for _ in range(MANY // 2)]
    locals_ = [f"cli:{uuid4()}" if take_over else None for _ in range(MANY // 2)]
    answers = await asyncio.gather(
        *(
            attempt
            for registration, local in zip(registrations, locals_, strict=True)
            for attempt in (door.verify(registration), door.create(door.command(login, local)))
        ),
        return_exceptions=True,
    )
    return Counter(type(answer) for answer in answers if isinstance(answer, BaseException))


@pytest.mark.parametrize("take_over", [False, True], ids=["new", "taking-over"])
async def test_an_address_confirmed_and_created_at_once_is_one_account(
    door: Door, *, take_over: bool
) -> None:
    for _ in range(5):
        login = f"{uuid4()}@example.org"

        refused = await ends(door, login, take_over=take_over)

        assert set(refused) <= {CodeInvalid, EmailInUse}
        assert refused.total() == MANY - 1
        account = await door.account(login)
        assert account is not None
        async with door.storage.unit() as unit:
            trail = unit.audit(account.user.id)
            entries = await trail.read()
            verify_chain(str(account.user.id), entries, await trail.head())
        [entry] = entries
        assert entry.action in {"account.registered", "account.created"}


async def test_of_fifty_who_take_one_local_user_over_one_does(door: Door) -> None:
    local = f"cli:{uuid4()}"
    logins = [f"{uuid4()}@example.org" for _ in range(MANY)]

    answers = await asyncio.gather(
        *(door.create(door.command(login, local)) for login in logins), return_exceptions=True
    )

    assert Counter(type(answer) for answer in answers) == {User: 1, LocalUserTaken: MANY - 1}
    accounts = [await door.account(login) for login in logins]
    [account] = [each for each in accounts if each is not None]
    assert account.user.local_login == local
