"""Changing an account's address."""

import pytest

from skua_core.domain.account import Account
from skua_core.domain.challenge import MOST_TRIES
from skua_core.domain.letter import LetterKind
from skua_core.domain.session import STEP_UP_LIVES
from skua_core.errors import (
    CodeInvalid,
    EmailInvalid,
    KeyNotAllowed,
    StepUpRequired,
    TooManyRequests,
)
from skua_core.use_cases.accounts.email_change import (
    ConfirmEmailChangeCommand,
    RequestEmailChangeCommand,
)
from skua_core.use_cases.accounts.signed_in import SignedIn
from tests.unit.use_cases.accounts.sign_up import ANA, BEN, HOME, SignUp, another_code

NEW = "ana.new@example.com"


@pytest.fixture
def desk() -> SignUp:
    return SignUp()


@pytest.fixture
async def ana(desk: SignUp) -> Account:
    return await desk.join()


@pytest.fixture
async def signed_in(desk: SignUp, ana: Account) -> SignedIn:
    return await desk.sign_in(ana)


async def request(desk: SignUp, signed_in: SignedIn, email: str = NEW) -> str:
    return await desk.request_change(
        RequestEmailChangeCommand(signed_in=signed_in, email=email, caller=HOME)
    )


async def confirm(desk: SignUp, signed_in: SignedIn, change_id: str, code: str) -> None:
    await desk.confirm_change(
        ConfirmEmailChangeCommand(signed_in=signed_in, change_id=change_id, code=code, caller=HOME)
    )


async def test_the_code_from_the_new_address_changes_it_and_the_old_one_is_told(
    desk: SignUp, ana: Account, signed_in: SignedIn
) -> None:
    await desk.sign_in(ana)
    change_id = await request(desk, signed_in, " Ana.NEW@example.com")
    (letter,) = await desk.mail()

    assert (letter.to, letter.kind) == (NEW, LetterKind.CONFIRM_NEW_EMAIL)
    assert await desk.account(NEW) is None
    await confirm(desk, signed_in, change_id, letter.facts["code"])

    changed = await desk.account(NEW)
    assert changed is not None
    assert changed.user.id == ana.user.id
    assert await desk.account(ANA) is None
    assert signed_in.session is not None
    assert await desk.sessions(ana.user.id) == [signed_in.session.id]
    (told,) = await desk.mail()
    assert (told.to, told.kind, told.facts["email"]) == (ANA, LetterKind.EMAIL_CHANGED, NEW)
    assert await desk.actions(ana.user.id) == [
        "account.registered",
        "account.email_change_requested",
        "account.email_changed",
    ]


async def test_a_change_takes_a_step_up(desk: SignUp, ana: Account, signed_in: SignedIn) -> None:
    with pytest.raises(StepUpRequired):
        await request(desk, await desk.sign_in(ana, stepped_up=False))
    desk.clock.advance(STEP_UP_LIVES.total_seconds())
    with pytest.raises(StepUpRequired):
        await request(desk, signed_in)

    assert await desk.mail() == []


async def test_a_program_changes_no_address(
    desk: SignUp, ana: Account, signed_in: SignedIn
) -> None:
    program = SignedIn(user=ana.user, actor=signed_in.actor)

    with pytest.raises(StepUpRequired):
        await request(desk, program)
    with pytest.raises(KeyNotAllowed):
        await confirm(desk, program, "A" * 22, "12345678")


@pytest.mark.parametrize("taken", [ANA, BEN])
async def test_an_address_that_has_an_account_is_answered_alike_and_gets_no_code(
    desk: SignUp, signed_in: SignedIn, taken: str
) -> None:
    await desk.join(BEN)

    change_id = await request(desk, signed_in, taken)

    (letter,) = await desk.mail()
    assert (letter.to, letter.kind) == (taken, LetterKind.ALREADY_REGISTERED)
    assert "code" not in letter.facts
    assert (await desk.challenge(change_id)).code_mac is None
    with pytest.raises(CodeInvalid):
        await confirm(desk, signed_in, change_id, "12345678")


async def test_an_address_that_got_an_account_meanwhile_is_not_taken(
    desk: SignUp, ana: Account, signed_in: SignedIn
) -> None:
    change_id = await request(desk, signed_in)
    code = await desk.code()
    other = await desk.join(NEW)

    for _ in range(2):
        with pytest.raises(CodeInvalid):
            await confirm(desk, signed_in, change_id, code)

    assert await desk.account(ANA) == ana
    assert await desk.account(NEW) == other
    assert (await desk.challenge(change_id)).closed


async def test_nobody_else_can_confirm_a_change(
    desk: SignUp, ana: Account, signed_in: SignedIn
) -> None:
    ben = await desk.sign_in(await desk.join(BEN))
    change_id = await request(desk, signed_in)
    code = await desk.code()

    with pytest.raises(CodeInvalid):
        await confirm(desk, ben, change_id, code)

    assert await desk.account(ANA) == ana
    assert await desk.account(BEN) is not None
    await confirm(desk, signed_in, change_id, code)


async def test_five_wrong_codes_kill_a_change(desk: SignUp, signed_in: SignedIn) -> None:
    change_id = await request(desk, signed_in)
    code = await desk.code()
    for _ in range(MOST_TRIES):
        with pytest.raises(CodeInvalid):
            await confirm(desk, signed_in, change_id, another_code(code))

    with pytest.raises(CodeInvalid):
        await confirm(desk, signed_in, change_id, code)

    assert await desk.account(NEW) is None


async def test_changes_are_limited_and_checked(desk: SignUp, signed_in: SignedIn) -> None:
    for _ in range(20):
        with pytest.raises(EmailInvalid):
            await request(desk, signed_in, "ana")
    for _ in range(desk.limits.code_mails_account.burst):
        await request(desk, signed_in)
    with pytest.raises(TooManyRequests):
        await request(desk, signed_in)


async def test_no_address_gets_into_the_audit_log(
    desk: SignUp, ana: Account, signed_in: SignedIn
) -> None:
    change_id = await request(desk, signed_in)
    await confirm(desk, signed_in, change_id, await desk.code())

    async with desk.storage.unit() as unit:
        entries = await unit.audit(ana.user.id).read()
    assert NEW not in repr(entries)
