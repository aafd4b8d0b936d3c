"""Registering: what the owner of an address gets, and what nobody else learns."""

import asyncio
from datetime import timedelta

import pytest

from skua_adapters._memory.rows import InvitationRow
from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_core.domain.account import Registration
from skua_core.domain.bot import Bot, TokenState, WebhookState
from skua_core.domain.challenge import MOST_TRIES
from skua_core.domain.letter import LetterKind
from skua_core.domain.limits import Bucket, Limits
from skua_core.domain.secret import Secret
from skua_core.errors import (
    CodeInvalid,
    EmailInvalid,
    NameInvalid,
    PasswordCheckBusy,
    PasswordUnfit,
    RegistrationClosed,
    TooManyRequests,
)
from skua_core.ids import BotId, UserId
from skua_core.use_cases.accounts.registration import RegisterCommand, ResendCodeCommand
from tests.unit.use_cases.accounts.sign_up import (
    ANA,
    BEN,
    ELSEWHERE,
    HOME,
    OTHER_PASSWORD,
    PASSWORD,
    SignUp,
    another_code,
)

FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}
"""Digits that Python takes for digits too."""


@pytest.fixture
def desk() -> SignUp:
    return SignUp()


@pytest.fixture
def generous() -> SignUp:
    """So that only the tries of a code are limited."""
    plenty = Bucket("plenty", 1000, 1)
    return SignUp(
        limits=Limits(
            register_ip=plenty,
            code_mails_account=plenty,
            code_mails_ip=plenty,
            code_tries_account=plenty,
            code_tries_ip=plenty,
        )
    )


async def test_the_code_from_the_mail_makes_an_account(desk: SignUp) -> None:
    command = RegisterCommand(
        email=" Ana@Example.com ", password=PASSWORD, name=" Ana Gull ", caller=HOME
    )
    registration_id = await desk.register(command)
    assert await desk.account() is None

    await desk.confirm(registration_id, await desk.code())

    account = await desk.account()
    assert account is not None
    assert (account.user.login, account.user.name) == (ANA, "Ana Gull")
    assert await desk.has_password(PASSWORD)
    assert await desk.actions(account.user.id) == ["account.registered"]


async def test_the_letter_holds_nothing_that_whoever_registers_could_word(desk: SignUp) -> None:
    command = RegisterCommand(
        email=ANA, password=PASSWORD, name="Buy now at shop.example", caller=ELSEWHERE
    )
    await desk.register(command)

    (letter,) = await desk.mail()
    assert letter.to == ANA
    assert letter.facts.keys() == {"code", "ip", "at"}


async def test_a_code_works_once(desk: SignUp) -> None:
    registration_id = await desk.begin()
    code = await desk.code()
    await desk.confirm(registration_id, code)

    with pytest.raises(CodeInvalid):
        await desk.confirm(registration_id, code)


async def test_a_code_lives_15_minutes(desk: SignUp) -> None:
    on_time, late = await desk.begin(ANA), await desk.begin(BEN)
    codes = {letter.to: letter.facts["code"] for letter in await desk.mail()}

    desk.clock.advance(timedelta(minutes=15).total_seconds() - 1)
    await desk.confirm(on_time, codes[ANA])
    desk.clock.advance(1)
    with pytest.raises(CodeInvalid):
        await desk.confirm(late, codes[BEN])


async def test_a_code_confirms_no_password_of_somebody_else(desk: SignUp) -> None:
    attackers = await desk.begin(password=OTHER_PASSWORD)
    await desk.mail()
    anas = await desk.begin()
    code = await desk.code()

    with pytest.raises(CodeInvalid):
        await desk.confirm(attackers, code)
    await desk.confirm(anas, code)

    assert await desk.has_password(PASSWORD)
    assert not await desk.has_password(OTHER_PASSWORD)


async def test_every_other_registration_of_the_address_ends_with_the_first(desk: SignUp) -> None:
    other = await desk.begin(password=OTHER_PASSWORD)
    others_code = await desk.code()
    await desk.join()
    assert (await desk.challenge(other)).closed

    with pytest.raises(CodeInvalid):
        await desk.confirm(other, others_code)

    assert await desk.has_password(PASSWORD)


async def test_five_wrong_codes_kill_the_right_one(generous: SignUp) -> None:
    registration_id = await generous.begin()
    code = await generous.code()
    for _ in range(MOST_TRIES):
        with pytest.raises(CodeInvalid):
            await generous.confirm(registration_id, another_code(code))

    with pytest.raises(CodeInvalid):
        await generous.confirm(registration_id, code)

    assert await generous.account() is None
    assert (await generous.challenge(registration_id)).tries == MOST_TRIES


async def test_four_wrong_codes_do_not(generous: SignUp) -> None:
    registration_id = await generous.begin()
    code = await generous.code()
    for wrong in ("", code[:-1], code + "0", code.translate(FULL_WIDTH)):
        with pytest.raises(CodeInvalid):
            await generous.confirm(registration_id, wrong)

    await generous.confirm(registration_id, code)

    assert await generous.account() is not None


