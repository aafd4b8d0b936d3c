"""One-time codes: those of the RFC, which of them count, and what an authenticator is given."""

from base64 import b32encode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_core.domain.secret import Secret
from skua_core.domain.totp import (
    matching_step,
    new_totp_secret,
    otpauth_uri,
    step_of,
    totp_code,
)

RFC_SECRET = Secret(b32encode(b"12345678901234567890").decode())
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NEVER = -1


@pytest.mark.parametrize(
    ("seconds", "eight_digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_codes_are_those_of_rfc_6238(seconds: int, eight_digits: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)

    assert totp_code(RFC_SECRET, step_of(at)) == eight_digits[-6:]


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True)])
def test_a_code_counts_from_one_step_before_to_one_after(steps: int, *, counts: bool) -> None:
    step = step_of(NOON) + steps

    found = matching_step(RFC_SECRET, totp_code(RFC_SECRET, step), NOON, after=NEVER)

    assert found == (step if counts else None)
    assert (
        matching_step(RFC_SECRET, totp_code(RFC_SECRET, step_of(NOON) + 2), NOON, after=-1) is None
    )


def test_no_code_counts_whose_step_or_a_later_one_was_used() -> None:
    step = step_of(NOON)

    for used in (step, step + 1):
        assert matching_step(RFC_SECRET, totp_code(RFC_SECRET, step), NOON, after=used) is None


@given(
    code=st.text(st.characters(exclude_categories=())), secret=st.binary(min_size=20, max_size=20)
)
def test_any_text_gets_an_answer(code: str, secret: bytes) -> None:
    key = Secret(b32encode(secret).decode())

    found = matching_step(key, code, NOON, after=NEVER)

    assert (found is not None) == (code in {totp_code(key, step_of(NOON) + n) for n in (-1, 0, 1)})


@given(used=st.lists(st.integers(0, 6), max_size=20))
def test_whatever_is_tried_no_code_counts_twice(used: list[int]) -> None:
    """``used`` are minutes at which the code of then is tried, in any order."""
    last, counted = NEVER, []
    for minute in used:
        at = NOON + timedelta(minutes=minute)
        step = matching_step(RFC_SECRET, totp_code(RFC_SECRET, step_of(at)), at, after=last)
        if step is not None:
            counted.append(step)
            last = step

    assert counted == sorted(set(counted))


def test_a_secret_is_160_random_bits_as_authenticators_take_them() -> None:
    one, other = new_totp_secret().reveal(), new_totp_secret().reveal()

    assert one != other
    assert len(one) == 32
    assert "=" not in one


def test_the_uri_names_the_account_and_shows_nowhere() -> None:
    uri = otpauth_uri(RFC_SECRET, "ana+bots@example.org")
    parts = urlsplit(uri.reveal())

    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parts.path == "/Skua%3Aana%2Bbots%40example.org"
    assert parse_qs(parts.query) == {"secret": [RFC_SECRET.reveal()], "issuer": ["Skua"]}
    assert RFC_SECRET.reveal() not in repr(uri)
