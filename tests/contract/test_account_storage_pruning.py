"""What ended is forgotten after a while; what lives, and what only just ended, is not."""

from datetime import timedelta

import pytest

from skua_core.domain.account import Account
from skua_core.domain.challenge import CODE_LIVES
from skua_core.domain.handles import hash_of
from skua_core.domain.session import DEVICE_LIVES, SESSION_LIVES, EndReason, Session
from skua_core.ports.account_storage import AccountUnit
from tests.contract.rigs.account_objects import CAP, a_challenge, a_device, a_session
from tests.contract.rigs.account_storage import DAY, AccountRig

WEEK = 7 * DAY


@pytest.fixture
async def ana(accounts: AccountRig) -> Account:
    """Alone with the storage."""
    await accounts.let_pass(1000 * DAY)
    await prune(accounts)
    return await accounts.register()


async def prune(rig: AccountRig) -> int:
    """What ended more than a week ago."""
    async with rig.changing() as unit:
        return await unit.prune(before=await unit.now() - timedelta(seconds=WEEK))


async def add_session(unit: AccountUnit, account: Account, **fields: object) -> Session:
    session = await a_session(unit, account, **fields)
    await unit.sessions.add(session)
    return session


async def test_a_challenge_is_forgotten_when_its_code_is_long_past(
    accounts: AccountRig, ana: Account
) -> None:
    login = ana.user.login
    async with accounts.changing() as unit:
        await unit.challenges.add(await a_challenge(unit, login, name="Ana"))
    await accounts.let_pass(WEEK + CODE_LIVES.total_seconds() - 60)
    early = await prune(accounts)
    await accounts.let_pass(61)

    assert (early, await prune(accounts), await prune(accounts)) == (0, 1, 0)
    async with accounts.storage.unit() as unit:
        assert await unit.challenges.lock(hash_of(login)) is None


@pytest.mark.parametrize("end", ["revoked", "not rolled", "capped"])
async def test_a_session_is_forgotten_a_while_after_its_end(
    accounts: AccountRig, ana: Account, end: str
) -> None:
    async with accounts.changing() as unit:
        now = await unit.now()
        capped = now + timedelta(days=1) if end == "capped" else now + CAP
        await add_session(unit, ana, absolute_until=capped)
    await accounts.let_pass({"revoked": 60, "not rolled": SESSION_LIVES.days * DAY}.get(end, DAY))
    if end == "revoked":
        async with accounts.changing() as unit:
            await unit.sessions.revoke(ana.user.id, EndReason.LOGGED_OUT)
    await accounts.let_pass(WEEK - 60)
    early = await prune(accounts)
    await accounts.let_pass(120)

    assert (early, await prune(accounts)) == (0, 1)


async def test_a_session_that_is_rolled_is_never_forgotten(
    accounts: AccountRig, ana: Account
) -> None:
    async with accounts.changing() as unit:
        session = await add_session(unit, ana)
    for _ in range(8):
        await accounts.let_pass(10 * DAY)
        async with accounts.changing() as unit:
            await unit.sessions.roll(session.id)

        assert await prune(accounts) == 0


async def test_a_device_is_forgotten_and_its_session_goes_on(
    accounts: AccountRig, ana: Account
) -> None:
    async with accounts.changing() as unit:
        device = await a_device(unit, ana)
        await unit.devices.add(device)
    await accounts.let_pass(DEVICE_LIVES.days * DAY)
    async with accounts.changing() as unit:
        session = await add_session(unit, ana, device_id=device.id)
    early = await prune(accounts)
    await accounts.let_pass(WEEK + 60)

    assert (early, await prune(accounts)) == (0, 1)
    async with accounts.storage.unit() as unit:
        live = await unit.sessions.live(session.sid_hash)
    assert live is not None
    assert live.session.device_id is None