@pytest.mark.parametrize("code", ["\ud800", "\0" * 8, "1234 678", "x" * 100_000])
async def test_what_is_no_code_is_a_wrong_one(desk: SignUp, code: str) -> None:
    with pytest.raises(CodeInvalid):
        await desk.confirm(await desk.begin(), code)


async def test_a_code_is_bound_to_its_registration(desk: SignUp) -> None:
    attackers = await desk.begin(BEN)
    code = await desk.code()
    victims = await desk.begin(ANA)
    swapped = await desk.challenge(victims)
    swapped.code_mac = (await desk.challenge(attackers)).code_mac
    async with desk.storage.unit() as unit:
        await unit.challenges.save(swapped)
        await unit.commit()

    with pytest.raises(CodeInvalid):
        await desk.confirm(victims, code)


async def test_of_50_right_codes_at_once_one_wins(generous: SignUp) -> None:
    registration_id = await generous.begin()
    code = await generous.code()

    answers = await asyncio.gather(
        *(generous.confirm(registration_id, code) for _ in range(50)), return_exceptions=True
    )

    assert answers.count(None) == 1
    assert sum(isinstance(answer, CodeInvalid) for answer in answers) == 49


@pytest.mark.parametrize("handle", ["", "x", "A" * 22, "\ud800", "A" * 100_000])
async def test_an_id_that_does_not_exist_is_a_wrong_code(desk: SignUp, handle: str) -> None:
    with pytest.raises(CodeInvalid):
        await desk.confirm(handle, "12345678")
    await desk.resend(ResendCodeCommand(registration_id=handle, caller=HOME))
    assert await desk.mail() == []


async def test_a_known_address_is_answered_alike_and_told_by_mail(desk: SignUp) -> None:
    known = await desk.join()

    registration_id = await desk.begin(password=OTHER_PASSWORD)

    assert await desk.kinds() == [(ANA, LetterKind.ALREADY_REGISTERED)]
    challenge = await desk.challenge(registration_id)
    assert challenge.code_mac is None
    with pytest.raises(CodeInvalid):
        await desk.confirm(registration_id, "00000000")
    assert await desk.account() == known


async def test_a_known_address_costs_a_hash_as_well() -> None:
    hasher = FakePasswordHasher()
    desk = SignUp(hasher=hasher)
    await desk.join()
    before = hasher.computed

    await desk.begin()

    assert hasher.computed == before + 1


async def test_an_address_that_got_an_account_otherwise_is_not_taken_over(desk: SignUp) -> None:
    registration_id = await desk.begin(password=OTHER_PASSWORD)
    code = await desk.code()
    ben = await desk.join(BEN)
    async with desk.storage.unit() as unit:
        ben.user.login = ANA
        await unit.accounts.save(ben)
        await unit.commit()

    for _ in range(2):
        with pytest.raises(CodeInvalid):
            await desk.confirm(registration_id, code)

    assert (await desk.challenge(registration_id)).closed
    assert await desk.account() == ben


async def test_a_new_code_takes_the_place_of_the_former(desk: SignUp) -> None:
    registration_id = await desk.begin()
    former = await desk.code()
    await desk.resend(ResendCodeCommand(registration_id=registration_id, caller=HOME))
    code = await desk.code()

    assert former != code
    with pytest.raises(CodeInvalid):
        await desk.confirm(registration_id, former)
    await desk.confirm(registration_id, code)


async def test_a_new_code_brings_new_tries_and_time(generous: SignUp) -> None:
    registration_id = await generous.begin()
    code = await generous.code()
    for _ in range(MOST_TRIES):
        with pytest.raises(CodeInvalid):
            await generous.confirm(registration_id, another_code(code))
    generous.clock.advance(timedelta(hours=23).total_seconds())

    await generous.resend(ResendCodeCommand(registration_id=registration_id, caller=HOME))
    await generous.confirm(registration_id, await generous.code())

    assert await generous.account() is not None


async def test_a_registration_of_yesterday_or_used_gets_no_new_code(desk: SignUp) -> None:
    used, old = await desk.begin(ANA), await desk.begin(BEN)
    codes = {letter.to: letter.facts["code"] for letter in await desk.mail()}
    await desk.confirm(used, codes[ANA])
    desk.clock.advance(timedelta(hours=24).total_seconds())

    for registration_id in (used, old):
        await desk.resend(ResendCodeCommand(registration_id=registration_id, caller=HOME))

    assert await desk.mail() == []


async def test_a_known_address_is_told_again_when_a_code_is_asked_for_again(desk: SignUp) -> None:
    await desk.join()
    registration_id = await desk.begin()
    await desk.mail()

    await desk.resend(ResendCodeCommand(registration_id=registration_id, caller=HOME))

    assert await desk.kinds() == [(ANA, LetterKind.ALREADY_REGISTERED)]


