"""Files that come with a request, and what their bytes say they are."""

import hashlib
import mimetypes
import struct
from functools import cached_property

import msgspec

_SIGNATURES = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (0, b"BM", "image/bmp"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"%PDF", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
)
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers that begin a frame and so tell its size."""
_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


class Upload(msgspec.Struct, frozen=True, dict=True):
    """One file part of a request."""

    content: bytes
    file_name: str = ""

    @property
    def size(self) -> int:
        return len(self.content)

    @cached_property
    def digest(self) -> str:
        """Of the bytes, whatever the file is called."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def mime_type(self) -> str:
        """By the first bytes, else by the name; empty when neither tells."""
        for offset, signature, mime_type in _SIGNATURES:
            if self.content.startswith(signature, offset):
                return mime_type
        return mimetypes.guess_type(self.file_name)[0] or ""

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Width and height in pixels; None for what isn't an image that can be read."""
        read = _READERS.get(self.mime_type)
        if read is None:
            return None
        try:
            width, height = read(self.content)
        except (struct.error, IndexError):
            return None
        return (width, height) if width > 0 and height > 0 else None


def _png(content: bytes) -> tuple[int, int]:
    if content[12:16] != b"IHDR":
        return 0, 0
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _gif(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", content, 6)
    return width, height


def _bmp(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<ii", content, 18)
    return width, abs(height)  # below zero when the rows go from top to bottom


def _webp(content: bytes) -> tuple[int, int]:
    kind = content[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(content[24:27], "little") + 1
        return width, int.from_bytes(content[27:30], "little") + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", content, 26)
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(content: bytes) -> tuple[int, int]:
    place = 2
    while content[place] == 0xFF:  # noqa: PLR2004 - every marker begins with it
        marker = content[place + 1]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, place + 5)
            return width, height
        if marker in _JPEG_WITHOUT_LENGTH:
            place += 2
        else:
            (length,) = struct.unpack_from(">H", content, place + 2)
            place += 2 + length
    return 0, 0


_READERS = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/bmp": _bmp,
    "image/webp": _webp,
}
