"""Keys of programs, and codes for whoever lost the second factor."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from skua_core.domain.account import Account
from skua_core.domain.handles import hash_of
from skua_core.domain.session import ApiKey, KeyAccess, LiveKey
from skua_core.ids import ApiKeyId, BotId
from tests.contract.rigs.account_objects import a_key
from tests.contract.rigs.account_storage import DAY, AccountRig


@pytest.fixture
async def ana(accounts: AccountRig) -> Account:
    return await accounts.register()


async def make_key(rig: AccountRig, account: Account, **fields: Any) -> ApiKey:
    async with rig.changing() as unit:
        key = await a_key(unit, account, **fields)
        await unit.api_keys.add(key)
    return key


async def live(rig: AccountRig, key: ApiKey) -> LiveKey | None:
    async with rig.changing() as unit:
        return await unit.api_keys.live(key.secret_hash)


async def keys_of(rig: AccountRig, account: Account) -> list[ApiKey]:
    async with rig.storage.unit() as unit:
        return list(await unit.api_keys.of_user(account.user.id))


async def test_a_key_tells_whose_it_is_and_what_for(accounts: AccountRig, ana: Account) -> None:
    two = (BotId(accounts.ids.new()), BotId(accounts.ids.new()))
    for fields in (
        {"bots": None, "access": KeyAccess.WRITE},
        {"bots": two, "expires_at": await accounts.now() + timedelta(days=1)},
        {"bots": ()},
    ):
        key = await make_key(accounts, ana, **fields)

        assert await live(accounts, key) == LiveKey(key=key, user=ana.user)


async def test_a_key_that_nobody_was_given_is_nobody_s(accounts: AccountRig) -> None:
    async with accounts.storage.unit() as unit:
        assert await unit.api_keys.live(hash_of("no key")) is None


async def test_a_key_expires(accounts: AccountRig, ana: Account) -> None:
    key = await make_key(accounts, ana, expires_at=await accounts.now() + timedelta(days=1))
    forever = await make_key(accounts, ana)
    await accounts.let_pass(DAY)

    assert await live(accounts, key) is None
    assert await live(accounts, forever) is not None
    # Its user still sees that there was one.
    assert {each.id for each in await keys_of(accounts, ana)} == {key.id, forever.id}


async def test_a_disabled_user_s_keys_stand_for_nobody(accounts: AccountRig, ana: Account) -> None:
    key = await make_key(accounts, ana)
    disabled = msgspec.structs.replace(ana.user, disabled_at=await accounts.now())
    await accounts.save(msgspec.structs.replace(ana, user=disabled))

    assert await live(accounts, key) is None


async def test_being_used_is_noted_once_a_minute(accounts: AccountRig, ana: Account) -> None:
    key = await make_key(accounts, ana)
    assert (await keys_of(accounts, ana))[0].last_used_at is None
    await live(accounts, key)
    await accounts.let_pass(30)
    await live(accounts, key)
    (first,) = await keys_of(accounts, ana)
    await accounts.let_pass(31)
    now = await accounts.now()
    await live(accounts, key)
    (second,) = await keys_of(accounts, ana)

    assert first.last_used_at is not None
    assert second.last_used_at is not None
    assert now - first.last_used_at >= timedelta(seconds=30)
    assert second.last_used_at >= now


async def test_keys_are_listed_newest_first_and_removed(accounts: AccountRig, ana: Account) -> None:
    ben = await accounts.register()
    theirs = await make_key(accounts, ben)
    made = []
    for number in range(3):
        made.append(await make_key(accounts, ana, name=f"Key {number}"))
        await accounts.let_pass(1)
    assert [key.name for key in await keys_of(accounts, ana)] == ["Key 2", "Key 1", "Key 0"]

    async with accounts.changing() as unit:
        assert await unit.api_keys.remove(ana.user.id, only=theirs.id) == 0
        assert await unit.api_keys.remove(ana.user.id, only=ApiKeyId(accounts.ids.new())) == 0
        assert await unit.api_keys.remove(ana.user.id, only=made[0].id) == 1
    assert await live(accounts, made[0]) is None
    assert await live(accounts, made[1]) is not None
    async with accounts.changing() as unit:
        assert await unit.api_keys.remove(ana.user.id) == 2
    assert await keys_of(accounts, ana) == []
    assert await live(accounts, theirs) is not None


# Recovery codes


async def use(rig: AccountRig, account: Account, code: bytes) -> bool:
    async with rig.changing() as unit:
        return await unit.recovery_codes.use(account.user.id, code)


async def test_a_recovery_code_works_once(accounts: AccountRig, ana: Account) -> None:
    async with accounts.changing() as unit:
        await unit.recovery_codes.replace(ana.user.id, [b"1", b"2", b"3"])

    assert await use(accounts, ana, b"2")
    assert not await use(accounts, ana, b"2")
    assert not await use(accounts, ana, b"4")
    assert await use(accounts, ana, b"1")
    async with accounts.storage.unit() as unit:
        assert await unit.recovery_codes.left(ana.user.id) == 1


async def test_of_many_who_use_one_recovery_code_one_wins(
    accounts: AccountRig, ana: Account
) -> None:
    async with accounts.changing() as unit:
        await unit.recovery_codes.replace(ana.user.id, [b"1"])

    assert sum(await asyncio.gather(*(use(accounts, ana, b"1") for _ in range(8)))) == 1


async def test_new_recovery_codes_take_the_place_of_the_former(
    accounts: AccountRig, ana: Account
) -> None:
    ben = await accounts.register()
    async with accounts.changing() as unit:
        await unit.recovery_codes.replace(ana.user.id, [b"1", b"2"])
        await unit.recovery_codes.replace(ben.user.id, [b"1"])
    async with accounts.changing() as unit:
        await unit.recovery_codes.replace(ana.user.id, [b"2", b"3"])

    assert not await use(accounts, ana, b"1")
    assert await use(accounts, ana, b"2")
    assert await use(accounts, ben, b"1")
    async with accounts.changing() as unit:
        await unit.recovery_codes.replace(ana.user.id, [])
    async with accounts.storage.unit() as unit:
        assert await unit.recovery_codes.left(ana.user.id) == 0
