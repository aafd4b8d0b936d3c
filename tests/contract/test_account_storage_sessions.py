"""Sessions and known devices: what lives, until when, and who ends it."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from skua_core.domain.account import Account, Totp
from skua_core.domain.handles import hash_of
from skua_core.domain.secret import SealedSecret
from skua_core.domain.session import (
    DEVICE_LIVES,
    SESSION_LIVES,
    Device,
    EndReason,
    LiveSession,
    Session,
)
from skua_core.ids import DeviceId, SessionId
from tests.contract.rigs.account_objects import CAP, a_device, a_session
from tests.contract.rigs.account_storage import DAY, AccountRig


@pytest.fixture
async def ana(accounts: AccountRig) -> Account:
    return await accounts.register()


async def begin(rig: AccountRig, account: Account, **fields: Any) -> Session:
    async with rig.changing() as unit:
        session = await a_session(unit, account, **fields)
        await unit.sessions.add(session)
    return session


async def live(rig: AccountRig, session: Session) -> LiveSession | None:
    """As a request looks it up."""
    async with rig.changing() as unit:
        return await unit.sessions.live(session.sid_hash)


async def sessions_of(rig: AccountRig, account: Account) -> list[SessionId]:
    async with rig.storage.unit() as unit:
        return [each.id for each in await unit.sessions.of_user(account.user.id)]


async def roll(rig: AccountRig, session: Session) -> datetime | None:
    async with rig.changing() as unit:
        return await unit.sessions.roll(session.id)


async def revoke(rig: AccountRig, account: Account, **which: Any) -> int:
    async with rig.changing() as unit:
        return await unit.sessions.revoke(account.user.id, EndReason.LOGGED_OUT, **which)


# Whose a cookie is


async def test_a_session_tells_whose_it_is(accounts: AccountRig, ana: Account) -> None:
    async with accounts.changing() as unit:
        device = await a_device(unit, ana)
        await unit.devices.add(device)
    session = await begin(
        accounts,
        ana,
        ip="2001:db8::1",
        user_agent="Browser/1",
        device_id=device.id,
        stepped_up_at=await accounts.now(),
    )

    assert await live(accounts, session) == LiveSession(
        session=session, user=ana.user, totp_enabled=False
    )


async def test_only_a_second_factor_that_was_confirmed_counts(accounts: AccountRig) -> None:
    totp = Totp(sealed=SealedSecret("v1.k1.c2VhbGVk"))
    account = await accounts.register(totp=totp)
    session = await begin(accounts, account)
    begun = await live(accounts, session)
    totp.confirmed = True
    await accounts.save(msgspec.structs.replace(account, totp=totp))
    confirmed = await live(accounts, session)

    assert (begun and begun.totp_enabled, confirmed and confirmed.totp_enabled) == (False, True)


async def test_a_user_without_credentials_may_have_a_session(accounts: AccountRig) -> None:
    user = await accounts.platform.ensure_user(f"cli:{accounts.ids.new()}")
    session = await begin(accounts, Account(user=user))

    found = await live(accounts, session)

    assert found is not None
    assert not found.totp_enabled


async def test_a_cookie_that_nobody_was_given_is_nobody_s(accounts: AccountRig) -> None:
    async with accounts.storage.unit() as unit:
        assert await unit.sessions.live(hash_of("no session")) is None


async def test_a_session_ends_thirty_days_after_it_was_rolled(
    accounts: AccountRig, ana: Account
) -> None:
    session = await begin(accounts, ana)
    await accounts.let_pass(29 * DAY)
    rolled = await roll(accounts, session)
    await accounts.let_pass(29 * DAY)
    after_two_months = await live(accounts, session)
    await accounts.let_pass(DAY)

    assert rolled is not None
    assert after_two_months is not None
    assert await live(accounts, session) is None
    assert await roll(accounts, session) is None
    assert await sessions_of(accounts, ana) == []


async def test_rolling_never_passes_the_cap(accounts: AccountRig, ana: Account) -> None:
    session = await begin(accounts, ana)
    for _ in range(CAP // timedelta(days=15) - 1):
        await accounts.let_pass(15 * DAY)
        assert await roll(accounts, session) is not None
    await accounts.let_pass(15 * DAY)

    assert await live(accounts, session) is None
    assert await roll(accounts, session) is None


async def test_a_rolled_session_says_when(accounts: AccountRig, ana: Account) -> None:
    session = await begin(accounts, ana)
    await accounts.let_pass(DAY)
    before = await accounts.now()
    rolled = await roll(accounts, session)
    after = await accounts.now()
    found = await live(accounts, session)

    assert rolled is not None
    assert before <= rolled <= after
    assert found is not None
    assert found.session.issued_at == rolled


async def test_a_disabled_user_s_sessions_stand_for_nobody(
    accounts: AccountRig, ana: Account
) -> None:
    session = await begin(accounts, ana)
    disabled = msgspec.structs.replace(ana.user, disabled_at=await accounts.now())
    await accounts.save(msgspec.structs.replace(ana, user=disabled))

    assert await live(accounts, session) is None

    await accounts.save(ana)

    assert await live(accounts, session) is not None


async def test_being_seen_is_noted_once_a_minute(accounts: AccountRig, ana: Account) -> None:
    session = await begin(accounts, ana)
    await accounts.let_pass(30)
    await _seen(accounts, session)
    assert await _unseen_for(accounts, session) >= timedelta(seconds=30)
    await accounts.let_pass(31)

    assert await _unseen_for(accounts, session) >= timedelta(seconds=61)
    assert await _unseen_for(accounts, session) < timedelta(seconds=30)


async def _unseen_for(rig: AccountRig, session: Session) -> timedelta:
    """As it was before this look."""
    found = await _seen(rig, session)
    return await rig.now() - found.last_seen_at


async def _seen(rig: AccountRig, session: Session) -> Session:
    found = await live(rig, session)
    assert found is not None
    return found.session


async def test_a_password_that_was_shown_is_remembered(accounts: AccountRig, ana: Account) -> None:
    session, other = await begin(accounts, ana), await begin(accounts, ana)
    async with accounts.changing() as unit:
        await unit.sessions.step_up(session.id)

    now = await accounts.now()
    assert (await _seen(accounts, session)).stepped_up(now)
    assert not (await _seen(accounts, other)).stepped_up(now)
    await accounts.let_pass(15 * 60)
    assert not (await _seen(accounts, session)).stepped_up(await accounts.now())


# Its end


async def test_a_revoked_session_is_over_at_once_and_for_good(
    accounts: AccountRig, ana: Account
) -> None:
    session = await begin(accounts, ana)

    assert await revoke(accounts, ana) == 1
    assert await live(accounts, session) is None
    assert await roll(accounts, session) is None
    async with accounts.changing() as unit:
        await unit.sessions.step_up(session.id)
    assert await live(accounts, session) is None
    assert await revoke(accounts, ana) == 0


async def test_one_or_all_or_all_but_one_are_ended(accounts: AccountRig, ana: Account) -> None:
    ben = await accounts.register()
    theirs = await begin(accounts, ben)
    first, second, third, fourth = [await begin(accounts, ana) for _ in range(4)]

    assert await revoke(accounts, ana, only=second.id) == 1
    assert set(await sessions_of(accounts, ana)) == {first.id, third.id, fourth.id}
    assert await revoke(accounts, ana, only=theirs.id) == 0
    assert await revoke(accounts, ana, but=third.id) == 2
    assert await sessions_of(accounts, ana) == [third.id]
    assert await revoke(accounts, ana) == 1
    assert await sessions_of(accounts, ana) == []
    assert await sessions_of(accounts, ben) == [theirs.id]


async def test_what_is_over_by_itself_is_not_counted_among_the_ended(
    accounts: AccountRig, ana: Account
) -> None:
    await begin(accounts, ana)
    await accounts.let_pass(SESSION_LIVES.total_seconds())
    fresh = await begin(accounts, ana)

    assert await sessions_of(accounts, ana) == [fresh.id]
    assert await revoke(accounts, ana) == 1


async def test_sessions_are_listed_newest_first(accounts: AccountRig, ana: Account) -> None:
    begun = []
    for _ in range(3):
        begun.append((await begin(accounts, ana)).id)
        await accounts.let_pass(1)

    assert await sessions_of(accounts, ana) == begun[::-1]


async def test_an_end_is_kept_with_its_reason(accounts: AccountRig, ana: Account) -> None:
    session = await begin(
        accounts, ana, revoked_at=await accounts.now(), end_reason=EndReason.TOO_MANY
    )

    assert await live(accounts, session) is None
    assert await sessions_of(accounts, ana) == []


# Known devices


async def make_known(rig: AccountRig, account: Account) -> Device:
    async with rig.changing() as unit:
        device = await a_device(unit, account, ip="192.0.2.1", user_agent="Browser/1")
        await unit.devices.add(device)
    return device


async def find(rig: AccountRig, account: Account, device: Device) -> Device | None:
    async with rig.changing() as unit:
        return await unit.devices.find(account.user.id, device.token_hash)


async def devices_of(rig: AccountRig, account: Account) -> list[Device]:
    async with rig.storage.unit() as unit:
        return list(await unit.devices.of_user(account.user.id))


async def test_a_device_is_known_to_its_own_user(accounts: AccountRig, ana: Account) -> None:
    ben = await accounts.register()
    device = await make_known(accounts, ana)

    found = await find(accounts, ana, device)

    assert found is not None
    assert msgspec.structs.replace(found, last_seen_at=device.last_seen_at) == device
    assert await find(accounts, ben, device) is None


async def test_being_found_is_being_seen(accounts: AccountRig, ana: Account) -> None:
    device = await make_known(accounts, ana)
    await accounts.let_pass(DAY)
    await find(accounts, ana, device)

    (seen,) = await devices_of(accounts, ana)
    assert seen.last_seen_at - seen.created_at >= timedelta(days=1)
    assert await accounts.now() - seen.last_seen_at < timedelta(minutes=1)


async def test_a_device_is_forgotten_after_half_a_year(accounts: AccountRig, ana: Account) -> None:
    device = await make_known(accounts, ana)
    await accounts.let_pass(DEVICE_LIVES.total_seconds() - DAY)
    almost = await find(accounts, ana, device)
    await accounts.let_pass(DAY)

    assert almost is not None
    assert await find(accounts, ana, device) is None
    assert await devices_of(accounts, ana) == []


async def test_devices_are_listed_newest_first_and_removed(
    accounts: AccountRig, ana: Account
) -> None:
    ben = await accounts.register()
    theirs = await make_known(accounts, ben)
    made = []
    for _ in range(3):
        made.append(await make_known(accounts, ana))
        await accounts.let_pass(1)
    listed = [device.id for device in await devices_of(accounts, ana)]
    assert listed == [device.id for device in reversed(made)]

    async with accounts.changing() as unit:
        assert await unit.devices.remove(ana.user.id, only=theirs.id) == 0
        assert await unit.devices.remove(ana.user.id, only=made[1].id) == 1
        assert await unit.devices.remove(ana.user.id, only=DeviceId(accounts.ids.new())) == 0
    assert await find(accounts, ana, made[1]) is None
    assert await find(accounts, ana, made[0]) is not None
    async with accounts.changing() as unit:
        assert await unit.devices.remove(ana.user.id) == 2
    assert await devices_of(accounts, ana) == []
    assert await find(accounts, ben, theirs) is not None


async def test_a_session_outlives_its_device(accounts: AccountRig, ana: Account) -> None:
    device = await make_known(accounts, ana)
    session = await begin(accounts, ana, device_id=device.id)
    async with accounts.changing() as unit:
        await unit.devices.remove(ana.user.id)

    assert (await _seen(accounts, session)).device_id is None
