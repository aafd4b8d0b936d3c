"""Recovery codes: what they look like, and in which spellings they are found."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_core.domain.recovery_codes import (
    RECOVERY_CODES,
    new_recovery_codes,
    recovery_code_hash,
)
from skua_core.ids import UserId

ANA = UserId(UUID(int=1))
BEN = UserId(UUID(int=2))
CODE = "abcdef-ghijkl-mnopqr-stuvwx"


def test_codes_are_ten_and_different_and_show_nowhere() -> None:
    codes = new_recovery_codes()

    assert len({code.reveal() for code in codes}) == RECOVERY_CODES == 10
    assert all(recovery_code_hash(ANA, code.reveal()) is not None for code in codes)
    assert all(code.reveal() not in repr(codes) for code in codes)


@pytest.mark.parametrize(
    "spelling", [CODE.upper(), CODE.replace("-", ""), CODE.replace("-", " "), f" {CODE}\n"]
)
def test_capitals_dashes_and_spaces_do_not_count(spelling: str) -> None:
    assert recovery_code_hash(ANA, spelling) == recovery_code_hash(ANA, CODE)


def test_the_same_code_of_somebody_else_is_another() -> None:
    assert recovery_code_hash(ANA, CODE) != recovery_code_hash(BEN, CODE)


@given(text=st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_text_gets_an_answer(text: str) -> None:
    found = recovery_code_hash(ANA, text)

    assert found is None or len(found) == 32


@pytest.mark.parametrize("text", ["", "123456", "12345678", CODE[:-1], CODE + "a", "é" * 24])
def test_what_is_no_code_is_not_looked_for(text: str) -> None:
    assert recovery_code_hash(ANA, text) is None
