"""Cookies that nobody issued, or that were issued for something else."""

import base64
import hmac
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from skua_adapters._keys.ring import KeyRing
from skua_adapters.session_tokens.jwt import JwtSessionTokens
from skua_core.ports.session_tokens import SessionTokens
from skua_http.cookies import SESSION_COOKIE
from tests.contract.http.conftest import KEY
from tests.contract.http.house import House

Claims = dict[str, Any]


def b64(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def unb64(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def token(header: Mapping[str, object], claims: bytes | Claims, key: bytes) -> str:
    inside = claims if isinstance(claims, bytes) else msgspec.json.encode(claims)
    signed = f"{b64(msgspec.json.encode(header))}.{b64(inside)}"
    return f"{signed}.{b64(hmac.digest(key, signed.encode(), 'sha256'))}"


Forgery = Callable[[dict[str, Any], Claims], str]
GUESSED = KEY.encode()
FORGERIES: dict[str, Forgery] = {
    "no algorithm": lambda header, claims: (
        f"{b64(msgspec.json.encode({**header, 'alg': 'none'}))}.{b64(msgspec.json.encode(claims))}."
    ),
    "an empty key": lambda header, claims: token(header, claims, b""),
    "the master key": lambda header, claims: token(header, claims, GUESSED),
    "its bytes": lambda header, claims: token(header, claims, bytes(range(32))),
    "another algorithm": lambda header, claims: token({**header, "alg": "HS512"}, claims, GUESSED),
    "an unknown key id": lambda header, claims: token({**header, "kid": "k9"}, claims, GUESSED),
    "a key id that is a path": lambda header, claims: token(
        {**header, "kid": "../../dev/null"}, claims, b""
    ),
    "nothing": lambda _, __: "",
    "three dots": lambda _, __: "...",
    "not text": lambda _, __: "é.é.é",
    "far too much": lambda _, __: "x" * 7000,
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_401_for_a_token_that_we_didnt_sign(house: House, name: str) -> None:
    person = await house.signed_in()
    head, inside, _ = person.browser.cookies[SESSION_COOKIE].split(".")
    header, claims = msgspec.json.decode(unb64(head)), msgspec.json.decode(unb64(inside))

    person.browser.cookies[SESSION_COOKIE] = FORGERIES[name](header, claims)
    answer = await person.browser.call("GET", "/api/auth/me")

    assert (answer.status, answer.json["code"]) == (401, "not-signed-in")


async def test_401_when_one_letter_of_it_differs(house: House) -> None:
    person = await house.signed_in()
    right = person.browser.cookies[SESSION_COOKIE]

    for place in range(0, len(right), 7):
        other = "A" if right[place] != "A" else "B"
        person.browser.cookies[SESSION_COOKIE] = right[:place] + other + right[place + 1 :]
        assert (await person.browser.get("/api/auth/me")).status in {401, 429}


async def test_401_for_somebody_elses_session_under_ones_own_name(house: House) -> None:
    one, other = await house.signed_in(), await house.signed_in()
    tokens = await house.container.get(SessionTokens)
    now = (await house.sql("SELECT now()"))[0]["now"]
    mine = tokens.read(one.browser.cookies[SESSION_COOKIE], now=now)
    theirs = tokens.read(other.browser.cookies[SESSION_COOKIE], now=now)
    assert mine is not None
    assert theirs is not None

    mixed = tokens.issue(msgspec.structs.replace(theirs, user_id=mine.user_id))
    one.browser.cookies[SESSION_COOKIE] = mixed.reveal()

    assert (await one.browser.get("/api/auth/me")).status == 401


async def test_401_for_a_session_of_another_installation(house: House) -> None:
    person = await house.signed_in()
    tokens = await house.container.get(SessionTokens)
    now = (await house.sql("SELECT now()"))[0]["now"]
    claims = tokens.read(person.browser.cookies[SESSION_COOKIE], now=now)
    assert claims is not None
    elsewhere = JwtSessionTokens(
        KeyRing.from_settings(KEY, ""), installation="https://staging.example"
    )

    person.browser.cookies[SESSION_COOKIE] = elsewhere.issue(claims).reveal()

    assert (await person.browser.get("/api/auth/me")).status == 401


async def test_401_for_the_devices_cookie_as_a_session(house: House) -> None:
    person = await house.signed_in()

    person.browser.cookies[SESSION_COOKIE] = person.browser.cookies["__Host-dev"]

    assert (await person.browser.get("/api/auth/me")).status == 401
