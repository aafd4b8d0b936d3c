"""The width and height of a picture, read off the beginning of its file."""

import struct
from collections.abc import Callable

ImageSize = tuple[int, int]

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of the segments that tell the size (ITU T.81, table B.1)."""
_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def image_size(first: bytes) -> ImageSize | None:
    """In pixels; None when these bytes don't tell, or are of no PNG, JPEG or WebP."""
    read = _reader(first)
    try:
        return read(first) if read is not None else None
    except (struct.error, IndexError):  # the beginning ends before the size comes
        return None


def is_webp(first: bytes) -> bool:
    return first.startswith(b"RIFF") and first[8:12] == b"WEBP"


def _reader(first: bytes) -> Callable[[bytes], ImageSize | None] | None:
    if first.startswith(PNG_START):
        return _read_png
    if first.startswith(JPEG_START):
        return _read_jpeg
    return _read_webp if is_webp(first) else None


def _read_png(first: bytes) -> ImageSize | None:
    if first[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", first, 16)
    return width, height


def _read_webp(first: bytes) -> ImageSize | None:
    match first[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", first, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", first, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            width, width_high, height, height_high = struct.unpack_from("<HBHB", first, 24)
            return (width_high << 16 | width) + 1, (height_high << 16 | height) + 1
    return None


def _read_jpeg(first: bytes) -> ImageSize | None:
    place = len(JPEG_START) - 1
    while first[place] == 0xFF:  # noqa: PLR2004 - every marker begins with it
        marker = first[place + 1]
        if marker == 0xFF:  # noqa: PLR2004 - fill bytes may stand ahead of one
            place += 1
        elif marker in _JPEG_WITHOUT_LENGTH:
            place += 2
        else:
            length, _, height, width = struct.unpack_from(">HBHH", first, place + 2)
            if marker in _JPEG_FRAMES:
                return width, height
            place += 2 + length
    return None
