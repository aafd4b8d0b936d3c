"""``skua user``."""

import asyncio
from collections.abc import Sequence

import pytest

from skua_adapters.account_storage.in_memory import InMemoryAccountStorage
from skua_adapters.password_hasher.fake import FakePasswordHasher
from skua_core.domain.account import Account, PasswordHash
from skua_core.domain.secret import Secret
from skua_core.domain.user import User
from skua_core.errors import EmailInUse, LocalUserTaken, UserNotFound
from skua_core.ids import UserId
from tests.unit.cli.desk import Desk

EMAIL, PASSWORD = "ben@example.org", "a gull sat on the mast"


def create(desk: Desk, email: str = EMAIL, *words: str) -> None:
    assert desk.run("user", "create", email, *words, typed=f"{PASSWORD}\n").exit_code == 0


def logins(desk: Desk) -> list[str]:
    return [each["login"] for each in desk.objects("user", "list")]


async def register(desk: Desk, emails: Sequence[str]) -> None:
    """Without a command each, which takes its time."""
    world = desk.world
    async with InMemoryAccountStorage(world.memory).unit() as unit:
        for email in emails:
            user = User(id=UserId(world.ids.new()), login=email, created_at=world.clock.now())
            await unit.accounts.add(Account(user=user, password=PasswordHash("fake$hash")))
        await unit.commit()


def signs_in(desk: Desk, email: str, password: str) -> bool:
    async def check() -> bool:
        async with InMemoryAccountStorage(desk.world.memory).unit() as unit:
            account = await unit.accounts.by_login(email)
        assert account is not None
        return (await FakePasswordHasher().verify(Secret(password), account.password)).right

    return asyncio.run(check())


def test_a_user_is_made_with_a_password_from_standard_input(desk: Desk) -> None:
    result = desk.run("user", "create", "Ben@Example.org", typed=f"{PASSWORD}\n")

    assert (result.exit_code, result.stdout) == (0, f"{EMAIL} can sign in.\n")
    assert signs_in(desk, EMAIL, PASSWORD)
    assert not signs_in(desk, EMAIL, f"{PASSWORD}\n")


def test_spaces_around_a_password_are_part_of_it(desk: Desk) -> None:
    desk.run("user", "create", EMAIL, typed=f"  {PASSWORD} \r\n")

    assert signs_in(desk, EMAIL, f"  {PASSWORD} ")


def test_the_list_tells_everything_but_the_password(desk: Desk) -> None:
    create(desk, EMAIL, "--name", "Ben [bold]")
    desk.run("bot", "list")

    shown = desk.run("user", "list").stdout
    ben, shell = desk.objects("user", "list")

    assert (ben["login"], ben["name"], ben["disabled_at"]) == (EMAIL, "Ben [bold]", None)
    assert (ben["local_login"], ben["totp_enabled"]) == (None, False)
    assert shell["login"] == "cli:ana"
    assert [line.split("\t")[2] for line in shown.splitlines()] == ["STATE", "active", "shell only"]
    assert "Ben [bold]" in shown
    assert "fake$" not in shown + str(ben)


def test_a_thousand_users_are_each_listed_once_page_by_page(desk: Desk) -> None:
    expected = sorted(f"person{number}@example.org" for number in range(1000))
    asyncio.run(register(desk, expected))
    desk.run("bot", "list")

    assert logins(desk) == sorted([*expected, "cli:ana"])
    assert len(desk.run("user", "list").stdout.splitlines()) == 1002


@pytest.mark.parametrize("others", [199, 200, 201])
def test_no_user_is_missing_where_a_page_ends(desk: Desk, others: int) -> None:
    expected = [f"person{number:04}@example.org" for number in range(others)]
    asyncio.run(register(desk, expected))

    assert logins(desk) == expected


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "fewer than 12"),
        ("short\n", "fewer than 12"),
        ("password1234\n", "common word"),
        ("benbenbenben\n", "common word"),
    ],
    ids=["none", "short", "common", "the name"],
)
def test_a_password_that_is_no_good_is_refused_without_being_shown(
    desk: Desk, typed: str, says: str
) -> None:
    result = desk.run("user", "create", EMAIL, typed=typed)

    assert result.exit_code == 2
    assert result.stderr.startswith("skua: This password can't be used")
    assert result.stderr.count("\n") == 1
    assert says in result.stderr
    assert not typed.strip() or typed.strip() not in result.output
    assert EMAIL not in logins(desk)


def test_a_password_is_never_an_argument(desk: Desk) -> None:
    result = desk.run("user", "create", EMAIL, PASSWORD)

    assert result.exit_code == 2
    assert "Usage" not in result.stdout
    assert EMAIL not in logins(desk)


def test_an_address_has_one_account(desk: Desk) -> None:
    create(desk)

    result = desk.run("user", "create", EMAIL, typed=PASSWORD)

    assert (result.exit_code, result.stderr) == (2, f"skua: {EmailInUse()}\n")


def test_an_account_takes_over_the_bots_of_the_shell(desk: Desk) -> None:
    slug = desk.add_bot()

    create(desk, EMAIL, "--take-over")

    assert [bot["slug"] for bot in desk.objects("bot", "list")] == [slug]
    (ben,) = desk.objects("user", "list")
    assert (ben["login"], ben["local_login"]) == (EMAIL, "cli:ana")


def test_a_shell_is_taken_over_once(desk: Desk) -> None:
    create(desk, EMAIL, "--take-over")

    result = desk.run("user", "create", "cleo@example.org", "--take-over", typed=PASSWORD)

    assert (result.exit_code, result.stderr) == (2, f"skua: {LocalUserTaken()}\n")


def test_a_user_is_disabled_and_enabled(desk: Desk) -> None:
    create(desk)

    disabled = desk.run("user", "disable", EMAIL)
    while_disabled = desk.objects("user", "list")[0]
    enabled = desk.run("user", "enable", EMAIL)

    assert disabled.stdout == f"{EMAIL} is disabled and signed out.\n"
    assert while_disabled["disabled_at"] is not None
    assert enabled.stdout == f"{EMAIL} can sign in again.\n"
    assert desk.objects("user", "list")[0]["disabled_at"] is None


@pytest.mark.parametrize("command", ["disable", "enable"])
def test_somebody_unknown_is_neither_disabled_nor_enabled(desk: Desk, command: str) -> None:
    result = desk.run("user", command, EMAIL)

    assert (result.exit_code, result.stderr) == (2, f"skua: {UserNotFound()}\n")


@pytest.mark.parametrize("command", ["create", "disable", "enable"])
def test_programs_get_one_object(desk: Desk, command: str) -> None:
    if command != "create":
        create(desk)

    (user,) = desk.objects("user", command, EMAIL, typed=PASSWORD)

    assert user["login"] == EMAIL
