"""Forgetting, resetting and changing a password."""

import asyncio
from datetime import timedelta

import pytest

from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_core.domain.account import Account
from skua_core.domain.challenge import MOST_TRIES
from skua_core.domain.letter import LetterKind
from skua_core.domain.secret import Secret
from skua_core.domain.session import ApiKey, KeyAccess
from skua_core.domain.user import Actor
from skua_core.errors import (
    CodeInvalid,
    EmailInvalid,
    InvalidCredentials,
    KeyNotAllowed,
    PasswordCheckBusy,
    PasswordUnfit,
    TooManyRequests,
)
from skua_core.ids import ApiKeyId
from skua_core.use_cases.accounts.passwords import (
    ChangePasswordCommand,
    ForgotPasswordCommand,
    ResetPasswordCommand,
)
from skua_core.use_cases.accounts.signed_in import SignedIn
from tests.unit.use_cases.accounts.sign_up import (
    ANA,
    BEN,
    HOME,
    OTHER_PASSWORD,
    PASSWORD,
    SignUp,
    another_code,
)

WRONG = Secret("five skuas on a roof")


@pytest.fixture
def desk() -> SignUp:
    return SignUp()


@pytest.fixture
async def ana(desk: SignUp) -> Account:
    return await desk.join()


async def forget(desk: SignUp, email: str = ANA) -> str:
    return await desk.forgot(ForgotPasswordCommand(email=email, caller=HOME))


async def reset(desk: SignUp, reset_id: str, code: str, password: Secret = OTHER_PASSWORD) -> None:
    await desk.reset(
        ResetPasswordCommand(reset_id=reset_id, code=code, password=password, caller=HOME)
    )


async def change(
    desk: SignUp, signed_in: SignedIn, current: Secret = PASSWORD, new: Secret = OTHER_PASSWORD
) -> None:
    await desk.change_password(
        ChangePasswordCommand(
            signed_in=signed_in, current_password=current, new_password=new, caller=HOME
        )
    )


async def test_the_code_sets_a_new_password_and_ends_every_session(
    desk: SignUp, ana: Account
) -> None:
    await desk.sign_in(ana)
    ana.failures = 17
    async with desk.storage.unit() as unit:
        await unit.accounts.save(ana)
        await unit.commit()

    await reset(desk, await forget(desk), await desk.code())

    assert await desk.has_password(OTHER_PASSWORD)
    assert not await desk.has_password(PASSWORD)
    assert await desk.sessions(ana.user.id) == []
    assert await desk.kinds() == [(ANA, LetterKind.PASSWORD_CHANGED)]
    assert await desk.actions(ana.user.id) == ["account.registered", "account.password_reset"]
    account = await desk.account()
    assert account is not None
    assert account.failures == 0


async def test_a_reset_works_once_and_ends_the_others(desk: SignUp, ana: Account) -> None:
    assert ana
    first, first_code = await forget(desk), await desk.code()
    second, second_code = await forget(desk), await desk.code()
    await reset(desk, second, second_code)

    for reset_id, code in ((first, first_code), (second, second_code), (first, second_code)):
        with pytest.raises(CodeInvalid):
            await reset(desk, reset_id, code, WRONG)

    assert await desk.has_password(OTHER_PASSWORD)


async def test_a_reset_lives_15_minutes(desk: SignUp, ana: Account) -> None:
    assert ana
    reset_id, code = await forget(desk), await desk.code()
    desk.clock.advance(timedelta(minutes=15).total_seconds())

    with pytest.raises(CodeInvalid):
        await reset(desk, reset_id, code)

    assert await desk.has_password(PASSWORD)


async def test_five_wrong_codes_kill_a_reset(desk: SignUp, ana: Account) -> None:
    assert ana
    reset_id, code = await forget(desk), await desk.code()
    for _ in range(MOST_TRIES):
        with pytest.raises(CodeInvalid):
            await reset(desk, reset_id, another_code(code))

    with pytest.raises(CodeInvalid):
        await reset(desk, reset_id, code)

    assert await desk.has_password(PASSWORD)


async def test_of_many_right_codes_at_once_one_wins(desk: SignUp, ana: Account) -> None:
    reset_id, code = await forget(desk), await desk.code()

    answers = await asyncio.gather(
        *(reset(desk, reset_id, code) for _ in range(8)), return_exceptions=True
    )

    assert answers.count(None) == 1
    assert (await desk.actions(ana.user.id)).count("account.password_reset") == 1


