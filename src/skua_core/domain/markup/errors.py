"""What can be wrong with a message, said so that its author finds the place and the remedy."""

from collections.abc import Iterable
from typing import NamedTuple

from skua_core.domain.content import CAPTION_LIMIT
from skua_core.errors import ErrorKind, SkuaError


class Place(NamedTuple):
    """Where in a source: line and column count from 1, the offset from 0, all in characters."""

    line: int
    column: int
    offset: int

    @classmethod
    def of(cls, text: str, offset: int) -> "Place":
        line_start = text.rfind("\n", 0, offset) + 1
        return cls(text.count("\n", 0, offset) + 1, offset - line_start + 1, offset)

    def __str__(self) -> str:
        return f"Line {self.line}, column {self.column}"


class MarkupInvalid(SkuaError):
    kind = ErrorKind.INVALID
    code = "markup-invalid"

    def __init__(self, place: Place, problem: str, hint: str) -> None:
        super().__init__(f"{place}: {problem}. {hint}.")
        self.line = place.line
        self.column = place.column
        self.offset = place.offset
        self.problem = problem
        self.hint = hint


class PlaceholderUnknown(SkuaError):
    kind = ErrorKind.INVALID
    code = "placeholder-unknown"

    def __init__(self, name: str, known: Iterable[str], place: Place) -> None:
        self.name = name
        self.known = tuple(known)
        self.line = place.line
        self.column = place.column
        self.offset = place.offset
        super().__init__(
            f"{place}: there is no placeholder `{name}`. Known are {', '.join(self.known)}."
        )


class PlaceholderFailed(SkuaError):
    """An expression can't be evaluated for one subscriber; it could for the sample values."""

    kind = ErrorKind.INVALID
    code = "placeholder-failed"

    def __init__(self, line: int, column: int, problem: str) -> None:
        super().__init__(f"Line {line}, column {column}: the placeholder gives no text: {problem}.")
        self.line = line
        self.column = column
        self.problem = problem


class ButtonInvalid(SkuaError):
    """Row and position count from 1."""

    kind = ErrorKind.INVALID
    code = "button-invalid"

    def __init__(self, row: int, position: int, problem: str) -> None:
        super().__init__(f"Button {position} of row {row}: {problem}.")
        self.row = row
        self.position = position
        self.problem = problem


class MessageEmpty(SkuaError):
    kind = ErrorKind.INVALID
    code = "message-empty"

    def __init__(self) -> None:
        super().__init__("The message has no visible text, and Telegram takes none without.")


class MessageTooLong(SkuaError):
    """Both numbers are UTF-16 units, counted without the markup."""

    kind = ErrorKind.INVALID
    code = "message-too-long"

    def __init__(self, length: int, limit: int) -> None:
        what = "text below a medium" if limit == CAPTION_LIMIT else "message"
        super().__init__(
            f"The {what} has {length} characters as Telegram counts them (an emoji is two or "
            f"more), and {limit} are allowed. Shorten it."
        )
        self.length = length
        self.limit = limit


class TooManyEntities(SkuaError):
    kind = ErrorKind.INVALID
    code = "too-many-entities"

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(
            f"The message has {count} pieces of formatting, and Telegram keeps {limit}. Use fewer."
        )
        self.count = count
        self.limit = limit
