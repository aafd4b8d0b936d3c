"""Signing in with a password: what is asked, what is told, what is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_core.domain.account import PasswordHash
from skua_core.domain.letter import LetterKind
from skua_core.domain.secret import Secret
from skua_core.domain.session import MOST_DEVICES, MOST_SESSIONS, EndReason, SessionPolicy
from skua_core.errors import (
    EmailInvalid,
    InvalidCredentials,
    NotSignedIn,
    PasswordCheckBusy,
    SecondFactorRequired,
)
from skua_core.ports.password_hasher import Verification
from tests.unit.use_cases.accounts.house import ANA, HOME, RIGHT, START, WRONG, House, at

BEN = "ben@example.org"
FULL_WIDTH = "".join(chr(ord(digit) + 0xFEE0) for digit in "123456")


class Meanwhile(FakePasswordHasher):
    """Something happens while a password is checked."""

    def __init__(self, happens: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._happens = happens

    async def verify(self, password: Secret, hashed: PasswordHash | None) -> Verification:
        await self._happens()
        return await super().verify(password, hashed)


class TooBusyToHash(FakePasswordHasher):
    async def hash(self, password: Secret) -> PasswordHash:
        await super().hash(password)
        raise PasswordCheckBusy(1)


@pytest.fixture
def house() -> House:
    return House()


async def test_the_right_password_begins_a_session(house: House) -> None:
    user_id = await house.register()

    logged_in = await house.log_in()

    signed_in = (await house.show(logged_in.token)).signed_in
    assert signed_in.user.id == logged_in.signed_in.user.id == user_id
    assert signed_in.session == logged_in.signed_in.session
    assert signed_in.actor.ip == HOME


async def test_the_address_counts_in_any_spelling(house: House) -> None:
    await house.register()

    assert await house.log_in(email=" Ana@Example.ORG ")


async def test_what_is_no_address_is_said_to_be_none(house: House) -> None:
    with pytest.raises(EmailInvalid):
        await house.log_in(email="ana")


async def test_a_session_begins_stepped_up_and_ends_absolutely() -> None:
    house = House(policy=SessionPolicy(absolute=timedelta(days=7)))
    await house.register()

    session = (await house.log_in()).signed_in.as_person()

    assert session.stepped_up(START + timedelta(minutes=14))
    assert not session.stepped_up(START + timedelta(minutes=15))
    assert session.absolute_until == START + timedelta(days=7)


async def test_each_login_has_a_session_id_of_its_own(house: House) -> None:
    """Else whoever planted one would share it."""
    await house.register()

    first, second = await house.log_in(), await house.log_in()

    assert first.token != second.token
    assert first.signed_in.as_person().sid_hash != second.signed_in.as_person().sid_hash


async def test_nothing_that_would_sign_in_is_stored_in_the_clear(house: House) -> None:
    await house.register()

    logged_in = await house.log_in()

    claims = house.tokens.read(logged_in.token.reveal(), now=START)
    assert claims is not None
    assert logged_in.device_token is not None
    stored = repr([*house.sessions, *house.devices])
    assert claims.sid.reveal() not in stored
    assert logged_in.device_token.reveal() not in stored


async def test_the_audit_log_tells_of_the_login(house: House) -> None:
    user_id = await house.register()

    session = (await house.log_in()).signed_in.as_person()

    [entry] = await house.audited(user_id)
    assert (entry.action, entry.actor, entry.ip) == ("account.signed_in", ANA, HOME)
    assert str(session.id) in entry.details


# Everybody who may not sign in is told the same


async def unknown(house: House) -> None:
    await house.register(BEN)


async def wrong_password(house: House) -> None:
    await house.register(password=WRONG)


async def disabled(house: House) -> None:
    await house.change(await house.register(), disabled_at=START)


async def without_a_password(house: House) -> None:
    await house.register(password=None)


REFUSED = [unknown, wrong_password, disabled, without_a_password]


@pytest.mark.parametrize("prepare", REFUSED)
async def test_a_refusal_is_the_same_and_costs_one_hash_whatever_the_reason(
    house: House, prepare: Callable[[House], Awaitable[None]]
) -> None:
    await prepare(house)
    before = house.hasher.computed

    with pytest.raises(InvalidCredentials) as caught:
        await house.log_in()

    assert str(caught.value) == str(InvalidCredentials())
    assert house.hasher.computed - before == 1
    assert not await house.letters()


async def test_a_failure_is_counted_while_the_hash_is_computed(house: House) -> None:
    """Counted afterwards, it would make the answer later for addresses that have an account."""
    user_id = await house.register()
    counted: list[int] = []

    async def hashing() -> None:
        for _ in range(50):
            await asyncio.sleep(0)
        counted.append((await house.account(user_id)).failures)

    house.login._hasher = Meanwhile(hashing)
    with pytest.raises(InvalidCredentials):
        await house.log_in(WRONG)

    assert counted == [1]
    assert (await house.account(user_id)).failures == 1


async def test_what_is_done_for_nobody_leaves_nothing(house: House) -> None:
    await house.register(BEN)

    with pytest.raises(InvalidCredentials):
        await house.log_in()

    async with house.storage.unit() as unit:
        accounts = await unit.accounts.page(after=None, limit=10)
        assert [account.user.login for account in accounts] == [BEN]
        assert await unit.accounts.by_login(ANA) is None
    assert not house.sessions
    assert not house.devices


async def test_a_disabled_user_is_not_told_apart_even_with_a_second_factor(house: House) -> None:
    user_id = await house.register()
    await house.add_totp(user_id)
    await house.change(user_id, disabled_at=START)

    with pytest.raises(InvalidCredentials):
        await house.log_in()


async def test_a_password_that_changes_meanwhile_signs_nobody_in(house: House) -> None:
    """A reset ends all sessions; none may begin behind its back."""
    user_id = await house.register()

    new = await house.hasher.hash(Secret(WRONG))
    house.login._hasher = Meanwhile(lambda: house.change(user_id, password=new))

    with pytest.raises(InvalidCredentials):
        await house.log_in()
    assert not house.sessions


async def test_a_user_disabled_meanwhile_does_not_sign_in(house: House) -> None:
    user_id = await house.register()

    house.login._hasher = Meanwhile(lambda: house.change(user_id, disabled_at=START))

    with pytest.raises(InvalidCredentials):
        await house.log_in()


# Hashes


async def test_a_hash_of_a_lower_cost_is_made_anew(house: House) -> None:
    house.hasher = cheap = FakePasswordHasher(cost=10)
    user_id = await house.register()

    await house.log_in()

    stored = (await house.account(user_id)).password
    assert stored is not None
    assert stored.value.startswith("fake$12$")
    assert not (await cheap.verify(Secret(WRONG), stored)).right
    assert await house.log_in()


async def test_a_hash_stays_when_there_is_no_time_to_make_another(house: House) -> None:
    house.hasher = FakePasswordHasher(cost=10)
    user_id = await house.register()
    house.login._hasher = TooBusyToHash()

    assert await house.log_in()

    stored = (await house.account(user_id)).password
    assert stored is not None
    assert stored.value.startswith("fake$10$")


# Devices


async def test_a_device_is_given_a_token_at_its_first_login_only(house: House) -> None:
    await house.register()

    first = await house.log_in()
    second = await house.log_in(caller=at(device=first.device_token))

    assert first.device_token is not None
    assert second.device_token is None
    assert second.signed_in.as_person().device_id == first.signed_in.as_person().device_id


@pytest.mark.parametrize("token", ["", "x", "x" * 22, "é" * 22, "A" * 10_000, "\ud800" * 22])
async def test_what_claims_to_be_a_device_gets_a_token_of_its_own(house: House, token: str) -> None:
    await house.register()

    logged_in = await house.log_in(caller=at(device=Secret(token)))

    assert logged_in.device_token not in (None, Secret(token))


async def test_a_device_of_another_account_is_a_new_one(house: House) -> None:
    await house.register()
    await house.register(BEN)
    bens = (await house.log_in(email=BEN)).device_token

    assert (await house.log_in(caller=at(device=bens))).device_token is not None


async def test_the_first_device_makes_no_letter_and_each_further_one_does(house: House) -> None:
    await house.register()
    first = await house.log_in()
    assert not await house.letters()

    await house.log_in(caller=at("198.51.100.7"))

    [letter] = await house.letters()
    assert (letter.to, letter.kind) == (ANA, LetterKind.NEW_DEVICE)
    assert letter.facts["ip"] == "198.51.100.7"
    await house.log_in(caller=at(device=first.device_token))
    assert not await house.letters()


async def test_a_device_is_forgotten_after_half_a_year(house: House) -> None:
    await house.register()
    first = await house.log_in()

    house.wait(days=181)

    assert (await house.log_in(caller=at(device=first.device_token))).device_token is not None


async def test_no_more_devices_are_kept_than_a_user_can_look_through(house: House) -> None:
    user_id = await house.register()
    for _ in range(MOST_DEVICES + 3):
        await house.log_in()
        house.wait(minutes=1)

    async with house.storage.unit() as unit:
        known = await unit.devices.of_user(user_id)
    assert len(known) == MOST_DEVICES
    assert min(device.created_at for device in known) == START + timedelta(minutes=3)


# Sessions


async def test_the_oldest_session_gives_way(house: House) -> None:
    user_id = await house.register()
    tokens = []
    for _ in range(MOST_SESSIONS + 1):
        tokens.append((await house.log_in()).token)
        house.wait(seconds=30)

    with pytest.raises(NotSignedIn):
        await house.show(tokens[0])
    assert [await house.show(token) for token in tokens[1:]]
    reasons = [each.end_reason for each in house.sessions]
    assert [reason for reason in reasons if reason] == [EndReason.TOO_MANY]
    async with house.storage.unit() as unit:
        assert len(await unit.sessions.of_user(user_id)) == MOST_SESSIONS


async def test_logins_at_once_keep_to_the_number_of_sessions(house: House) -> None:
    user_id = await house.register()

    await asyncio.gather(
        *(house.log_in(caller=at(f"192.0.2.{number}")) for number in range(4)),
        return_exceptions=True,
    )
    async with house.storage.unit() as unit:
        sessions = await unit.sessions.of_user(user_id)
    assert len(sessions) == 4


# The second factor


async def test_a_second_factor_is_asked_for_and_taken(house: House) -> None:
    secret = await house.add_totp(await house.register())

    with pytest.raises(SecondFactorRequired):
        await house.log_in()
    logged_in = await house.log_in(totp=house.code_of(secret))

    assert logged_in.signed_in.totp_enabled
    assert (await house.show(logged_in.token)).signed_in.totp_enabled


async def test_a_wrong_password_is_never_told_of_a_second_factor(house: House) -> None:
    secret = await house.add_totp(await house.register())

    with pytest.raises(InvalidCredentials):
        await house.log_in(WRONG, totp=house.code_of(secret))


async def test_a_code_signs_in_once(house: House) -> None:
    secret = await house.add_totp(await house.register())
    code = house.code_of(secret)
    await house.log_in(totp=code)

    with pytest.raises(SecondFactorRequired):
        await house.log_in(totp=code)


async def test_one_code_at_once_has_one_winner(house: House) -> None:
    secret = await house.add_totp(await house.register())
    code = house.code_of(secret)

    answers = await asyncio.gather(
        *(house.log_in(totp=code) for _ in range(4)), return_exceptions=True
    )

    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1


@pytest.mark.parametrize("code", ["", "000000", "12345678", FULL_WIDTH, "\ud800", "a" * 10_000])
async def test_what_is_no_code_is_none(house: House, code: str) -> None:
    await house.add_totp(await house.register())

    with pytest.raises(SecondFactorRequired):
        await house.log_in(RIGHT, totp=code)
