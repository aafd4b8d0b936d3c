"""Pages of lists, and bodies that show nothing of what is in them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.exceptions import ValidationException

from skua_http.accounts.schemas import LoginRequest
from skua_http.bodies import page_of, timestamp


@dataclass(frozen=True)
class Row:
    id: UUID


@given(numbers=st.sets(st.integers(0, 2**128 - 1), max_size=30), limit=st.integers(1, 10))
def test_pages_put_together_are_the_whole_list(numbers: set[int], limit: int) -> None:
    rows = [Row(UUID(int=number)) for number in numbers]
    seen: list[Row] = []
    cursor: str | None = None

    for _ in range(len(rows) + 1):
        page, cursor = page_of(rows, limit=limit, cursor=cursor)
        assert len(page) <= limit
        seen += page
        if cursor is None:
            break

    assert seen == sorted(rows, key=lambda row: row.id, reverse=True)


def test_a_cursor_works_when_its_row_is_gone() -> None:
    rows = [Row(UUID(int=number)) for number in range(4)]
    _, cursor = page_of(rows, limit=2, cursor=None)

    page, rest = page_of(rows[:2], limit=2, cursor=cursor)

    assert (page, rest) == ([rows[1], rows[0]], None)


def test_a_malformed_cursor_is_refused() -> None:
    with pytest.raises(ValidationException):
        page_of([], limit=2, cursor="nope")


def test_times_have_six_digits_and_end_in_z() -> None:
    summer = timezone(timedelta(hours=2))

    assert timestamp(datetime(2026, 3, 1, 12, tzinfo=UTC)) == "2026-03-01T12:00:00.000000Z"
    assert timestamp(datetime(2026, 7, 1, 12, 0, 0, 5, summer)) == "2026-07-01T10:00:00.000005Z"


def test_a_body_shows_nothing() -> None:
    request = LoginRequest(email="ana@example.com", password="hush hush hush")

    assert repr(request) == str(request) == "LoginRequest(***)"