async def test_an_unknown_address_is_answered_alike_and_told_by_mail(desk: SignUp) -> None:
    reset_id = await forget(desk, BEN)

    assert await desk.kinds() == [(BEN, LetterKind.NO_ACCOUNT)]
    with pytest.raises(CodeInvalid):
        await reset(desk, reset_id, "12345678")


async def test_an_unknown_address_costs_a_hash_as_well() -> None:
    hasher = FakePasswordHasher()
    desk = SignUp(hasher=hasher)
    await desk.join()
    computed = []
    for email in (ANA, BEN):
        reset_id, before = await forget(desk, email), hasher.computed
        with pytest.raises(CodeInvalid):
            await reset(desk, reset_id, "12345678")
        computed.append(hasher.computed - before)

    assert computed == [1, 1]


async def test_a_disabled_account_counts_as_none(desk: SignUp, ana: Account) -> None:
    before, code = await forget(desk), await desk.code()
    ana.user.disabled_at = desk.clock.now()
    async with desk.storage.unit() as unit:
        await unit.accounts.save(ana)
        await unit.commit()

    with pytest.raises(CodeInvalid):
        await reset(desk, before, code)
    await forget(desk)

    assert await desk.kinds() == [(ANA, LetterKind.NO_ACCOUNT)]
    assert await desk.has_password(PASSWORD)


async def test_a_code_that_went_to_a_former_address_sets_nothing(
    desk: SignUp, ana: Account
) -> None:
    reset_id, code = await forget(desk), await desk.code()
    ana.user.login = BEN
    async with desk.storage.unit() as unit:
        await unit.accounts.save(ana)
        await unit.commit()

    with pytest.raises(CodeInvalid):
        await reset(desk, reset_id, code)

    assert await desk.has_password(PASSWORD, BEN)


async def test_a_code_that_went_to_the_address_of_another_account_sets_nothing(
    desk: SignUp, ana: Account
) -> None:
    reset_id, code = await forget(desk), await desk.code()
    async with desk.storage.unit() as unit:
        ana.user.login = "former@example.com"
        await unit.accounts.save(ana)
        await unit.commit()
    await desk.join(ANA, WRONG)

    with pytest.raises(CodeInvalid):
        await reset(desk, reset_id, code)

    assert await desk.has_password(WRONG)


async def test_a_code_for_a_registration_resets_nothing(desk: SignUp, ana: Account) -> None:
    assert ana
    registration_id = await desk.begin(BEN)
    code = await desk.code()

    with pytest.raises(CodeInvalid):
        await reset(desk, registration_id, code)
    await desk.confirm(registration_id, code)


async def test_a_new_password_has_to_be_fit_and_does_not_tell_the_name(desk: SignUp) -> None:
    account = await desk.join("anagull@example.com")
    account.user.name = "Annabella Ternsworth"
    async with desk.storage.unit() as unit:
        await unit.accounts.save(account)
        await unit.commit()
    reset_id, code = await forget(desk, "anagull@example.com"), await desk.code()

    for unfit in ("short", "anagull-1234"):
        with pytest.raises(PasswordUnfit):
            await reset(desk, reset_id, code, Secret(unfit))
    with pytest.raises(CodeInvalid):
        await reset(desk, reset_id, another_code(code), Secret("ternsworth-12"))
    await reset(desk, reset_id, code)


async def test_a_code_that_was_not_looked_at_costs_no_try(desk: SignUp, ana: Account) -> None:
    assert ana
    reset_id, code = await forget(desk), await desk.code()
    hasher = desk.reset._hasher
    desk.reset._hasher = FakePasswordHasher(most_at_once=0)
    for _ in range(desk.limits.code_tries_ip.burst):
        with pytest.raises(PasswordCheckBusy):
            await reset(desk, reset_id, code)
        with pytest.raises(PasswordUnfit):
            await reset(desk, reset_id, code, Secret("short"))

    desk.reset._hasher = hasher
    await reset(desk, reset_id, code)


async def test_resets_are_limited_alike_for_known_and_unknown_addresses() -> None:
    async def refused_after(email: str) -> int:
        desk = SignUp()
        await desk.join()
        desk.clock.advance(3600)
        for taken in range(100):
            try:
                await forget(desk, email)
            except TooManyRequests:
                return taken
        raise AssertionError

    assert await refused_after(ANA) == await refused_after(BEN) == 3


