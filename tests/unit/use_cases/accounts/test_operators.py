"""Users as whoever runs the installation makes, lists, disables and enables them."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from skua_core.domain.account import Account, Caller
from skua_core.domain.challenge import Challenge, ChallengePurpose
from skua_core.domain.handles import hash_of
from skua_core.domain.secret import Secret
from skua_core.domain.session import KeyAccess
from skua_core.errors import (
    EmailInUse,
    EmailInvalid,
    LocalUserTaken,
    NameInvalid,
    NotSignedIn,
    PasswordUnfit,
    SkuaError,
    UserNotFound,
)
from skua_core.ports.tenant_storage import UnitKind
from skua_core.use_cases.accounts.api_keys import (
    AuthenticateKey,
    AuthenticateKeyCommand,
    CreateApiKey,
    CreateApiKeyCommand,
)
from skua_core.use_cases.accounts.operators import (
    CreateUserCommand,
    DisableUser,
    DisableUserCommand,
    EnableUser,
    EnableUserCommand,
    ListUsers,
    ListUsersQuery,
)
from skua_core.use_cases.bots import ListBots, ListBotsQuery
from tests.unit.use_cases.accounts.office import EMAIL, PASSWORD, SHELL, Office
from tests.unit.use_cases.world import details_of


@pytest.fixture
def office() -> Office:
    return Office()


async def disable(office: Office, email: str = EMAIL) -> None:
    use_case = DisableUser(storage=office.storage, emails=office.emails)
    await use_case(DisableUserCommand(email=email, actor=await office.operator()))


async def enable(office: Office, email: str = EMAIL) -> None:
    use_case = EnableUser(storage=office.storage, emails=office.emails)
    await use_case(EnableUserCommand(email=email, actor=await office.operator()))


async def users(office: Office, *, after: str | None = None, limit: int = 100) -> Sequence[Account]:
    return await ListUsers(storage=office.storage)(ListUsersQuery(after=after, limit=limit))


async def test_a_user_whom_an_operator_made_can_sign_in_at_once(office: Office) -> None:
    user = await office.user(" Ana@Example.org ")

    account = await office.account(user.id)

    assert account is not None
    assert (account.user.login, account.user.name) == (EMAIL, "Ana")
    assert (await office.hasher.verify(PASSWORD, account.password)).right
    assert await office.waiting() == 0


async def test_making_a_user_is_in_that_users_audit_chain(office: Office) -> None:
    user = await office.user()

    (entry,) = await office.audit(user.id)

    assert (entry.actor, entry.action, entry.resource) == (
        SHELL,
        "account.created",
        f"user:{user.id}",
    )
    assert details_of(entry) == {}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"email": "no address"}, EmailInvalid),
        ({"name": "A\nna"}, NameInvalid),
        ({"password": Secret("short")}, PasswordUnfit),
        ({"password": Secret("password1234")}, PasswordUnfit),
    ],
    ids=["address", "name", "short", "common"],
)
async def test_nothing_is_made_of_what_registering_would_refuse(
    office: Office, change: dict[str, str | Secret], error: type[SkuaError]
) -> None:
    fit: dict[str, str | Secret] = {"email": EMAIL, "name": "", "password": PASSWORD}
    wanted = fit | change
    name, email, password = wanted["name"], wanted["email"], wanted["password"]
    assert isinstance(name, str)
    assert isinstance(email, str)
    assert isinstance(password, Secret)
    actor = await office.operator()

    with pytest.raises(error):
        await office.create(
            CreateUserCommand(email=email, name=name, password=password, actor=actor)
        )

    assert [each.user.login for each in await users(office)] == [SHELL]


async def test_an_address_has_one_account(office: Office) -> None:
    await office.user()

    with pytest.raises(EmailInUse):
        await office.user("ANA@example.org")


async def test_a_registration_under_way_is_superseded(office: Office) -> None:
    now = office.world.clock.now()
    pending = Challenge(
        handle_hash=hash_of("handle"),
        purpose=ChallengePurpose.REGISTER,
        login=EMAIL,
        code_mac=b"m" * 32,
        created_at=now,
        expires_at=now + timedelta(minutes=15),
    )
    async with office.storage.unit() as unit:
        await unit.challenges.add(pending)
        await unit.commit()

    await office.user()

    async with office.storage.unit() as unit:
        kept = await unit.challenges.lock(pending.handle_hash)
    assert kept is not None
    assert kept.closed


async def test_whoever_takes_the_local_user_over_owns_its_bots_at_the_shell_too(
    office: Office,
) -> None:
    access = await office.world.add_bot()

    user = await office.user(take_over=SHELL)

    list_bots = ListBots(platform=office.world.platform)
    assert [bot.id for bot in await list_bots(ListBotsQuery(user_id=user.id))] == [access.bot_id]
    at_the_shell = await office.world.platform.ensure_user(SHELL)
    assert (at_the_shell.id, at_the_shell.login) == (user.id, EMAIL)
    assert details_of((await office.audit(user.id))[-1]) == {"local_user": SHELL}
    assert await office.world.actions(access)


async def test_the_local_user_is_taken_over_once(office: Office) -> None:
    await office.user(take_over=SHELL)

    with pytest.raises(LocalUserTaken):
        await office.user("ben@example.org", take_over=SHELL)

    assert [each.user.login for each in await users(office)] == [EMAIL]


async def test_a_local_user_stays_taken_when_the_account_has_another_address(
    office: Office,
) -> None:
    user = await office.user(take_over=SHELL)
    account = await office.account(user.id)
    assert account is not None
    account.user.login = "ana@example.net"
    async with office.storage.unit() as unit:
        await unit.accounts.save(account)
        await unit.commit()

    with pytest.raises(LocalUserTaken):
        await office.user("ben@example.org", take_over=SHELL)

    assert [each.user.login for each in await users(office)] == ["ana@example.net"]


async def test_a_shell_whose_account_is_gone_begins_with_nothing(office: Office) -> None:
    access = await office.world.add_bot()
    former = await office.user(take_over=SHELL)
    async with office.world.storage.unit(access.bot_id, UnitKind.LANE) as unit:
        await unit.bot.remove()
        await unit.commit()
    async with office.storage.unit() as unit:
        await unit.accounts.remove(former.id)
        await unit.commit()

    again = await office.user(take_over=SHELL)

    assert again.id != former.id
    assert again.local_login == SHELL
    list_bots = ListBots(platform=office.world.platform)
    assert not await list_bots(ListBotsQuery(user_id=again.id))


async def test_an_address_in_use_takes_nothing_over(office: Office) -> None:
    ana = await office.user()

    with pytest.raises(EmailInUse):
        await office.user(take_over=SHELL)

    at_the_shell = await office.world.platform.ensure_user(SHELL)
    assert at_the_shell.login == SHELL
    assert at_the_shell.id != ana.id


async def test_users_are_listed_page_by_page(office: Office) -> None:
    for name in ("cleo", "ana", "ben"):
        await office.user(f"{name}@example.org")

    first = await users(office, limit=2)
    rest = await users(office, after=first[-1].user.login)

    logins = [each.user.login for each in (*first, *rest)]
    assert logins == ["ana@example.org", "ben@example.org", "cleo@example.org", SHELL]


async def test_disabling_ends_every_session_and_is_audited(office: Office) -> None:
    user = await office.user()
    await office.sign_in(user)
    await office.sign_in(user)

    await disable(office)

    account = await office.account(user.id)
    assert account is not None
    assert account.user.disabled_at == office.world.clock.now()
    assert await office.live_sessions(user.id) == 0
    assert [entry.action for entry in await office.audit(user.id)][-1] == "account.disabled"


async def test_enabling_opens_the_account_and_no_session(office: Office) -> None:
    user = await office.user()
    await office.sign_in(user)
    await disable(office)

    await enable(office)

    account = await office.account(user.id)
    assert account is not None
    assert account.user.disabled_at is None
    assert await office.live_sessions(user.id) == 0
    assert [entry.action for entry in await office.audit(user.id)][-1] == "account.enabled"


async def test_a_disabled_user_s_keys_stop_at_once_and_work_again_afterwards(
    office: Office,
) -> None:
    user = await office.user()
    create = CreateApiKey(
        storage=office.storage, platform=office.world.platform, ids=office.world.ids
    )
    key = await create(
        CreateApiKeyCommand(
            signed_in=await office.sign_in(user),
            name="reports",
            access=KeyAccess.READ,
            bots=None,
            expires_at=None,
        )
    )
    authenticate = AuthenticateKey(storage=office.storage)
    shown = AuthenticateKeyCommand(text=key.secret.reveal(), caller=Caller())
    assert (await authenticate(shown)).user.id == user.id

    await disable(office)
    with pytest.raises(NotSignedIn):
        await authenticate(shown)

    await enable(office)
    assert (await authenticate(shown)).user.id == user.id


async def test_doing_it_again_changes_and_records_nothing(office: Office) -> None:
    user = await office.user()
    await enable(office)
    await disable(office)
    since = office.world.clock.now()
    office.world.clock.advance(60)
    await disable(office)

    account = await office.account(user.id)

    assert account is not None
    assert account.user.disabled_at == since
    actions = [entry.action for entry in await office.audit(user.id)]
    assert actions == ["account.created", "account.disabled"]


@pytest.mark.parametrize("email", ["ben@example.org", "cli:ana"])
async def test_whom_nobody_knows_cannot_be_disabled_or_enabled(office: Office, email: str) -> None:
    await office.operator()
    for change in (disable, enable):
        with pytest.raises((UserNotFound, EmailInvalid)):
            await change(office, email)
