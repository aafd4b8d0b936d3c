"""People with an account beside a running ``skua up``: mails on its console, users at the shell."""

import re
from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from tests.e2e.cli.conftest import Installation

PASSWORD = "a heron on one leg, waiting"
_people = count(1)


@pytest.fixture
def client(installation: Installation) -> Iterator[httpx.Client]:
    found = re.search(r"http://127\.0\.0\.1:[0-9]+", installation.up.wait_for("Skua is up at"))
    assert found is not None
    headers = {"Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=found[0], headers=headers, timeout=30) as made:
        yield made


@pytest.fixture
def email() -> str:
    return f"ana{next(_people)}@example.org"


def sign_in(client: httpx.Client, email: str) -> httpx.Response:
    return client.post("/api/auth/login", json={"email": email, "password": PASSWORD})


def me(client: httpx.Client, signed_in: httpx.Response) -> httpx.Response:
    # By hand: to httpx a Secure cookie is for https alone, to browsers it is for 127.0.0.1 too.
    session = re.search(r"__Host-skua=[^;]+", signed_in.headers["set-cookie"])
    assert session is not None
    return client.get("/api/auth/me", headers={"Cookie": session[0]})


def test_whoever_registers_on_a_laptop_finds_the_code_on_its_console(
    installation: Installation, client: httpx.Client, email: str
) -> None:
    registered = client.post("/api/auth/register", json={"email": email, "password": PASSWORD})
    assert registered.status_code == 202, registered.text

    installation.up.wait_for(f"Mail to {email}")
    installation.up.wait_for("It works once")
    shown = installation.up.said().partition(f"Mail to {email}")[2]
    code = re.search(r"^ +([0-9]{8})$", shown, re.MULTILINE)
    assert code is not None
    verified = client.post("/api/auth/verify", json=registered.json() | {"code": code[1]})

    assert verified.status_code == 204, verified.text
    assert me(client, sign_in(client, email)).json()["email"] == email


def test_a_user_made_at_the_shell_signs_in_until_they_are_disabled(
    installation: Installation, client: httpx.Client, email: str
) -> None:
    house = installation.house
    (made,) = house.objects("user", "create", email, "--name", "Ana", typed=f"{PASSWORD}\n")
    signed_in = sign_in(client, email)
    assert me(client, signed_in).json()["name"] == "Ana"

    disabled = house.skua("user", "disable", email)
    after = [me(client, signed_in).status_code, sign_in(client, email).status_code]
    listed = {each["login"]: each for each in house.objects("user", "list")}
    house.skua("user", "enable", email)

    assert disabled.returncode == 0
    assert after == [401, 401]
    assert listed[email]["disabled_at"] is not None
    assert listed[email]["id"] == made["id"]
    assert [me(client, signed_in).status_code, sign_in(client, email).status_code] == [401, 200]


def test_a_password_that_is_typed_is_asked_for_twice_and_not_shown(
    installation: Installation, email: str
) -> None:
    answers = {"Password (not shown)": f"{PASSWORD}\n", "Once more": f"{PASSWORD}\n"}

    code, shown = installation.house.on_a_terminal("user", "create", email, answers=answers)

    assert code == 0, shown
    assert f"{email} can sign in." in shown
    assert PASSWORD not in shown


def test_an_account_takes_over_the_bots_of_the_shell(
    installation: Installation, client: httpx.Client, email: str
) -> None:
    house = installation.house
    (bot,) = house.objects("bot", "add", "terns", "--without-token")

    (made,) = house.objects("user", "create", email, "--take-over", typed=f"{PASSWORD}\n")
    again = house.skua("user", "create", f"x{email}", "--take-over", typed=f"{PASSWORD}\n")

    assert made["local_login"].startswith("cli:")
    assert bot["slug"] in [each["slug"] for each in house.objects("bot", "list")]
    assert sign_in(client, email).status_code == 200
    assert again.returncode == 2


def test_no_password_is_in_any_log(installation: Installation) -> None:
    assert PASSWORD not in installation.up.said()