async def test_what_is_no_address_is_refused(desk: SignUp) -> None:
    with pytest.raises(EmailInvalid):
        await forget(desk, "ana")


async def test_the_current_password_sets_a_new_one_and_ends_other_sessions(
    desk: SignUp, ana: Account
) -> None:
    await desk.sign_in(ana)
    here = await desk.sign_in(ana, stepped_up=False)

    await change(desk, here)

    assert here.session is not None
    assert await desk.has_password(OTHER_PASSWORD)
    assert await desk.sessions(ana.user.id) == [here.session.id]
    assert await desk.kinds() == [(ANA, LetterKind.PASSWORD_CHANGED)]
    assert await desk.actions(ana.user.id) == ["account.registered", "account.password_changed"]


async def test_a_code_asked_for_before_a_change_sets_nothing(desk: SignUp, ana: Account) -> None:
    reset_id, code = await forget(desk), await desk.code()
    await change(desk, await desk.sign_in(ana))

    with pytest.raises(CodeInvalid):
        await reset(desk, reset_id, code, WRONG)


async def test_a_wrong_current_password_changes_nothing_and_is_limited(
    desk: SignUp, ana: Account
) -> None:
    signed_in = await desk.sign_in(ana)
    for _ in range(desk.limits.login_failures_device.burst):
        with pytest.raises(InvalidCredentials):
            await change(desk, signed_in, WRONG)

    with pytest.raises(TooManyRequests):
        await change(desk, signed_in)

    assert await desk.has_password(PASSWORD)
    desk.clock.advance(desk.limits.login_failures_device.seconds)
    await change(desk, signed_in)


async def test_right_ones_are_not_counted(desk: SignUp, ana: Account) -> None:
    signed_in = await desk.sign_in(ana)
    now, new = PASSWORD, OTHER_PASSWORD
    for _ in range(desk.limits.login_failures_device.burst + 5):
        await change(desk, signed_in, now, new)
        now, new = new, now
        desk.clock.advance(desk.limits.login_ip.seconds)


async def test_one_session_does_not_use_up_the_tries_of_another(desk: SignUp, ana: Account) -> None:
    stolen, own = await desk.sign_in(ana), await desk.sign_in(ana)
    for _ in range(desk.limits.login_failures_device.burst):
        with pytest.raises(InvalidCredentials):
            await change(desk, stolen, WRONG)

    await change(desk, own)


async def test_a_password_that_was_changed_meanwhile_is_not_the_current_one(
    desk: SignUp, ana: Account
) -> None:
    signed_in = await desk.sign_in(ana)

    answers = await asyncio.gather(
        change(desk, signed_in), change(desk, signed_in, new=WRONG), return_exceptions=True
    )

    assert sorted(map(type, answers), key=str) == [type(None), InvalidCredentials]


async def test_a_program_changes_no_password(desk: SignUp, ana: Account) -> None:
    key = ApiKey(
        id=ApiKeyId(desk.ids.new()),
        secret_hash=b"",
        user_id=ana.user.id,
        name="backup",
        access=KeyAccess.WRITE,
        bots=None,
        created_at=desk.clock.now(),
        expires_at=None,
    )
    program = SignedIn(user=ana.user, actor=Actor(user_id=ana.user.id, name=ANA), key=key)

    with pytest.raises(KeyNotAllowed):
        await change(desk, program)


async def test_a_changed_password_has_to_be_fit(desk: SignUp, ana: Account) -> None:
    for unfit in ("short", "password1234", "x" * 129):
        with pytest.raises(PasswordUnfit):
            await change(desk, await desk.sign_in(ana), new=Secret(unfit))


async def test_a_busy_hasher_costs_no_try() -> None:
    hasher = FakePasswordHasher(most_at_once=1)
    desk = SignUp(hasher=hasher)
    signed_in = await desk.sign_in(await desk.join())
    desk.change_password._hasher = FakePasswordHasher(most_at_once=0)
    for _ in range(desk.limits.login_failures_device.burst):
        with pytest.raises(PasswordCheckBusy):
            await change(desk, signed_in)

    desk.change_password._hasher = hasher
    await change(desk, signed_in)
