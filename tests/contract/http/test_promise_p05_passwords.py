"""Passwords are hashed by bcrypt with a salt each, cost 12, never truncated."""

import asyncio
import time

import bcrypt
import pytest

from skua_core.domain.letter import LetterKind
from tests.contract.http.house import PASSWORD, House, Person


async def stored(house: House, email: str) -> str:
    [row] = await house.sql(
        "SELECT password_hash FROM platform.credentials JOIN platform.users ON id = user_id "
        "WHERE login = $1",
        email,
    )
    hashed: str = row["password_hash"]
    return hashed


async def member_with(house: House, password: str) -> Person:
    person = Person(house.stranger().email, house.browser(), password)
    registration_id = await house.register(person, password)
    code = await house.code(person.email, LetterKind.VERIFY_EMAIL)
    body = {"registration_id": registration_id, "code": code}
    assert (await person.browser.post("/api/auth/verify", body)).status == 204
    return person


async def test_it_is_stored_as_bcrypt_of_cost_12_with_a_salt_of_its_own(
    slow_house: House,
) -> None:
    one, other = [await slow_house.member() for _ in range(2)]

    hashes = [await stored(slow_house, person.email) for person in (one, other)]

    assert all(each.startswith("$2b$12$") for each in hashes)
    assert hashes[0][7:29] != hashes[1][7:29]
    assert bcrypt.checkpw(PASSWORD.encode(), hashes[0].encode())


async def test_one_of_a_lower_cost_is_hashed_anew_at_the_next_login(slow_house: House) -> None:
    person = await slow_house.member()
    weak = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(6)).decode()
    await slow_house.sql(
        "UPDATE platform.credentials SET password_hash = $2 "
        "FROM platform.users WHERE id = user_id AND login = $1",
        person.email,
        weak,
    )

    first = await person.log_in()
    hashed = await stored(slow_house, person.email)
    second = await person.log_in(slow_house.browser())

    assert (first.status, second.status) == (200, 200)
    assert hashed.startswith("$2b$12$")


@pytest.mark.parametrize("length", [12, 72, 73, 128])
async def test_every_character_of_it_counts(house: House, length: int) -> None:
    password = ("a heron waits on one leg by the wet field " * 4)[: length - 1] + "Z"
    person = await member_with(house, password)

    whole = await person.log_in()
    shorter = await Person(person.email, house.browser(), password[:-1]).log_in()
    other = await Person(person.email, house.browser(), password[:-1] + "Y").log_in()
    longer = await Person(person.email, house.browser(), password + "!").log_in()

    assert whole.status == 200
    assert {each.status for each in (shorter, other, longer)} == {401}


@pytest.mark.parametrize(
    "password", ["eleven char", "x1 y2 z3 " * 15, "password12345", "qwertyuiop12", "aaaaaaaaaaaaaa"]
)
async def test_one_that_is_too_short_too_long_or_common_is_refused(
    house: House, password: str
) -> None:
    answer = await house.browser().post(
        "/api/auth/register", {"email": "ana@example.com", "password": password}
    )

    assert (answer.status, answer.json["code"]) == (400, "password-unfit")


async def test_nobody_waits_for_somebody_elses_password(slow_house: House) -> None:
    people = [slow_house.stranger() for _ in range(6)]
    logins = [asyncio.create_task(person.log_in()) for person in people]
    waits: list[float] = []

    while not all(login.done() for login in logins):
        began = time.perf_counter()
        await slow_house.browser().get("/healthz")
        waits.append(time.perf_counter() - began)
        await asyncio.sleep(0.01)

    assert {(await login).status for login in logins} == {401}
    # A hash takes more than 200 ms; were one on the event loop, whoever asks meanwhile would wait.
    assert sorted(waits)[len(waits) * 9 // 10] < 0.1
