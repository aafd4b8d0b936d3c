"""A session is a signed token in an HttpOnly, Secure, SameSite cookie, revocable at once."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from skua_core.ports.session_tokens import SessionTokens
from skua_http.cookies import SESSION_COOKIE
from tests.contract.http.house import House, Person
from tests.unit.http.client import Answer

DAY = 86_400


def part(token: str, number: int) -> Mapping[str, Any]:
    text = token.split(".")[number]
    decoded: Mapping[str, Any] = msgspec.json.decode(
        base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    )
    return decoded


async def grow_old(house: House, person: Person, age: timedelta) -> None:
    """The session as if it had begun, and its cookie been made, that much earlier."""
    tokens = await house.container.get(SessionTokens)
    [row] = await house.sql("SELECT now()")
    claims = tokens.read(person.browser.cookies[SESSION_COOKIE], now=row["now"])
    assert claims is not None
    await house.sql(
        "UPDATE platform.sessions s SET created_at = s.created_at - $2::interval, "
        "issued_at = issued_at - $2::interval, absolute_until = absolute_until - $2::interval "
        "FROM platform.users u WHERE u.id = user_id AND login = $1",
        person.email,
        age,
    )
    older = msgspec.structs.replace(
        claims,
        issued_at=claims.issued_at - age,
        authenticated_at=claims.authenticated_at - age,
    )
    person.browser.cookies[SESSION_COOKIE] = tokens.issue(older).reveal()


async def me(person: Person) -> Answer:
    return await person.browser.get("/api/auth/me")


async def test_the_cookie_is_for_this_host_secure_connections_and_no_script(house: House) -> None:
    person = await house.member()

    answer = await person.log_in()

    lines = [value.decode() for name, value in answer.headers if name == b"set-cookie"]
    [line] = [each for each in lines if each.startswith(f"{SESSION_COOKIE}=")]
    _, *attributes = line.split("; ")
    assert SESSION_COOKIE.startswith("__Host-")
    assert {each.lower() for each in attributes} == {
        "httponly",
        "secure",
        "samesite=lax",
        "path=/",
        f"max-age={30 * DAY}",
    }


async def test_the_token_is_signed_by_one_algorithm_and_says_what_it_is(house: House) -> None:
    person = await house.signed_in()

    token = person.browser.cookies[SESSION_COOKIE]

    header, claims = part(token, 0), part(token, 1)
    assert (header["alg"], header["typ"]) == ("HS256", "session+jwt")
    assert set(header) == {"alg", "typ", "kid"}
    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp", "aat"}
    assert claims["exp"] == claims["iat"] + 30 * DAY
    [row] = await house.sql("SELECT id FROM platform.users WHERE login = $1", person.email)
    assert claims["sub"] == str(row["id"])


async def test_the_database_doesnt_hold_what_signs_one_in(house: House) -> None:
    person = await house.signed_in()
    sid = part(person.browser.cookies[SESSION_COOKIE], 1)["sid"]

    rows = await house.sql("SELECT s::text AS whole FROM platform.sessions s")

    assert rows
    assert not any(sid in row["whole"] for row in rows)


async def test_each_login_begins_another_session(house: House) -> None:
    person = await house.signed_in()
    first = part(person.browser.cookies[SESSION_COOKIE], 1)["sid"]

    await person.log_in()

    assert part(person.browser.cookies[SESSION_COOKIE], 1)["sid"] != first


async def test_one_that_was_ended_is_over_at_the_next_request(house: House) -> None:
    person = await house.signed_in()
    cookie = person.browser.cookies[SESSION_COOKIE]

    await person.browser.post("/api/auth/logout")
    person.browser.cookies[SESSION_COOKIE] = cookie

    assert (await me(person)).status == 401


async def test_it_is_rolled_after_a_day_and_stays_the_same_session(house: House) -> None:
    person = await house.signed_in()
    await grow_old(house, person, timedelta(hours=25))
    old = person.browser.cookies[SESSION_COOKIE]

    answer = await me(person)
    new = person.browser.cookies[SESSION_COOKIE]
    again = await me(person)

    assert answer.status == again.status == 200
    assert part(new, 1)["sid"] == part(old, 1)["sid"]
    assert part(new, 1)["iat"] >= part(old, 1)["iat"] + 25 * 3600
    assert again.header("set-cookie") is None


async def test_it_isnt_rolled_before(house: House) -> None:
    person = await house.signed_in()
    await grow_old(house, person, timedelta(hours=23))

    assert (await me(person)).header("set-cookie") is None


async def test_head_rolls_it_too(house: House) -> None:
    person = await house.signed_in()
    await grow_old(house, person, timedelta(hours=25))

    answer = await person.browser.call("HEAD", "/api/auth/me")

    assert (answer.status, answer.body) == (200, b"")
    assert SESSION_COOKIE in (answer.header("set-cookie") or "")


async def test_what_was_rolled_before_the_log_out_revives_nothing(house: House) -> None:
    """A slow answer that comes after the log-out, with a cookie in it."""
    person = await house.signed_in()
    await grow_old(house, person, timedelta(hours=25))
    old = person.browser.cookies[SESSION_COOKIE]
    await me(person)
    rolled = person.browser.cookies[SESSION_COOKIE]

    await person.browser.post("/api/auth/logout")

    for cookie in (old, rolled):
        person.browser.cookies[SESSION_COOKIE] = cookie
        late = await me(person)
        assert (late.status, late.header("set-cookie")) == (401, None)


async def test_logging_out_with_an_old_cookie_sets_none(house: House) -> None:
    person = await house.signed_in()
    await grow_old(house, person, timedelta(hours=25))

    answer = await person.browser.post("/api/auth/logout")

    [line] = [value for name, value in answer.headers if name == b"set-cookie"]
    assert b"Max-Age=0" in line
    assert SESSION_COOKIE not in person.browser.cookies


@pytest.mark.parametrize(("days", "status"), [(29, 200), (31, 401)])
async def test_it_lasts_thirty_days_after_it_was_last_used(
    house: House, days: int, status: int
) -> None:
    person = await house.signed_in()
    await grow_old(house, person, timedelta(days=days))

    assert (await me(person)).status == status


async def test_no_use_keeps_it_longer_than_ninety_days(house: House) -> None:
    person = await house.signed_in()
    statuses: list[int] = []

    for _ in range(4):
        await grow_old(house, person, timedelta(days=25))
        statuses.append((await me(person)).status)

    assert statuses == [200, 200, 200, 401]


async def test_a_disabled_user_is_out_at_once(house: House) -> None:
    person = await house.signed_in()

    await house.sql("UPDATE platform.users SET disabled_at = now() WHERE login = $1", person.email)

    assert (await me(person)).status == 401
