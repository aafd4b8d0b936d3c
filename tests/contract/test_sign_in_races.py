"""Signing in on PostgreSQL, many at once, each over a connection of its own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters.account_storage.postgres import PostgresAccountStorage
from skua_adapters.id_factory.uuid7 import Uuid7IdFactory
from skua_core.domain.audit import verify_chain
from skua_core.domain.limits import Bucket, Limits
from skua_core.domain.session import MOST_DEVICES, MOST_SESSIONS
from skua_core.errors import NotSignedIn, SecondFactorRequired, SkuaError, StorageUnavailable
from skua_core.use_cases.accounts.devices import RevokeDevices, RevokeDevicesCommand
from skua_core.use_cases.accounts.second_factor import NewRecoveryCodes, NewRecoveryCodesCommand
from skua_core.use_cases.accounts.sessions import (
    EndOtherSessions,
    EndOtherSessionsCommand,
    Logout,
    LogoutCommand,
)
from skua_core.use_cases.accounts.signed_in import SignedIn
from tests.postgres_cluster import Database
from tests.unit.use_cases.accounts.house import WRONG, House

pytestmark = pytest.mark.external

MANY = 50


def roomy(name: str) -> Bucket:
    """Here the database decides, not the limiter."""
    return Bucket(name, 10_000, 1)


ROOMY = Limits(**{name: roomy(name) for name in Limits.__struct_fields__})


@pytest.fixture
async def house(migrated_database: Database) -> AsyncIterator[House]:
    engine = create_engine(migrated_database.url_of(roles.APP), pool_size=MANY, connect_timeout=30)
    yield House(storage=PostgresAccountStorage(engine), ids=Uuid7IdFactory(), limits=ROOMY)
    await engine.dispose()


def an_address() -> str:
    return f"{uuid4()}@example.org"


async def at_once(*attempts: Awaitable[object]) -> Counter[type]:
    """How many ended how; what isn't a refusal is raised."""
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, StorageUnavailable) or (
            isinstance(answer, BaseException) and not isinstance(answer, SkuaError)
        ):
            raise answer
    return Counter(type(answer) for answer in answers)


async def test_of_fifty_uses_of_one_code_one_signs_in(house: House) -> None:
    email = an_address()
    secret = await house.add_totp(await house.register(email))
    code = house.code_of(secret)

    ends = await at_once(*(house.log_in(email=email, totp=code) for _ in range(MANY)))

    assert ends[SecondFactorRequired] == MANY - 1


async def test_of_fifty_wrong_passwords_each_is_counted(house: House) -> None:
    email = an_address()
    user_id = await house.register(email)

    await at_once(*(house.log_in(WRONG, email=email) for _ in range(MANY)))

    assert (await house.account(user_id)).failures == MANY


async def test_of_fifty_who_roll_while_one_logs_out_nobody_stays(house: House) -> None:
    email = an_address()
    user_id = await house.register(email)
    logged_in = await house.log_in(email=email)
    claims = house.tokens.read(logged_in.token.reveal(), now=house.clock.now())
    assert claims is not None
    week_old = msgspec.structs.replace(claims, issued_at=claims.issued_at - timedelta(days=7))
    old = house.tokens.issue(week_old)

    logout = Logout(storage=house.storage)(LogoutCommand(signed_in=logged_in.signed_in))
    await at_once(*(house.show(old) for _ in range(MANY // 2)), logout)

    for token in (old, logged_in.token):
        with pytest.raises(NotSignedIn):
            await house.show(token)
    async with house.storage.unit() as unit:
        assert not await unit.sessions.of_user(user_id)


async def test_whatever_one_account_does_at_once_nothing_gets_stuck(house: House) -> None:
    email = an_address()
    user_id = await house.register(email)
    secret = await house.add_totp(user_id)
    ana = (await house.log_in(email=email, totp=house.code_of(secret))).signed_in
    codes = await NewRecoveryCodes(storage=house.storage)(NewRecoveryCodesCommand(signed_in=ana))

    await at_once(
        *(house.log_in(email=email, totp=code.reveal()) for code in codes),
        *(house.prove_again(ana, totp=code.reveal()) for code in codes),
        *(what_touches_everything(house, ana) for _ in range(10)),
    )

    async with house.storage.unit() as unit:
        trail = unit.audit(user_id)
        entries, head = await trail.read(), await trail.head()
        assert len(await unit.sessions.of_user(user_id)) <= MOST_SESSIONS
        assert len(await unit.devices.of_user(user_id)) <= MOST_DEVICES
    assert verify_chain(str(user_id), entries, head) == len(entries)


async def what_touches_everything(house: House, ana: SignedIn) -> None:
    await EndOtherSessions(storage=house.storage)(EndOtherSessionsCommand(signed_in=ana))
    await RevokeDevices(storage=house.storage)(RevokeDevicesCommand(signed_in=ana))
