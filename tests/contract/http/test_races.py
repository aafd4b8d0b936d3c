"""Many at once, over connections of their own, with nothing but the database in between."""

import asyncio
from collections import Counter

from skua_core.domain.challenge import MOST_TRIES
from skua_core.domain.handles import hash_of
from skua_core.domain.letter import LetterKind
from skua_core.domain.session import MOST_SESSIONS
from skua_http.cookies import SESSION_COOKIE
from tests.contract.http.house import PASSWORD, ServedHouse

AT_ONCE = 50
NEW_PASSWORD = "three cranes over a wet field"


async def tries_of(house: ServedHouse, handle: str) -> int:
    """As the database counted them."""
    [row] = await house.sql(
        "SELECT tries FROM platform.challenges WHERE handle_hash = $1", hash_of(handle)
    )
    tries: int = row["tries"]
    return tries


async def enter(house: ServedHouse, registration_id: str, code: str) -> tuple[int, object]:
    body = {"registration_id": registration_id, "code": code}
    return await house.exchange("POST", "/api/auth/verify", body)


def wrong_codes(right: str) -> list[str]:
    codes = [f"{number:08d}" for number in range(AT_ONCE + 1)]
    return [code for code in codes if code != right][:AT_ONCE]


async def test_of_fifty_right_codes_one_wins(open_house: ServedHouse) -> None:
    person = open_house.stranger()
    registration_id = await open_house.register(person)
    code = await open_house.code(person.email, LetterKind.VERIFY_EMAIL)
    body = {"registration_id": registration_id, "code": code}

    answers = await asyncio.gather(
        *(open_house.exchange("POST", "/api/auth/verify", body) for _ in range(AT_ONCE))
    )

    assert Counter(status for status, _ in answers) == {204: 1, 400: AT_ONCE - 1}
    assert {said["code"] for status, said in answers if status == 400} == {"code-invalid"}
    users = await open_house.sql("SELECT 1 FROM platform.users WHERE login = $1", person.email)
    assert len(users) == 1


async def test_of_fifty_right_codes_for_a_reset_one_wins(open_house: ServedHouse) -> None:
    person = await open_house.member()
    forgot = await person.browser.post("/api/auth/password/forgot", {"email": person.email})
    code = await open_house.code(person.email, LetterKind.RESET_PASSWORD)

    answers = await asyncio.gather(
        *(
            open_house.exchange(
                "POST",
                "/api/auth/password/reset",
                {
                    "reset_id": forgot.json["reset_id"],
                    "code": code,
                    "password": f"{NEW_PASSWORD} {number}",
                },
            )
            for number in range(AT_ONCE)
        )
    )

    assert Counter(status for status, _ in answers) == {204: 1, 400: AT_ONCE - 1}
    [winner] = [number for number, (status, _) in enumerate(answers) if status == 204]
    body = {"email": person.email, "password": f"{NEW_PASSWORD} {winner}"}
    assert (await open_house.exchange("POST", "/api/auth/login", body))[0] == 200


async def test_fifty_wrong_codes_are_five_tries_and_the_right_one_is_too_late(
    open_house: ServedHouse,
) -> None:
    person = open_house.stranger()
    registration_id = await open_house.register(person)
    code = await open_house.code(person.email, LetterKind.VERIFY_EMAIL)

    answers = await asyncio.gather(
        *(enter(open_house, registration_id, wrong) for wrong in wrong_codes(code))
    )
    late = await enter(open_house, registration_id, code)

    assert {status for status, _ in answers} == {400}
    assert await tries_of(open_house, registration_id) == MOST_TRIES
    assert late == answers[0]
    assert await open_house.sql("SELECT 1 FROM platform.users WHERE login = $1", person.email) == []


async def test_no_try_is_missed_however_close_it_comes_to_another(
    open_house: ServedHouse,
) -> None:
    """Ten codes with five wrong tries each: one that goes uncounted leaves its code alive."""
    people = [open_house.stranger() for _ in range(AT_ONCE // MOST_TRIES)]
    handles = [await open_house.register(person) for person in people]
    codes = [await open_house.code(person.email, LetterKind.VERIFY_EMAIL) for person in people]

    await asyncio.gather(
        *(
            enter(open_house, handle, wrong)
            for handle, code in zip(handles, codes, strict=True)
            for wrong in wrong_codes(code)[:MOST_TRIES]
        )
    )
    late = [
        await enter(open_house, handle, code) for handle, code in zip(handles, codes, strict=True)
    ]

    assert [await tries_of(open_house, handle) for handle in handles] == [MOST_TRIES] * len(people)
    assert {status for status, _ in late} == {400}


async def test_of_fifty_uses_of_one_recovery_code_one_signs_in(open_house: ServedHouse) -> None:
    person = await open_house.signed_in()
    await person.browser.post("/api/auth/totp")
    # As if a code of the authenticator had been seen: what is tried here are the others.
    await open_house.sql(
        "UPDATE platform.credentials SET totp_confirmed = true "
        "FROM platform.users WHERE id = user_id AND login = $1",
        person.email,
    )
    made = await person.browser.post("/api/auth/totp/recovery-codes")
    body = {
        "email": person.email,
        "password": PASSWORD,
        "totp": made.json["recovery_codes"][0],
    }

    answers = await asyncio.gather(
        *(open_house.exchange("POST", "/api/auth/login", body) for _ in range(AT_ONCE))
    )

    assert Counter(status for status, _ in answers) == {200: 1, 401: AT_ONCE - 1}


async def test_fifty_logins_leave_twenty_sessions(open_house: ServedHouse) -> None:
    person = await open_house.member()
    body = {"email": person.email, "password": PASSWORD}

    answers = await asyncio.gather(
        *(open_house.exchange("POST", "/api/auth/login", body) for _ in range(AT_ONCE))
    )

    assert {status for status, _ in answers} == {200}
    [row] = await open_house.sql(
        "SELECT count(*) FROM platform.sessions s JOIN platform.users u ON u.id = s.user_id "
        "WHERE login = $1 AND revoked_at IS NULL",
        person.email,
    )
    assert row["count"] == MOST_SESSIONS


async def test_whatever_runs_while_one_logs_out_the_session_is_over(
    open_house: ServedHouse,
) -> None:
    person = await open_house.signed_in()
    cookie = f"{SESSION_COOKIE}={person.browser.cookies[SESSION_COOKIE]}"

    def ask(method: str, path: str) -> asyncio.Task[tuple[int, object]]:
        return asyncio.create_task(open_house.exchange(method, path, {}, cookie=cookie))

    reading = [ask("GET", "/api/auth/me") for _ in range(AT_ONCE // 2)]
    leaving = ask("POST", "/api/auth/logout")
    reading += [ask("GET", "/api/auth/me") for _ in range(AT_ONCE // 2)]
    statuses = {status for status, _ in await asyncio.gather(*reading)}
    left, _ = await leaving
    after, _ = await ask("GET", "/api/auth/me")

    assert statuses <= {200, 401}
    assert (left, after) == (204, 401)
