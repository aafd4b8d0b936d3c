"""Accounts: one for each address, changed under a lock, gone without a trace."""

import asyncio

import msgspec
import pytest

from skua_core.domain.account import Account, PasswordHash, Totp
from skua_core.domain.secret import SealedSecret
from skua_core.domain.user import User
from skua_core.errors import AccountOwnsBots, EmailInUse, UserNotFound
from skua_core.ids import UserId
from skua_core.ports.tenant_storage import UnitKind
from tests.contract.rigs.account_objects import a_challenge, a_device, a_key, a_session
from tests.contract.rigs.account_storage import DAY, AccountRig

SEALED = SealedSecret("v1.k1.c2VhbGVk")


async def test_an_account_is_found_by_its_id_and_its_login(accounts: AccountRig) -> None:
    account = await accounts.register(
        totp=Totp(sealed=SEALED, confirmed=True, last_step=58_000_000), failures=3
    )

    async with accounts.storage.unit() as unit:
        for lock in (False, True):
            assert await unit.accounts.get(account.user.id, lock=lock) == account
            assert await unit.accounts.by_login(account.user.login, lock=lock) == account


async def test_whom_nobody_knows_is_not_found(accounts: AccountRig) -> None:
    async with accounts.storage.unit() as unit:
        for lock in (False, True):
            assert await unit.accounts.get(UserId(accounts.ids.new()), lock=lock) is None
            assert await unit.accounts.by_login("nobody@example.com", lock=lock) is None


async def test_everything_but_the_id_and_the_time_of_its_making_is_saved(
    accounts: AccountRig,
) -> None:
    account = await accounts.register()
    changed = Account(
        user=User(
            id=account.user.id,
            login=f"other-{account.user.login}",
            name="Ana Ruiz",
            created_at=account.user.created_at,
            disabled_at=await accounts.now(),
            local_login=f"cli:{account.user.id}",
        ),
        password=PasswordHash("$2b$04$other"),
        totp=Totp(sealed=SEALED),
        failures=9,
    )
    later = msgspec.structs.replace(changed.user, created_at=await accounts.now())
    await accounts.save(msgspec.structs.replace(changed, user=later))

    assert await accounts.account(account.user.id) == changed

    plain = msgspec.structs.replace(changed, password=None, totp=None, failures=0)
    await accounts.save(plain)

    assert await accounts.account(account.user.id) == plain


async def test_what_was_handed_out_changes_nothing_until_it_is_saved(accounts: AccountRig) -> None:
    account = await accounts.register(totp=Totp(sealed=SEALED))
    async with accounts.changing() as unit:
        found = await unit.accounts.get(account.user.id)
        assert found is not None
        assert found.totp is not None
        found.failures, found.user.name, found.totp.last_step = 4, "Ben", 7

    assert await accounts.account(account.user.id) == account


async def test_a_unit_sees_its_own_changes(accounts: AccountRig) -> None:
    account = await accounts.register()
    changed = msgspec.structs.replace(account, failures=2)
    async with accounts.storage.unit() as unit:
        assert await unit.accounts.get(account.user.id) == account
        await unit.accounts.save(changed)

        assert await unit.accounts.get(account.user.id) == changed


async def test_an_account_that_is_not_there_can_not_be_saved(accounts: AccountRig) -> None:
    stranger = accounts.draft(await accounts.now())
    async with accounts.storage.unit() as unit:
        with pytest.raises(UserNotFound):
            await unit.accounts.save(stranger)


async def test_an_address_has_one_account_and_a_unit_survives_a_second(
    accounts: AccountRig,
) -> None:
    account = await accounts.register()
    async with accounts.changing() as unit:
        with pytest.raises(EmailInUse):
            await unit.accounts.add(
                accounts.draft(account.user.created_at, login=account.user.login)
            )
        await unit.accounts.save(msgspec.structs.replace(account, failures=1))

    stored = await accounts.account(account.user.id)
    assert stored is not None
    assert stored.failures == 1


async def test_an_address_can_not_be_changed_to_somebody_else_s_and_the_unit_goes_on(
    accounts: AccountRig,
) -> None:
    ana, ben = await accounts.register(), await accounts.register(failures=1)
    async with accounts.changing() as unit:
        user = msgspec.structs.replace(ben.user, login=ana.user.login)
        with pytest.raises(EmailInUse):
            await unit.accounts.save(msgspec.structs.replace(ben, user=user, failures=2))
        assert await unit.accounts.get(ben.user.id) == ben
        await unit.accounts.save(msgspec.structs.replace(ben, failures=3))

    assert await accounts.account(ben.user.id) == msgspec.structs.replace(ben, failures=3)


async def test_of_many_who_register_one_address_one_wins(accounts: AccountRig) -> None:
    now = await accounts.now()
    login = f"{accounts.ids.new()}@example.com"

    async def register() -> bool:
        account = accounts.draft(now, login=login)
        async with accounts.changing() as unit:
            try:
                await unit.accounts.add(account)
            except EmailInUse:
                return False
        return True

    assert sum(await asyncio.gather(*(register() for _ in range(10)))) == 1


async def test_two_who_count_up_one_account_both_count(accounts: AccountRig) -> None:
    account = await accounts.register()

    async def count_up(*, by_login: bool) -> None:
        async with accounts.changing() as unit:
            if by_login:
                found = await unit.accounts.by_login(account.user.login, lock=True)
            else:
                found = await unit.accounts.get(account.user.id, lock=True)
            assert found is not None
            await asyncio.sleep(0.01)
            found.failures += 1
            await unit.accounts.save(found)

    await asyncio.gather(*(count_up(by_login=bool(number % 2)) for number in range(8)))

    stored = await accounts.account(account.user.id)
    assert stored is not None
    assert stored.failures == 8


