"""What bodies of requests and answers are made of."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Protocol, TypeVar
from uuid import UUID

import msgspec
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter

LONGEST_PAGE = 200
PAGE = 50


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of them all. Passwords, codes and addresses may be inside, so none can be shown."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class Named(Protocol):
    """Whatever has an id that grows with time (a version-7 UUID)."""

    @property
    def id(self) -> UUID: ...


N = TypeVar("N", bound=Named)

Id = Annotated[str, msgspec.Meta(examples=["01977a6e-6f2a-7b1e-9c55-0d4b7d2f9a10"])]
Time = Annotated[
    str,
    msgspec.Meta(
        description="RFC 3339, UTC, to the microsecond",
        examples=["2026-03-01T12:00:00.000000Z"],
        extra_json_schema={"extra": {"format": "date-time"}},
    ),
]
NextCursor = Annotated[
    str | None,
    msgspec.Meta(
        description="Ask for the next page with it; null at the end",
        examples=["01977a6e-6f2a-7b1e-9c55-0d4b7d2f9a10"],
    ),
]
Limit = Annotated[int, QueryParameter(ge=1, le=LONGEST_PAGE, description="How many at most")]
Cursor = Annotated[
    str | None, QueryParameter(description="`next_cursor` of the page before; none for the first")
]


def timestamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def page_of(rows: Iterable[N], *, limit: int, cursor: str | None) -> tuple[list[N], str | None]:
    """One page of ``rows``, newest first, and the cursor of the next.

    A cursor goes on working when the row it names is gone. Raises ValidationException for what
    isn't one.
    """
    ordered = sorted(rows, key=lambda row: row.id, reverse=True)
    if cursor is not None:
        behind = _read(cursor)
        ordered = [row for row in ordered if row.id < behind]
    shown = ordered[:limit]
    return shown, str(shown[-1].id) if len(ordered) > limit else None


def _read(cursor: str) -> UUID:
    try:
        return UUID(cursor)
    except ValueError:
        wrong = {"key": "cursor", "message": "Not a cursor of this list"}
        raise ValidationException(extra=[wrong]) from None
