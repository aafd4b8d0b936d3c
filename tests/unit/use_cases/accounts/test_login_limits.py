"""How often a password may be tried, by whom, and who is never kept out."""

import asyncio

import pytest

from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_core.domain.letter import LetterKind
from skua_core.domain.secret import Secret
from skua_core.errors import (
    InvalidCredentials,
    PasswordCheckBusy,
    SecondFactorRequired,
    TooManyRequests,
)
from skua_core.use_cases.accounts.unlocking import MOST_FAILURES
from tests.unit.use_cases.accounts.house import ANA, RIGHT, WRONG, House, at

BEN = "ben@example.org"
OFFICE, CAFE = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def house() -> House:
    return House()


async def fail(house: House, times: int, *, email: str = ANA, ip: str = OFFICE) -> None:
    for _ in range(times):
        with pytest.raises(InvalidCredentials):
            await house.log_in(WRONG, email=email, caller=at(ip))


async def refused(house: House, *, email: str = ANA, ip: str = OFFICE) -> TooManyRequests:
    before = house.hasher.computed
    with pytest.raises(TooManyRequests) as caught:
        await house.log_in(email=email, caller=at(ip))
    assert house.hasher.computed == before, "a hash was computed for nothing"
    return caught.value


@pytest.mark.parametrize("known", [True, False])
async def test_five_wrong_passwords_stop_an_address_with_or_without_an_account(
    house: House, *, known: bool
) -> None:
    await house.register(ANA if known else BEN)
    for number in range(5):
        await fail(house, 1, ip=f"198.51.100.{number}")

    error = await refused(house, ip=CAFE)

    assert error.retry_after == pytest.approx(120)
    house.wait(seconds=120)
    await fail(house, 1, ip=CAFE)


async def test_parallel_tries_are_no_more_than_the_budget(house: House) -> None:
    await house.register()
    before = house.hasher.computed

    answers = await asyncio.gather(
        *(house.log_in(WRONG, caller=at(f"198.51.100.{number}")) for number in range(50)),
        return_exceptions=True,
    )

    assert sum(isinstance(answer, InvalidCredentials) for answer in answers) == 5
    assert sum(isinstance(answer, TooManyRequests) for answer in answers) == 45
    assert house.hasher.computed - before == 5


async def test_ten_failures_stop_where_they_come_from_and_nobody_else(house: House) -> None:
    await house.register()
    for number in range(10):
        await fail(house, 1, email=f"somebody{number}@example.org")

    await refused(house)
    assert await house.log_in(caller=at(CAFE))


async def test_all_attempts_count_even_right_ones(house: House) -> None:
    device = await registered_device(house)
    for _ in range(19):
        await house.log_in(caller=at(device=device))

    with pytest.raises(TooManyRequests):
        await house.log_in(caller=at(device=device))


async def test_ones_own_success_gives_nobody_more_tries_at_others(house: House) -> None:
    await house.register()
    await house.register(BEN)
    await fail(house, 5, email=BEN)

    await house.log_in(caller=at(OFFICE))

    await refused(house, email=BEN)


async def test_a_success_costs_no_failures(house: House) -> None:
    await house.register()
    for _ in range(12):
        await house.log_in(caller=at(OFFICE))
        house.wait(seconds=5)

    await fail(house, 5)


async def test_a_network_of_ipv6_is_one_address(house: House) -> None:
    for number in range(10):
        await fail(house, 1, email=f"a{number}@example.org", ip=f"2001:db8::{number:x}")

    await refused(house, ip="2001:db8::ffff")


# Known devices


async def registered_device(house: House) -> Secret:
    await house.register()
    device = (await house.log_in()).device_token
    assert device is not None
    return device


async def test_attackers_elsewhere_do_not_lock_a_known_device_out(house: House) -> None:
    device = await registered_device(house)
    await fail(house, 5)
    await refused(house, ip=CAFE)

    assert await house.log_in(caller=at(device=device))