async def test_accounts_are_listed_by_login_page_by_page(accounts: AccountRig) -> None:
    logins = sorted(f"{name}.{accounts.ids.new()}@example.com" for name in ("a-b", "aB", "a_b"))
    for login in logins:
        await accounts.register(login=login)
    found: list[str] = []
    async with accounts.storage.unit() as unit:
        while page := await unit.accounts.page(after=found[-1] if found else None, limit=2):
            assert len(page) <= 2
            found += [account.user.login for account in page]

    assert found == sorted(set(found))
    assert set(logins) <= set(found)


# The local user of the command


async def test_the_local_user_of_the_command_is_an_account_that_can_not_sign_in(
    accounts: AccountRig,
) -> None:
    login = f"cli:{accounts.ids.new()}"
    user = await accounts.platform.ensure_user(login)

    async with accounts.storage.unit() as unit:
        assert await unit.accounts.by_login(login) == Account(user=user)
        assert await unit.accounts.get(user.id, lock=True) == Account(user=user)


async def test_whoever_took_the_local_user_over_is_that_user(accounts: AccountRig) -> None:
    login = f"cli:{accounts.ids.new()}"
    user = await accounts.platform.ensure_user(login)
    taken = msgspec.structs.replace(user, login=f"{user.id}@example.com", local_login=login)
    await accounts.save(Account(user=taken, password=PasswordHash("$2b$04$")))

    assert await accounts.platform.ensure_user(login) == taken
    assert await accounts.platform.ensure_user(taken.login) == taken


async def test_whoever_took_the_local_user_over_comes_before_one_of_that_name(
    accounts: AccountRig,
) -> None:
    login = f"cli:{accounts.ids.new()}"
    await accounts.platform.ensure_user(login)
    account = await accounts.register(local_login=login)

    assert await accounts.platform.ensure_user(login) == account.user


async def test_a_local_user_is_taken_over_once(accounts: AccountRig) -> None:
    login = f"cli:{accounts.ids.new()}"
    await accounts.register(local_login=login)
    ben = await accounts.register()
    async with accounts.storage.unit() as unit:
        with pytest.raises(EmailInUse):
            await unit.accounts.add(accounts.draft(ben.user.created_at, local_login=login))
        user = msgspec.structs.replace(ben.user, local_login=login)
        with pytest.raises(EmailInUse):
            await unit.accounts.save(msgspec.structs.replace(ben, user=user))


# Its end


async def test_nothing_is_left_of_a_removed_account(accounts: AccountRig) -> None:
    other = await accounts.register()
    bot = await accounts.make_bot(other.user.id)
    account = await accounts.register(totp=Totp(sealed=SEALED))
    user_id, login = account.user.id, account.user.login
    async with accounts.changing() as unit:
        device = await a_device(unit, account)
        await unit.devices.add(device)
        await unit.sessions.add(await a_session(unit, account, device_id=device.id))
        await unit.api_keys.add(await a_key(unit, account))
        await unit.recovery_codes.replace(user_id, [b"1"])
        await unit.challenges.add(await a_challenge(unit, login))
        await unit.challenges.add(await a_challenge(unit, f"new-{user_id}", user_id=user_id))
    await accounts.invite(bot.id, login, DAY, None)
    await accounts.grant(bot.id, user_id)
    assert len(await accounts.mentions(str(user_id))) >= 8

    async with accounts.changing() as unit:
        await unit.accounts.remove(user_id)

    assert await accounts.mentions(str(user_id)) == []
    assert await accounts.account(user_id) is None
    assert await accounts.account(other.user.id) == other
    assert await accounts.platform.list_bots(user_id) == []


async def test_an_account_that_owns_bots_can_not_be_removed(accounts: AccountRig) -> None:
    account = await accounts.register()
    slugs = [(await accounts.make_bot(account.user.id)).slug for _ in range(2)]
    async with accounts.changing() as unit:
        with pytest.raises(AccountOwnsBots) as refused:
            await unit.accounts.remove(account.user.id)

    assert refused.value.slugs == sorted(slugs)
    assert await accounts.account(account.user.id) == account


async def test_removing_whom_nobody_knows_changes_nothing(accounts: AccountRig) -> None:
    async with accounts.changing() as unit:
        await unit.accounts.remove(UserId(accounts.ids.new()))


# Invitations


@pytest.mark.parametrize(
    ("seconds", "became", "good"),
    [(60, None, True), (-1, None, False), (60, "accepted", False), (60, "revoked", False)],
)
async def test_an_address_is_invited_while_an_invitation_is_good(
    accounts: AccountRig, seconds: float, became: str | None, *, good: bool
) -> None:
    owner = await accounts.register()
    login = f"invited-{owner.user.login}"
    bot = await accounts.make_bot(owner.user.id)
    await accounts.invite(bot.id, login, seconds, became)

    async with accounts.storage.unit() as unit:
        assert await unit.invited(login) == good
        assert not await unit.invited(f"other-{login}")
    await accounts.let_pass(61)
    async with accounts.storage.unit() as unit:
        assert not await unit.invited(login)


async def test_an_invitation_ends_with_its_bot(accounts: AccountRig) -> None:
    owner = await accounts.register()
    login = f"invited-{owner.user.login}"
    bot = await accounts.make_bot(owner.user.id)
    await accounts.invite(bot.id, login, DAY, None)
    async with accounts.tenants.unit(bot.id, UnitKind.LANE) as unit:
        await unit.bot.remove()
        await unit.commit()

    async with accounts.storage.unit() as unit:
        assert not await unit.invited(login)
