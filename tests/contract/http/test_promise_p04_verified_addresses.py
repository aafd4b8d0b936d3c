"""An address is verified before the first login; codes live 15 minutes and work once."""

import asyncio
from collections import Counter

import pytest

from skua_core.domain.letter import LetterKind
from tests.contract.http.house import PASSWORD, House, Person, ServedHouse
from tests.unit.http.client import Answer

OTHER_PASSWORD = "three cranes over a wet field"


async def enter(house: House, registration_id: str, code: str) -> Answer:
    body = {"registration_id": registration_id, "code": code}
    return await house.browser().post("/api/auth/verify", body)


async def test_nobody_signs_in_before_the_code_was_entered(house: House) -> None:
    person = house.stranger()
    registration_id = await house.register(person)
    code = await house.code(person.email, LetterKind.VERIFY_EMAIL)

    before = await person.log_in(house.browser())
    reset = await house.browser().post("/api/auth/password/forgot", {"email": person.email})
    told = {letter.kind for letter in await house.letters(person.email)}
    await enter(house, registration_id, code)
    after = await person.log_in(house.browser())

    assert (before.status, before.header("set-cookie")) == (401, None)
    # A reset is no way around it: there is no account yet whose password it could set.
    assert reset.status == 202
    assert LetterKind.NO_ACCOUNT in told
    assert LetterKind.RESET_PASSWORD not in told
    assert after.status == 200


async def test_a_code_confirms_the_password_of_its_own_registration_only(house: House) -> None:
    victim = house.stranger()
    attacker = Person(victim.email, house.browser(), OTHER_PASSWORD)
    attackers = await house.register(attacker, OTHER_PASSWORD)
    to_attackers = await house.code(victim.email, LetterKind.VERIFY_EMAIL)
    victims = await house.register(victim)
    to_victims = await house.code(victim.email, LetterKind.VERIFY_EMAIL)

    crossed = await enter(house, attackers, to_victims)
    verified = await enter(house, victims, to_victims)
    too_late = await enter(house, attackers, to_attackers)

    assert [crossed.status, verified.status, too_late.status] == [400, 204, 400]
    assert (await attacker.log_in(house.browser())).status == 401
    assert (await victim.log_in(house.browser())).status == 200


async def test_a_code_works_once(house: House) -> None:
    person = house.stranger()
    registration_id = await house.register(person)
    code = await house.code(person.email, LetterKind.VERIFY_EMAIL)

    first = await enter(house, registration_id, code)
    second = await enter(house, registration_id, code)

    assert [first.status, second.status] == [204, 400]


@pytest.mark.parametrize(("age", "status"), [("14 minutes 50 seconds", 204), ("15 minutes", 400)])
async def test_a_code_is_worth_nothing_after_fifteen_minutes_of_the_database(
    house: House, age: str, status: int
) -> None:
    person = house.stranger()
    registration_id = await house.register(person)
    code = await house.code(person.email, LetterKind.VERIFY_EMAIL)
    # As if it had been mailed that long ago: the clock of this process has no say in it.
    await house.sql(
        "UPDATE platform.challenges SET created_at = created_at - $2::text::interval, "
        "expires_at = expires_at - $2::text::interval WHERE login = $1",
        person.email,
        age,
    )

    answer = await enter(house, registration_id, code)

    assert answer.status == status


async def test_after_five_wrong_tries_the_right_code_is_worth_nothing(house: House) -> None:
    person = house.stranger()
    registration_id = await house.register(person)
    code = await house.code(person.email, LetterKind.VERIFY_EMAIL)
    wrong = f"{(int(code) + 1) % 10**8:08d}"

    tries = [await enter(house, registration_id, wrong) for _ in range(5)]
    late = await enter(house, registration_id, code)

    assert {answer.status for answer in (*tries, late)} == {400}
    assert late == tries[0]


async def test_new_codes_give_no_more_than_ten_tries_an_hour(house: House) -> None:
    person = house.stranger()
    registration_id = await house.register(person)

    statuses: list[int] = []
    for _ in range(3):
        tries = [await enter(house, registration_id, "00000000") for _ in range(4)]
        statuses += [answer.status for answer in tries]
        await house.browser().post("/api/auth/resend", {"registration_id": registration_id})

    assert Counter(statuses) == {400: 10, 429: 2}


async def test_of_fifty_connections_with_the_right_code_one_wins(open_house: ServedHouse) -> None:
    person = open_house.stranger()
    registration_id = await open_house.register(person)
    code = await open_house.code(person.email, LetterKind.VERIFY_EMAIL)
    body = {"registration_id": registration_id, "code": code}

    answers = await asyncio.gather(
        *(open_house.exchange("POST", "/api/auth/verify", body) for _ in range(50))
    )

    assert Counter(status for status, _ in answers) == {204: 1, 400: 49}
    login = {"email": person.email, "password": PASSWORD}
    assert (await open_house.exchange("POST", "/api/auth/login", login))[0] == 200