async def test_nor_do_attackers_at_the_same_address_while_they_fail(house: House) -> None:
    device = await registered_device(house)
    for number in range(10):
        await fail(house, 1, email=f"somebody{number}@example.org")
    await refused(house)

    assert await house.log_in(caller=at(OFFICE, device))


async def test_a_known_device_has_a_budget_of_its_own(house: House) -> None:
    device = await registered_device(house)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await house.log_in(WRONG, caller=at(device=device))

    with pytest.raises(TooManyRequests):
        await house.log_in(caller=at(device=device))
    assert await house.log_in(caller=at(CAFE))


async def test_a_device_of_ones_own_is_no_way_around_the_limits_of_others(house: House) -> None:
    device = await registered_device(house)
    await house.register(BEN)
    await fail(house, 5, email=BEN, ip=CAFE)

    with pytest.raises(TooManyRequests):
        await house.log_in(WRONG, email=BEN, caller=at(device=device))


# Spraying


async def fail_at_many(house: House, first: int, last: int) -> None:
    for number in range(first, last):
        await fail(house, 1, email=f"somebody{number}@example.org")
        house.wait(seconds=60)


async def test_whoever_tries_many_accounts_gets_one_try_a_minute(house: House) -> None:
    """A minute apart, so that nothing but the number of accounts stands in the way."""
    await fail_at_many(house, 0, 30)

    await fail(house, 1, email="one@example.org")
    error = await refused(house, email="two@example.org")

    assert 0 < error.retry_after <= 60


async def test_the_same_account_again_is_not_another_one(house: House) -> None:
    for _ in range(60):
        await fail(house, 1)
        house.wait(seconds=120)

    for number in range(4):
        await fail(house, 1, email=f"somebody{number}@example.org")


async def test_many_who_sign_in_from_one_address_are_not_spraying(house: House) -> None:
    for number in range(30):
        await house.register(f"colleague{number}@example.org")
    for number in range(30):
        await house.log_in(email=f"colleague{number}@example.org", caller=at(OFFICE))
        house.wait(seconds=5)

    for number in range(4):
        await fail(house, 1, email=f"somebody{number}@example.org")


# What isn't a guess costs nothing


async def test_asking_for_the_second_factor_costs_no_failure(house: House) -> None:
    secret = await house.add_totp(await house.register())
    for _ in range(8):
        with pytest.raises(SecondFactorRequired):
            await house.log_in()

    assert await house.log_in(totp=house.code_of(secret))


async def test_a_wrong_second_factor_is_a_failure(house: House) -> None:
    secret = await house.add_totp(await house.register())
    for _ in range(5):
        with pytest.raises(SecondFactorRequired):
            await house.log_in(totp=house.code_of(secret, steps=-9))

    with pytest.raises(TooManyRequests):
        await house.log_in(totp=house.code_of(secret))


async def test_what_was_never_looked_at_is_no_failure(house: House) -> None:
    await house.register()
    right, house.login._hasher = house.login._hasher, FakePasswordHasher(most_at_once=0)
    for _ in range(8):
        with pytest.raises(PasswordCheckBusy):
            await house.log_in()

    house.login._hasher = right
    assert await house.log_in()


# Very many failures in a row


async def test_failures_of_unknown_devices_are_counted_until_one_signs_in(house: House) -> None:
    user_id = await house.register()
    await fail(house, 3)
    assert (await house.account(user_id)).failures == 3

    await house.log_in()

    assert (await house.account(user_id)).failures == 0


async def test_known_devices_neither_count_nor_clear_failures(house: House) -> None:
    user_id = await house.register()
    device = (await house.log_in()).device_token
    await fail(house, 3)

    with pytest.raises(InvalidCredentials):
        await house.log_in(WRONG, caller=at(device=device))
    await house.log_in(caller=at(device=device))

    assert (await house.account(user_id)).failures == 3


async def locked(house: House) -> Secret:
    """Ana's known device; the password alone doesn't sign in on others any more."""
    user_id = await house.register()
    device = (await house.log_in()).device_token
    await house.change(user_id, failures=MOST_FAILURES)
    assert device is not None
    return device


