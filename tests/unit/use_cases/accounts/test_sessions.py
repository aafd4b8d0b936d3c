"""Sessions: how long they live, how they end, and what takes the password once more."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_core.domain.secret import Secret
from skua_core.domain.session import ApiKey, EndReason, KeyAccess, SessionPolicy
from skua_core.errors import (
    InvalidCredentials,
    ItemNotFound,
    KeyNotAllowed,
    NotSignedIn,
    PasswordCheckBusy,
    SecondFactorRequired,
    StepUpRequired,
    TooManyRequests,
)
from skua_core.ids import ApiKeyId
from skua_core.use_cases.accounts.login import LoggedIn
from skua_core.use_cases.accounts.sessions import (
    EndOtherSessions,
    EndOtherSessionsCommand,
    EndSession,
    EndSessionCommand,
    ListSessions,
    ListSessionsQuery,
    Logout,
    LogoutCommand,
)
from skua_core.use_cases.accounts.signed_in import SignedIn
from tests.unit.use_cases.accounts.house import START, WRONG, House, at

BEN = "ben@example.org"
NOBODYS = "01900000-0000-7000-8000-00000000000a"


@pytest.fixture
def house() -> House:
    return House()


async def two_sessions(house: House) -> tuple[LoggedIn, LoggedIn]:
    await house.register()
    return await house.log_in(), await house.log_in(caller=at("198.51.100.7"))


async def is_over(house: House, logged_in: LoggedIn) -> bool:
    try:
        await house.show(logged_in.token)
    except NotSignedIn:
        return True
    return False


async def program(house: House) -> SignedIn:
    user_id = await house.register()
    key = ApiKey(
        id=ApiKeyId(UUID(int=1)),
        secret_hash=b"",
        user_id=user_id,
        name="reports",
        access=KeyAccess.WRITE,
        bots=None,
        created_at=START,
        expires_at=None,
    )
    session = (await house.log_in()).signed_in
    return SignedIn(user=session.user, actor=session.actor, key=key)


# Recognising


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\ud800", "skua_" + "x" * 43])
async def test_what_is_no_token_signs_nobody_in(house: House, token: str) -> None:
    with pytest.raises(NotSignedIn):
        await house.show(Secret(token))


async def test_a_right_token_without_a_session_signs_nobody_in(house: House) -> None:
    await house.register()
    token = (await house.log_in()).token
    [session] = house.sessions
    other = House()
    other.authenticate._tokens = house.tokens

    assert session.live(house.clock.now())
    with pytest.raises(NotSignedIn):
        await other.show(token)


async def test_a_session_that_is_named_for_another_user_is_refused(house: House) -> None:
    await house.register()
    bens = await house.register(BEN)
    claims = house.tokens.read((await house.log_in()).token.reveal(), now=START)
    assert claims is not None

    forged = house.tokens.issue(msgspec.structs.replace(claims, user_id=bens))

    with pytest.raises(NotSignedIn):
        await house.show(forged)


async def test_a_disabled_user_is_out_at_once(house: House) -> None:
    user_id = await house.register()
    logged_in = await house.log_in()

    await house.change(user_id, disabled_at=START)

    assert await is_over(house, logged_in)


async def test_that_it_was_seen_is_noted(house: House) -> None:
    await house.register()
    logged_in = await house.log_in()

    house.wait(minutes=5)
    await house.show(logged_in.token)

    [session] = house.sessions
    assert session.last_seen_at == house.clock.now()


# Rolling


async def test_a_token_is_rolled_after_a_day_and_not_before(house: House) -> None:
    await house.register()
    logged_in = await house.log_in()

    house.wait(hours=24, seconds=-1)
    assert (await house.show(logged_in.token)).rolled is None
    house.wait(seconds=1)

    assert (await house.show(logged_in.token)).rolled is not None


async def test_a_rolled_token_lives_on_and_says_when_the_password_was_shown(house: House) -> None:
    await house.register()
    token = (await house.log_in()).token
    for _ in range(4):
        house.wait(days=20)
        rolled = (await house.show(token)).rolled
        assert rolled is not None
        token = rolled

    claims = house.tokens.read(token.reveal(), now=house.clock.now())
    assert claims is not None
    assert claims.authenticated_at == START.replace(microsecond=0)
    assert claims.issued_at == house.clock.now().replace(microsecond=0)


async def test_a_token_whose_successor_got_lost_is_rolled_again(house: House) -> None:
    await house.register()
    logged_in = await house.log_in()
    house.wait(days=2)
    await house.show(logged_in.token)

    house.wait(days=20)

    assert (await house.show(logged_in.token)).rolled is not None


async def test_a_session_that_nobody_uses_is_over_after_thirty_days(house: House) -> None:
    await house.register()
    logged_in = await house.log_in()

    house.wait(days=30)

    assert await is_over(house, logged_in)


async def test_no_rolling_prolongs_a_session_beyond_its_absolute_end() -> None:
    house = House(policy=SessionPolicy(absolute=timedelta(days=90)))
    await house.register()
    token = (await house.log_in()).token
    for _ in range(89):
        house.wait(days=1)
        token = (await house.show(token)).rolled or token

    house.wait(days=1)

    with pytest.raises(NotSignedIn):
        await house.show(token)


async def test_a_request_that_was_slower_than_the_logout_brings_nothing_back(house: House) -> None:
    """Its answer sets a cookie that is dead already."""
    await house.register()
    logged_in = await house.log_in()
    house.wait(days=2)
    slow = await house.show(logged_in.token)

    await Logout(storage=house.storage)(LogoutCommand(signed_in=slow.signed_in))

    assert slow.rolled is not None
    with pytest.raises(NotSignedIn):
        await house.show(slow.rolled)


async def test_a_session_that_ends_while_it_is_rolled_is_over(house: House) -> None:
    await house.register()
    logged_in = await house.log_in()
    house.wait(days=2)

    answers = await asyncio.gather(
        house.show(logged_in.token),
        Logout(storage=house.storage)(LogoutCommand(signed_in=logged_in.signed_in)),
        house.show(logged_in.token),
        return_exceptions=True,
    )

    assert isinstance(answers[2], NotSignedIn)
    assert await is_over(house, logged_in)


# Ending


async def test_logging_out_ends_this_session_alone(house: House) -> None:
    here, there = await two_sessions(house)

    await Logout(storage=house.storage)(LogoutCommand(signed_in=here.signed_in))

    assert await is_over(house, here)
    assert not await is_over(house, there)
    [entry] = [one for one in await house.audited(here.signed_in.user.id) if "out" in one.action]
    assert entry.action == "account.signed_out"


async def test_logging_out_twice_is_as_good_as_once(house: House) -> None:
    here, _ = await two_sessions(house)
    logout = Logout(storage=house.storage)
    await logout(LogoutCommand(signed_in=here.signed_in))
    before = len(await house.audited(here.signed_in.user.id))

    await logout(LogoutCommand(signed_in=here.signed_in))

    assert len(await house.audited(here.signed_in.user.id)) == before


async def test_ones_own_sessions_are_listed_and_ended_one_by_one(house: House) -> None:
    here, there = await two_sessions(house)
    listed = await ListSessions(storage=house.storage)(ListSessionsQuery(signed_in=here.signed_in))
    other = there.signed_in.as_person().id
    assert [session.id for session in listed] == [other, here.signed_in.as_person().id]

    command = EndSessionCommand(signed_in=here.signed_in, session_id=str(other))
    await EndSession(storage=house.storage)(command)

    assert await is_over(house, there)
    assert not await is_over(house, here)
    with pytest.raises(ItemNotFound):
        await EndSession(storage=house.storage)(command)


@pytest.mark.parametrize("session_id", ["", "1", NOBODYS, NOBODYS.upper(), "\ud800", "x" * 10_000])
async def test_there_is_no_such_session(house: House, session_id: str) -> None:
    here, _ = await two_sessions(house)

    with pytest.raises(ItemNotFound):
        await EndSession(storage=house.storage)(
            EndSessionCommand(signed_in=here.signed_in, session_id=session_id)
        )


async def test_nobody_ends_a_session_of_somebody_else(house: House) -> None:
    here, _ = await two_sessions(house)
    await house.register(BEN)
    bens = await house.log_in(email=BEN)

    with pytest.raises(ItemNotFound):
        await EndSession(storage=house.storage)(
            EndSessionCommand(
                signed_in=here.signed_in, session_id=str(bens.signed_in.as_person().id)
            )
        )
    assert not await is_over(house, bens)


async def test_all_others_end_and_this_one_goes_on(house: House) -> None:
    here, there = await two_sessions(house)
    await house.register(BEN)
    bens = await house.log_in(email=BEN)

    await EndOtherSessions(storage=house.storage)(EndOtherSessionsCommand(signed_in=here.signed_in))

    assert [await is_over(house, one) for one in (here, there, bens)] == [False, True, False]
    reasons = [session.end_reason for session in house.sessions]
    assert reasons.count(EndReason.ENDED_BY_USER) == 1
    assert (await house.audited(here.signed_in.user.id))[
        -1
    ].action == "account.other_sessions_ended"


async def test_a_program_has_no_sessions(house: House) -> None:
    signed_in = await program(house)
    storage = house.storage
    attempts = [
        Logout(storage=storage)(LogoutCommand(signed_in=signed_in)),
        ListSessions(storage=storage)(ListSessionsQuery(signed_in=signed_in)),
        EndSession(storage=storage)(EndSessionCommand(signed_in=signed_in, session_id=NOBODYS)),
        EndOtherSessions(storage=storage)(EndOtherSessionsCommand(signed_in=signed_in)),
        house.prove_again(signed_in),
    ]

    for attempt in attempts:
        with pytest.raises(KeyNotAllowed):
            await attempt


# Stepping up


async def fresh(house: House, logged_in: LoggedIn) -> SignedIn:
    return (await house.show(logged_in.token)).signed_in


def needs_step_up(signed_in: SignedIn, now: datetime) -> bool:
    try:
        signed_in.require_step_up(now)
    except StepUpRequired:
        return True
    return False


async def test_the_password_counts_again_for_a_quarter_of_an_hour(house: House) -> None:
    here, there = await two_sessions(house)
    house.wait(minutes=15)
    assert needs_step_up(await fresh(house, here), house.clock.now())

    await house.prove_again(here.signed_in)

    assert not needs_step_up(await fresh(house, here), house.clock.now())
    assert needs_step_up(await fresh(house, there), house.clock.now())
    assert (await house.audited(here.signed_in.user.id))[-1].action == "account.stepped_up"
    house.wait(minutes=15)
    assert needs_step_up(await fresh(house, here), house.clock.now())


async def test_a_wrong_password_strengthens_nothing_and_is_limited(house: House) -> None:
    here, there = await two_sessions(house)
    house.wait(minutes=15)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await house.prove_again(here.signed_in, WRONG)

    with pytest.raises(TooManyRequests):
        await house.prove_again(here.signed_in)
    assert needs_step_up(await fresh(house, here), house.clock.now())
    await house.prove_again(there.signed_in)


async def test_a_second_factor_is_needed_here_too(house: House) -> None:
    here, _ = await two_sessions(house)
    secret = await house.add_totp(here.signed_in.user.id)
    house.wait(minutes=15)
    for totp in (None, "000000", house.code_of(secret, steps=-9)):
        with pytest.raises(SecondFactorRequired):
            await house.prove_again(here.signed_in, totp=totp)

    code = house.code_of(secret)
    await house.prove_again(here.signed_in, totp=code)

    assert not needs_step_up(await fresh(house, here), house.clock.now())
    with pytest.raises(SecondFactorRequired):
        await house.log_in(totp=code)


async def test_what_was_no_guess_uses_up_no_tries(house: House) -> None:
    here, _ = await two_sessions(house)
    secret = await house.add_totp(here.signed_in.user.id)
    right = house.step_up._hasher
    for _ in range(6):
        with pytest.raises(SecondFactorRequired):
            await house.prove_again(here.signed_in)
        house.step_up._hasher = FakePasswordHasher(most_at_once=0)
        with pytest.raises(PasswordCheckBusy):
            await house.prove_again(here.signed_in)
        house.step_up._hasher = right

    await house.prove_again(here.signed_in, totp=house.code_of(secret))


@pytest.mark.parametrize("erased", [True, False])
async def test_a_password_that_is_no_longer_the_account_s_proves_nothing(
    house: House, *, erased: bool
) -> None:
    here, _ = await two_sessions(house)
    user_id = here.signed_in.user.id
    if erased:
        async with house.storage.unit() as unit:
            await unit.accounts.remove(user_id)
            await unit.commit()
    else:
        await house.change(user_id, password=await house.hasher.hash(Secret(WRONG)))

    with pytest.raises(InvalidCredentials):
        await house.prove_again(here.signed_in)


async def test_commands_and_results_show_nothing_that_proves_anything(house: House) -> None:
    here, _ = await two_sessions(house)
    shown = repr([here, at(device=here.device_token)])

    assert here.device_token is not None
    assert here.token.reveal() not in shown
    assert here.device_token.reveal() not in shown