async def test_closed_means_nobody() -> None:
    desk = SignUp(registration=Registration.CLOSED)

    with pytest.raises(RegistrationClosed):
        await desk.begin()

    assert await desk.mail() == []


async def test_by_invitation_only_whoever_is_invited_gets_a_code() -> None:
    desk = SignUp(registration=Registration.INVITED)
    invite(desk, ANA)

    invited, stranger = await desk.begin(ANA), await desk.begin(BEN)

    assert await desk.kinds() == [(ANA, LetterKind.VERIFY_EMAIL), (BEN, LetterKind.NOT_INVITED)]
    assert len(invited) == len(stranger)
    assert (await desk.challenge(stranger)).code_mac is None


async def test_an_invitation_counts_when_a_code_is_asked_for_again() -> None:
    desk = SignUp(registration=Registration.INVITED)
    registration_id = await desk.begin()
    await desk.mail()
    invite(desk, ANA)

    await desk.resend(ResendCodeCommand(registration_id=registration_id, caller=HOME))
    await desk.confirm(registration_id, await desk.code())

    assert await desk.account() is not None


def invite(desk: SignUp, login: str) -> None:
    now = desk.clock.now()
    bot = Bot(
        id=BotId(desk.ids.new()),
        slug="pelican-abc23",
        public_id="p" * 22,
        name="Pelican",
        owner_id=UserId(desk.ids.new()),
        telegram_id=None,
        telegram_username=None,
        token_state=TokenState.MISSING,
        webhook_state=WebhookState.NONE,
        created_at=now,
        updated_at=now,
    )
    desk.memory.bots.put(bot.id, bot)
    row = InvitationRow(bot_id=bot.id, login=login, expires_at=now + timedelta(days=1))
    desk.memory.accounts.invitations.put((bot.id, login), row)


async def test_what_is_unfit_is_refused_before_anything_is_done(desk: SignUp) -> None:
    unfit = {
        EmailInvalid: RegisterCommand(email="ana", password=PASSWORD, caller=HOME),
        PasswordUnfit: RegisterCommand(email=ANA, password=Secret("short"), caller=HOME),
        NameInvalid: RegisterCommand(email=ANA, password=PASSWORD, name="a\nb", caller=HOME),
    }
    for error, command in unfit.items():
        for _ in range(20):
            with pytest.raises(error):
                await desk.register(command)

    assert await desk.mail() == []
    assert await desk.begin()


async def test_a_password_made_of_the_address_or_name_is_refused(desk: SignUp) -> None:
    for password in ("ana.gull-1234", "example AnnaBella"):
        with pytest.raises(PasswordUnfit):
            await desk.register(
                RegisterCommand(
                    email="ana.gull@example.com",
                    password=Secret(password),
                    name="Example Annabella",
                    caller=HOME,
                )
            )


async def test_registrations_are_limited_by_address_and_by_mailbox(desk: SignUp) -> None:
    for _ in range(desk.limits.code_mails_account.burst):
        await desk.begin()
    with pytest.raises(TooManyRequests) as refused:
        await desk.begin()
    assert refused.value.retry_after > 0

    for number in range(desk.limits.register_ip.burst - desk.limits.code_mails_account.burst):
        await desk.begin(f"ana{number}@example.com")
    with pytest.raises(TooManyRequests):
        await desk.begin(BEN)
    await desk.register(RegisterCommand(email=BEN, password=PASSWORD, caller=ELSEWHERE))


async def test_the_limits_are_the_same_for_a_known_address() -> None:
    async def refused_after(desk: SignUp) -> int:
        for taken in range(100):
            try:
                await desk.begin()
            except TooManyRequests:
                return taken
        raise AssertionError

    known, unknown = SignUp(), SignUp()
    await known.join()
    known.clock.advance(3600)

    assert await refused_after(known) == await refused_after(unknown)


async def test_tries_are_limited_over_all_codes_of_an_address(desk: SignUp) -> None:
    tried = 0
    for _ in range(10):
        registration_id = await desk.begin()
        code = await desk.code()
        for _ in range(4):
            with pytest.raises((CodeInvalid, TooManyRequests)) as refused:
                await desk.confirm(registration_id, another_code(code))
            tried += refused.type is CodeInvalid
        if refused.type is TooManyRequests:
            break
        desk.clock.advance(0.001)

    assert tried == desk.limits.code_tries_account.burst


async def test_a_busy_hasher_costs_no_mail() -> None:
    desk = SignUp(hasher=FakePasswordHasher(most_at_once=0))

    for _ in range(50):
        with pytest.raises(PasswordCheckBusy):
            await desk.begin()


async def test_no_address_or_code_shows_in_a_command(desk: SignUp) -> None:
    command = RegisterCommand(email=ANA, password=PASSWORD, caller=HOME)
    code = desk.codes.new((await desk.challenge(await desk.begin())).purpose, b"handle")

    assert ANA not in repr(command)
    assert code.text not in repr(code)