async def mailed_code(house: House) -> str:
    with pytest.raises(InvalidCredentials):
        await house.log_in(caller=at(CAFE))
    [letter] = await house.letters()
    assert (letter.to, letter.kind) == (ANA, LetterKind.UNLOCK_LOGIN)
    return letter.facts["code"]


async def test_the_hundredth_failure_is_the_last_that_is_free(house: House) -> None:
    user_id = await house.register()
    await house.change(user_id, failures=MOST_FAILURES - 1)
    assert await house.log_in()

    await house.change(user_id, failures=MOST_FAILURES)
    with pytest.raises(InvalidCredentials):
        await house.log_in()


async def test_then_a_known_device_still_signs_in(house: House) -> None:
    device = await locked(house)

    assert await house.log_in(caller=at(device=device))


async def test_then_the_right_password_is_mailed_a_code_and_both_sign_in(house: House) -> None:
    await locked(house)
    code = await mailed_code(house)

    logged_in = await house.log_in(totp=code, caller=at(CAFE))

    assert (await house.account(logged_in.signed_in.user.id)).failures == 0
    actions = [entry.action for entry in await house.audited(logged_in.signed_in.user.id)]
    assert actions[-2:] == ["account.login_unlocked", "account.signed_in"]
    assert await house.log_in(caller=at("203.0.113.10"))


async def test_then_a_wrong_password_mails_nothing_and_unlocks_nothing(house: House) -> None:
    await locked(house)
    await fail(house, 1)
    assert not await house.letters()
    code = await mailed_code(house)

    with pytest.raises(InvalidCredentials):
        await house.log_in(WRONG, totp=code, caller=at(CAFE))
    assert await house.log_in(totp=code, caller=at(CAFE))


async def test_then_wrong_codes_are_few_and_the_answer_is_the_same(house: House) -> None:
    await locked(house)
    code = await mailed_code(house)
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    for number in range(5):
        with pytest.raises(InvalidCredentials):
            await house.log_in(totp=wrong, caller=at(f"203.0.113.{number}"))
        house.wait(minutes=2)

    with pytest.raises(InvalidCredentials):
        await house.log_in(totp=code, caller=at(CAFE))


async def test_then_a_code_works_once_for_a_quarter_of_an_hour(house: House) -> None:
    await locked(house)
    late = await mailed_code(house)
    house.wait(minutes=15)
    with pytest.raises(InvalidCredentials):
        await house.log_in(totp=late, caller=at(CAFE))

    code = await mailed_code(house)
    user_id = (await house.log_in(totp=code, caller=at(CAFE))).signed_in.user.id
    await house.change(user_id, failures=MOST_FAILURES)
    with pytest.raises(InvalidCredentials):
        await house.log_in(totp=code, caller=at(CAFE))
    await house.letters()
    assert await house.log_in(totp=await mailed_code(house), caller=at(CAFE))


async def test_then_few_codes_are_mailed_however_often_it_is_tried(house: House) -> None:
    await locked(house)
    for number in range(5):
        with pytest.raises(InvalidCredentials):
            await house.log_in(caller=at(f"203.0.113.{number}"))
        house.wait(seconds=120)

    assert len(await house.letters()) <= 4


async def test_then_a_second_factor_is_wanted_once_the_code_has_unlocked(house: House) -> None:
    """The mailbox proves the address; it doesn't stand in for the authenticator."""
    await locked(house)
    [user_id] = {device.user_id for device in house.devices}
    secret = await house.add_totp(user_id)
    with pytest.raises(InvalidCredentials):
        await house.log_in(totp=house.code_of(secret), caller=at(CAFE))
    [letter] = await house.letters()

    with pytest.raises(SecondFactorRequired):
        await house.log_in(totp=letter.facts["code"], caller=at(CAFE))
    assert await house.log_in(RIGHT, totp=house.code_of(secret), caller=at(CAFE))
