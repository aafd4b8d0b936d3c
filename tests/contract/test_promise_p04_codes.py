"""An address is proven before there is an account, by a code that works once, for 15 minutes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters.account_storage.postgres import PostgresAccountStorage
from skua_adapters.id_factory.uuid7 import Uuid7IdFactory
from skua_core.domain.account import Registration
from skua_core.domain.challenge import MOST_TRIES
from skua_core.domain.limits import Bucket, Limits
from skua_core.errors import CodeInvalid
from skua_core.ports.account_storage import AccountStorage
from skua_core.use_cases.accounts.email_change import (
    ConfirmEmailChangeCommand,
    RequestEmailChangeCommand,
)
from skua_core.use_cases.accounts.passwords import ForgotPasswordCommand, ResetPasswordCommand
from skua_core.use_cases.accounts.registration import ResendCodeCommand
from tests.contract.rigs.account_storage import AccountRig
from tests.postgres_cluster import Database
from tests.unit.use_cases.accounts.sign_up import (
    HOME,
    OTHER_PASSWORD,
    PASSWORD,
    SignUp,
    another_code,
)

pytestmark = pytest.mark.promise("P04")

MANY = 50
PLENTY = Bucket("plenty", 100_000, 0.001)
NO_LIMITS = Limits(
    register_ip=PLENTY,
    code_mails_account=PLENTY,
    code_mails_ip=PLENTY,
    code_tries_account=PLENTY,
    code_tries_ip=PLENTY,
)


def sign_up(storage: AccountStorage, registration: Registration = Registration.OPEN) -> SignUp:
    return SignUp(storage, ids=Uuid7IdFactory(), limits=NO_LIMITS, registration=registration)


def somebody() -> str:
    return f"{uuid4()}@example.com"


async def outcomes(tries: Iterable[Awaitable[None]]) -> Counter[type]:
    return Counter(map(type, await asyncio.gather(*tries, return_exceptions=True)))


@pytest.fixture
def desk(accounts: AccountRig) -> SignUp:
    return sign_up(accounts.storage)


@pytest.fixture
async def crowd(migrated_database: Database) -> AsyncIterator[SignUp]:
    """A connection for each of fifty."""
    engine = create_engine(migrated_database.url_of(roles.APP), pool_size=MANY, connect_timeout=30)
    yield sign_up(PostgresAccountStorage(engine))
    await engine.dispose()


async def test_registering_resetting_and_moving_work_over_each_storage(desk: SignUp) -> None:
    ana, new = somebody(), somebody()
    account = await desk.join(ana)
    signed_in = await desk.sign_in(account)
    change_id = await desk.request_change(
        RequestEmailChangeCommand(signed_in=signed_in, email=new, caller=HOME)
    )
    await desk.confirm_change(
        ConfirmEmailChangeCommand(
            signed_in=signed_in, change_id=change_id, code=await desk.code(), caller=HOME
        )
    )
    await desk.mail()
    reset_id = await desk.forgot(ForgotPasswordCommand(email=new, caller=HOME))
    await desk.reset(
        ResetPasswordCommand(
            reset_id=reset_id, code=await desk.code(), password=OTHER_PASSWORD, caller=HOME
        )
    )

    assert await desk.has_password(OTHER_PASSWORD, new)
    assert await desk.account(ana) is None
    assert await desk.sessions(account.user.id) == []
    assert await desk.actions(account.user.id) == [
        "account.registered",
        "account.email_change_requested",
        "account.email_changed",
        "account.password_reset",
    ]


async def test_a_code_ends_by_the_time_of_the_storage(accounts: AccountRig) -> None:
    desk = sign_up(accounts.storage)
    ana = somebody()
    early, late = await desk.begin(ana), await desk.begin(ana)
    codes = [letter.facts["code"] for letter in await desk.mail()]

    await accounts.let_pass(15 * 60 - 30)
    with pytest.raises(CodeInvalid):
        await desk.confirm(early, another_code(codes[0]))
    assert (await desk.challenge(early)).tries == 1
    await accounts.let_pass(31)
    with pytest.raises(CodeInvalid):
        await desk.confirm(late, codes[1])

    assert await desk.account(ana) is None


@pytest.mark.external
async def test_of_fifty_who_bring_the_right_code_at_once_one_wins(crowd: SignUp) -> None:
    ana = somebody()
    registration_id = await crowd.begin(ana)
    code = await crowd.code()

    came = await outcomes([crowd.confirm(registration_id, code) for _ in range(MANY)])

    account = await crowd.account(ana)
    assert came == {type(None): 1, CodeInvalid: MANY - 1}
    assert account is not None
    assert await crowd.actions(account.user.id) == ["account.registered"]


@pytest.mark.external
async def test_of_fifty_registrations_of_an_address_one_is_confirmed(crowd: SignUp) -> None:
    ana = somebody()
    begun = [await crowd.begin(ana) for _ in range(MANY)]
    codes = [letter.facts["code"] for letter in await crowd.mail()]

    came = await outcomes(map(crowd.confirm, begun, codes))

    assert came == {type(None): 1, CodeInvalid: MANY - 1}
    assert all([(await crowd.challenge(each)).closed for each in begun])


@pytest.mark.external
async def test_of_fifty_wrong_codes_at_once_five_are_looked_at(crowd: SignUp) -> None:
    registration_id = await crowd.begin(somebody())
    code = await crowd.code()

    wrong = [crowd.confirm(registration_id, another_code(code)) for _ in range(MANY)]
    came = await outcomes(wrong)

    assert came == {CodeInvalid: MANY}
    assert (await crowd.challenge(registration_id)).tries == MOST_TRIES
    with pytest.raises(CodeInvalid):
        await crowd.confirm(registration_id, code)


@pytest.mark.external
async def test_of_fifty_resets_by_one_code_one_wins(crowd: SignUp) -> None:
    ana = somebody()
    account = await crowd.join(ana)
    reset_id = await crowd.forgot(ForgotPasswordCommand(email=ana, caller=HOME))
    code = await crowd.code()
    command = ResetPasswordCommand(
        reset_id=reset_id, code=code, password=OTHER_PASSWORD, caller=HOME
    )

    came = await outcomes([crowd.reset(command) for _ in range(MANY)])

    assert came == {type(None): 1, CodeInvalid: MANY - 1}
    assert (await crowd.actions(account.user.id)).count("account.password_reset") == 1
    assert not await crowd.has_password(PASSWORD, ana)


@contextmanager
def statements_of(engine: AsyncEngine) -> Iterator[list[str]]:
    """The text of each statement, without its values."""
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine.sync_engine, "before_cursor_execute", note)


Call = Callable[[SignUp, str], Awaitable[None]]


async def register(desk: SignUp, email: str) -> None:
    await desk.begin(email, OTHER_PASSWORD)


async def register_and_resend(desk: SignUp, email: str) -> None:
    registration_id = await desk.begin(email)
    await desk.resend(ResendCodeCommand(registration_id=registration_id, caller=HOME))


async def register_and_guess(desk: SignUp, email: str) -> None:
    registration_id = await desk.begin(email)
    with pytest.raises(CodeInvalid):
        await desk.confirm(registration_id, "12345678")


async def forget(desk: SignUp, email: str) -> None:
    await desk.forgot(ForgotPasswordCommand(email=email, caller=HOME))


async def forget_and_guess(desk: SignUp, email: str) -> None:
    reset_id = await desk.forgot(ForgotPasswordCommand(email=email, caller=HOME))
    command = ResetPasswordCommand(
        reset_id=reset_id, code="12345678", password=PASSWORD, caller=HOME
    )
    with pytest.raises(CodeInvalid):
        await desk.reset(command)


CALLS: list[Call] = [
    register,
    register_and_resend,
    register_and_guess,
    forget,
    forget_and_guess,
]


@pytest.mark.external
@pytest.mark.parametrize("registration", [Registration.OPEN, Registration.INVITED])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
async def test_the_storage_is_asked_the_same_for_any_address(
    postgres_accounts: AccountRig, app_engine: AsyncEngine, call: Call, registration: Registration
) -> None:
    desk = sign_up(postgres_accounts.storage, registration)
    known, invited, disabled, stranger = (somebody() for _ in range(4))
    owner = await postgres_accounts.register(login=known)
    bot = await postgres_accounts.make_bot(owner.user.id)
    await postgres_accounts.invite(bot.id, invited, 3600, None)
    await postgres_accounts.register(login=disabled, disabled_at=await postgres_accounts.now())
    asked = {}

    for email in (known, invited, disabled, stranger):
        with statements_of(app_engine) as seen:
            await call(desk, email)
        asked[email] = seen

    assert asked[known]
    assert asked[known] == asked[invited] == asked[disabled] == asked[stranger]


@pytest.mark.external
async def test_the_storage_is_asked_the_same_for_any_address_to_move_to(
    postgres_accounts: AccountRig, app_engine: AsyncEngine
) -> None:
    desk = sign_up(postgres_accounts.storage)
    taken = somebody()
    await postgres_accounts.register(login=taken)
    signed_in = await desk.sign_in(await desk.join(somebody()))
    asked = []

    for email in (taken, somebody()):
        with statements_of(app_engine) as seen:
            await desk.request_change(
                RequestEmailChangeCommand(signed_in=signed_in, email=email, caller=HOME)
            )
        asked.append(seen)

    assert asked[0]
    assert asked[0] == asked[1]
