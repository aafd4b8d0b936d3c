"""What every deliberate failure has."""

from enum import StrEnum
from typing import ClassVar


class ErrorKind(StrEnum):
    INVALID = "invalid"
    """What was asked for can't be done as it was put; the message says what to change."""
    UNAUTHENTICATED = "unauthenticated"
    """Nobody has shown who they are, or what they showed isn't good."""
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    """It would be fine at another time or in another state."""
    THROTTLED = "throttled"
    """Asked too often; the error says after how many seconds to come again."""
    UNAVAILABLE = "unavailable"
    """Something that Skua depends on does not answer; trying again later is right."""
    INTERNAL = "internal"
    """A guard of Skua's own stopped what must never happen: nothing that a caller could mend."""


class SkuaError(Exception):
    """Base of every deliberate failure. ``code`` is the kebab-case of the class name."""

    kind: ClassVar[ErrorKind]
    code: ClassVar[str]
