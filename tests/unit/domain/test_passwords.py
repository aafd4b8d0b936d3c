"""Which passwords are taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_core.domain.passwords import LONGEST, MOST_BYTES, SHORTEST, check_password
from skua_core.errors import PasswordUnfit

LOGIN, NAME = "ana.gull87@example.com", "Annabella Ternsworth"


def full_width(text: str) -> str:
    """As East Asian keyboards write Latin letters."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


FIT = [
    *("three gulls on a mast", "correct horse battery staple", "Hq7!monkeyP2", "tide-gull-marsh"),
    *(
        "monkey dragon",
        "zH4k9-wq8s-Lm2x",
        "скала и чайки вечером",
        "鷗が三羽帆柱に止まっている",
        "🐦🐧🦅🦆🦉🦢🦩🦚🦜🐔🐓🦃",
    ),
    *("annabella loves big pizzas", "a\0b\0c\0d\0e\0f\0", "{}[]<>?!=-~^", "        rqxz  "),
]
COMMON = [
    *(
        "password1234",
        "P@ssw0rd1234",
        "password??????",
        "PASSWORDPASSWORD",
        "passw0rd!!!!",
        "1password123",
        "Letmein2024!",
    ),
    *(
        "qwertyuiop[]",
        "1qaz2wsx3edc",
        "poiuytrewq12",
        "asdfghjkl;'123",
        "zaq1xsw2cde3",
        "abcdefghijkl",
    ),
    *(
        "123456789012",
        "098765432109",
        "112233445566",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "xK9$xK9$xK9$",
    ),
    *("iloveyou2024", "Summer2024!!", "michael12345", "correcthorsebatterystaple", "internationaL"),
    *("пароль123456", "qwertyпароль", "любовь-2024!"),  # noqa: RUF001 - Cyrillic is meant
    *("gfhjkmgfhjkm", full_width("password1234"), "            "),
    *(
        "skuaskua-12x",
        "AnaGull-2024",
        "ana.gull87!!",
        "Annabella123",
        "t3rnsw0rth-12",
        "gull.ana1987",
    ),
]


def refusal_of(password: str, login: str = LOGIN, name: str = NAME) -> str | None:
    try:
        check_password(password, login, name)
    except PasswordUnfit as refused:
        return str(refused)
    return None


@pytest.mark.parametrize("password", FIT)
def test_a_password_of_12_characters_that_nobody_tries_first_is_fit(password: str) -> None:
    check_password(password, LOGIN, NAME)


@pytest.mark.parametrize("password", COMMON)
def test_what_is_tried_first_is_not(password: str) -> None:
    with pytest.raises(PasswordUnfit, match="anybody would try first"):
        check_password(password, LOGIN, NAME)


def test_somebody_elses_name_and_address_are_fit() -> None:
    for password in ("Ternsworth-12x", "ana.gull87-12"):
        check_password(password, "ben@example.com", "Ben")
        check_password(password, "", "")
        with pytest.raises(PasswordUnfit):
            check_password(password, LOGIN, NAME)


UNUSUAL = "kZ7?wq{Vx9~fJ2"


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "fewer than 12 characters"),
        (UNUSUAL[: SHORTEST - 1], "fewer than 12 characters"),
        ("o\u0308u\u0308a\u0308e\u0308i\u0308y\u0308", "fewer than 12 characters"),
        ((UNUSUAL * 20)[: LONGEST + 1], "more than 128 characters"),
        ("o\u0308" * (MOST_BYTES // 3 + 1), "more than 1,024 bytes"),
        ("x" * 10_000_000, "more than 1,024 bytes"),
        (UNUSUAL + "\ud800", "characters that no text has"),
    ],
)
def test_the_size_is_checked_and_the_reason_told(password: str, problem: str) -> None:
    with pytest.raises(PasswordUnfit, match=problem):
        check_password(password, LOGIN, NAME)


def test_both_ends_of_the_size_are_fit() -> None:
    check_password(UNUSUAL[:SHORTEST], LOGIN, NAME)
    check_password("".join(chr(0x4E00 + 7 * number) for number in range(LONGEST)), LOGIN, NAME)


def test_accents_that_were_typed_apart_count_as_one_character_with_their_letter() -> None:
    apart = "".join(f"{letter}\u0301" for letter in "zcnrslwkmpgkznacs")

    check_password(apart, LOGIN, NAME)


@given(
    st.text(st.characters(exclude_categories=()), max_size=200),
    st.text(max_size=30),
    st.text(max_size=30),
)
def test_any_text_is_fit_or_refused(password: str, login: str, name: str) -> None:
    refusal = refusal_of(password, login, name)

    if refusal is None:
        assert SHORTEST <= len(password.encode()) <= MOST_BYTES
    else:
        assert len(password) < SHORTEST or password not in refusal


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=4))
def test_four_characters_more_make_no_common_password_fit(more: str) -> None:
    for password in (f"password1234{more}", f"{more}password1234"):
        with pytest.raises(PasswordUnfit):
            check_password(password, LOGIN, NAME)
