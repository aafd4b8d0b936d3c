"""Media: what a message may carry beside its text, and how Telegram comes to have it."""

import hashlib
from datetime import datetime
from enum import StrEnum

import msgspec

from skua_core.domain.image_size import JPEG_START, PNG_START, image_size, is_webp
from skua_core.ids import ChatId, MediaId

_MEGABYTE = 1024 * 1024

FIRST_BYTES = 64 * 1024
"""So many tell what a file is, and mostly how large a picture."""

_SIDES_TOGETHER = 10_000
"""Pixels of a photo's width and height at most (Bot API, sendPhoto)."""
_STEEPEST = 20
"""How many times as long one side may be as the other (as above)."""


class MediaKind(StrEnum):
    PHOTO = "photo"
    VIDEO = "video"
    ANIMATION = "animation"
    DOCUMENT = "document"
    AUDIO = "audio"
    VOICE = "voice"

    @property
    def is_visual(self) -> bool:
        """Whether a spoiler can hide it, and its text may stand above it."""
        return self in {MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.ANIMATION}

    @property
    def size_limit(self) -> int:
        """Bytes that Telegram takes from a bot ("Sending files", Bot API)."""
        return 10 * _MEGABYTE if self is MediaKind.PHOTO else 50 * _MEGABYTE


class Medium(msgspec.Struct, frozen=True, omit_defaults=True):
    """One medium of a message. Exactly one of ``file_id``, ``url`` and ``upload`` is set."""

    kind: MediaKind
    file_id: str | None = None
    """Telegram's own name of a file that it has. Each bot has others for the same file."""
    url: str | None = None
    """An https address; Telegram fetches it, Skua never does."""
    upload: MediaId | None = None
    """Bytes that wait in the MediaStore."""
    spoiler: bool = False

    @property
    def key(self) -> str | None:
        """By what the bot's ``file_id`` for it is remembered; None when it is given already."""
        if self.upload is not None:
            return f"{self.kind}:upload:{self.upload}"
        if self.url is not None:
            return f"{self.kind}:url:{hashlib.sha256(self.url.encode()).hexdigest()}"
        return None


class MediaUpload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that somebody handed in, to be sent by this bot."""

    id: MediaId
    kind: MediaKind
    name: str
    size: int
    """In bytes."""
    created_at: datetime


def problem_with_size(kind: MediaKind, size: int) -> str | None:
    """Say why Telegram wouldn't take a file of so many bytes; None if it would."""
    if not size:
        return "the file is empty"
    if size > kind.size_limit:
        return f"Telegram takes at most {kind.size_limit // _MEGABYTE} MB as a {kind}"
    return None


def problem_with_content(kind: MediaKind, first: bytes) -> str | None:
    """The same by a file's first bytes, not by its name: Telegram makes a picture of a photo."""
    if kind is not MediaKind.PHOTO:
        return None
    if first.startswith((b"GIF87a", b"GIF89a")):
        return "it is a GIF, which goes as an animation or a document"
    if not (first.startswith((PNG_START, JPEG_START)) or is_webp(first)):
        return "a photo is a JPEG, PNG or WebP, and this is none; it may go as a document"
    size = image_size(first)
    return None if size is None else _problem_with_sides(*size)


def _problem_with_sides(width: int, height: int) -> str | None:
    if not (width and height):
        return "the picture has no pixels"
    if width + height > _SIDES_TOGETHER:
        return (
            f"a photo's sides have at most {_SIDES_TOGETHER:,} pixels together, and this one's are "
            f"{width:,} and {height:,}; it may go as a document"
        )
    if max(width, height) > _STEEPEST * min(width, height):
        return (
            f"a photo's longer side is at most {_STEEPEST} times the shorter one, and this one's "
            f"are {width:,} and {height:,}; it may go as a document"
        )
    return None


class CopiedMessage(msgspec.Struct, frozen=True):
    """A message that the bot can see, to be copied as it is: text, media and all."""

    chat_id: ChatId
    message_id: int
