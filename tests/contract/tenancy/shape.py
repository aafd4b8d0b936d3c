"""A way of reaching tenant rows, numbered, with what can be expected of each lock alone."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tests.contract.tenancy.world import World

Access = Callable[[AsyncSession, World], Awaitable[Sequence[Any]]]


@dataclass(frozen=True)
class Shape:
    number: int
    access: Access
    orm_lock: bool
    """Whether the ORM lock holds by itself."""
    row_security: bool
    """Whether row security, or a grant or key beside it, holds by itself."""

    def __str__(self) -> str:
        return f"{self.number:02}-{self.access.__name__}"


def shape_list() -> tuple[list[Shape], Callable[..., Callable[[Access], Access]]]:
    """A list, and the decorator that adds to it."""
    shapes: list[Shape] = []

    def shape(
        number: int, *, orm_lock: bool = True, row_security: bool = True
    ) -> Callable[[Access], Access]:
        def add(access: Access) -> Access:
            shapes.append(Shape(number, access, orm_lock, row_security))
            return access

        return add

    return shapes, shape
