"""Attempts to prove an address: each is one row, and whoever tries a code holds it."""

import asyncio
from datetime import timedelta

import msgspec

from skua_core.domain.account import Account, PasswordHash
from skua_core.domain.challenge import Challenge, ChallengePurpose
from skua_core.domain.handles import hash_of
from skua_core.ids import UserId
from tests.contract.rigs.account_objects import a_challenge
from tests.contract.rigs.account_storage import HASH, AccountRig


def an_address(rig: AccountRig) -> str:
    return f"{rig.ids.new()}@example.com"


async def begin(rig: AccountRig, login: str, **fields: object) -> Challenge:
    async with rig.changing() as unit:
        challenge = await a_challenge(unit, login, **fields)
        await unit.challenges.add(challenge)
    return challenge


async def stored(rig: AccountRig, challenge: Challenge) -> Challenge | None:
    async with rig.storage.unit() as unit:
        return await unit.challenges.lock(challenge.handle_hash)


async def test_a_challenge_is_found_by_its_handle(accounts: AccountRig) -> None:
    user = (await accounts.register()).user
    for fields in (
        {"name": "Ana", "password": HASH, "tries": 2},
        {"code_mac": None, "purpose": ChallengePurpose.CHANGE_EMAIL, "user_id": user.id},
    ):
        challenge = await begin(accounts, an_address(accounts), **fields)

        assert await stored(accounts, challenge) == challenge


async def test_a_handle_that_nobody_was_given_finds_nothing(accounts: AccountRig) -> None:
    async with accounts.storage.unit() as unit:
        assert await unit.challenges.lock(hash_of("no handle")) is None


async def test_what_a_challenge_is_about_is_not_changed_by_saving_it(
    accounts: AccountRig,
) -> None:
    challenge = await begin(accounts, an_address(accounts), password=HASH)
    changing = {
        "code_mac": b"renewed",
        "expires_at": challenge.expires_at + timedelta(minutes=5),
        "tries": 3,
        "closed": True,
        "password": PasswordHash("$2b$04$other"),
    }
    fixed = {
        "login": "somebody@example.com",
        "purpose": ChallengePurpose.UNLOCK,
        "name": "Ben",
        "created_at": challenge.created_at + timedelta(minutes=5),
    }
    async with accounts.changing() as unit:
        await unit.challenges.save(msgspec.structs.replace(challenge, **changing, **fixed))

    assert await stored(accounts, challenge) == msgspec.structs.replace(challenge, **changing)

    async with accounts.changing() as unit:
        await unit.challenges.save(msgspec.structs.replace(challenge, code_mac=None, password=None))

    assert await stored(accounts, challenge) == msgspec.structs.replace(
        challenge, code_mac=None, password=None
    )


async def test_a_challenge_that_is_gone_is_not_made_again_by_saving_it(
    accounts: AccountRig,
) -> None:
    async with accounts.changing() as unit:
        challenge = await a_challenge(unit, an_address(accounts))
        await unit.challenges.save(challenge)

    assert await stored(accounts, challenge) is None


async def test_every_try_is_counted(accounts: AccountRig) -> None:
    challenge = await begin(accounts, an_address(accounts))

    async def fail() -> None:
        async with accounts.changing() as unit:
            found = await unit.challenges.lock(challenge.handle_hash)
            assert found is not None
            await asyncio.sleep(0.01)
            found.tries += 1
            await unit.challenges.save(found)

    await asyncio.gather(*(fail() for _ in range(10)))

    found = await stored(accounts, challenge)
    assert found is not None
    assert found.tries == 10


async def test_others_of_the_same_purpose_and_address_are_closed(accounts: AccountRig) -> None:
    login = an_address(accounts)
    first, second, winner = [
        await begin(accounts, login, handle_hash=hash_of(f"{login}{number}")) for number in "123"
    ]
    other_purpose = await begin(
        accounts,
        login,
        handle_hash=hash_of(f"{login}4"),
        purpose=ChallengePurpose.RESET_PASSWORD,
    )
    other_address = await begin(accounts, an_address(accounts))
    async with accounts.changing() as unit:
        await unit.challenges.close_others(ChallengePurpose.REGISTER, login, but=winner.handle_hash)

    for challenge, closed in (
        (first, True),
        (second, True),
        (winner, False),
        (other_purpose, False),
        (other_address, False),
    ):
        found = await stored(accounts, challenge)
        assert found is not None
        assert found.closed is closed

    async with accounts.changing() as unit:
        await unit.challenges.close_others(ChallengePurpose.REGISTER, login)

    found = await stored(accounts, winner)
    assert found is not None
    assert found.closed


async def test_of_those_that_close_each_other_one_wins(accounts: AccountRig) -> None:
    """By rows alone they would wait for each other in a circle."""
    login = an_address(accounts)
    challenges = [
        await begin(accounts, login, handle_hash=hash_of(f"{login}{number}"))
        for number in range(10)
    ]

    async def verify(challenge: Challenge) -> bool:
        async with accounts.changing() as unit:
            found = await unit.challenges.lock(challenge.handle_hash)
            assert found is not None
            await asyncio.sleep(0.01)
            if found.closed:
                return False
            await unit.challenges.close_others(found.purpose, found.login, but=found.handle_hash)
        return True

    assert sum(await asyncio.gather(*map(verify, challenges))) == 1


async def test_an_open_challenge_ends_by_the_storage_s_time(accounts: AccountRig) -> None:
    challenge = await begin(accounts, an_address(accounts))

    for seconds, is_open in ((14 * 60, True), (61, False)):
        await accounts.let_pass(seconds)
        found = await stored(accounts, challenge)
        assert found is not None
        assert found.open(await accounts.now()) is is_open


async def test_an_account_and_its_challenge_are_written_together(accounts: AccountRig) -> None:
    login = an_address(accounts)
    challenge = await begin(accounts, login, password=HASH, name="Ana")
    async with accounts.changing() as unit:
        found = await unit.challenges.lock(challenge.handle_hash)
        assert found is not None
        account: Account = accounts.draft(await unit.now(), login=found.login, name=found.name)
        await unit.accounts.add(account)
        found.closed = True
        await unit.challenges.save(found)

    saved = await accounts.account(UserId(account.user.id))
    assert saved == account
