"""What a file is, and whether Telegram would take it as a photo."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skua_adapters.telegram_simulator.uploads import Upload
from skua_core.domain.image_size import image_size
from skua_core.domain.media import MediaKind, problem_with_content, problem_with_size

SIDES = st.integers(1, 16383)


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)


def jpeg(width: int, height: int, *, metadata: int = 600, fill: bytes = b"") -> bytes:
    """With segments ahead of the frame that hold what looks like one, as a camera's may."""
    exif = b"\xff\xe1" + struct.pack(">H", metadata + 2) + b"\xff\xc0" * (metadata // 2)
    tables = b"\xff\xc4" + struct.pack(">H", 6) + b"\0" * 4
    frame = b"\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width)
    return b"\xff\xd8" + exif + tables + fill + frame + b"\0" * 10


def webp(width: int, height: int) -> bytes:
    key_frame = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width | 1 << 14, height)
    return b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0" + key_frame


def webp_lossless(width: int, height: int) -> bytes:
    bits = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + bits


def webp_extended(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\0\0\0\0WEBPVP8X\n\0\0\0\0\0\0\0" + sides


Make = Callable[[int, int], bytes]
MAKERS: list[Make] = [png, jpeg, webp, webp_lossless, webp_extended]


@pytest.mark.parametrize("make", MAKERS)
@given(width=SIDES, height=SIDES)
@example(width=1, height=16383)
def test_the_size_of_a_picture_is_read(make: Make, width: int, height: int) -> None:
    picture = make(width, height)

    assert image_size(picture) == Upload(picture).image_size == (width, height)


def test_fill_bytes_ahead_of_a_marker_are_passed_over() -> None:
    assert image_size(jpeg(300, 200, fill=b"\xff\xff")) == (300, 200)


@given(st.sampled_from(MAKERS), st.integers(0, 700), st.binary(max_size=40))
def test_any_bytes_have_a_size_or_none(make: Make, kept: int, rest: bytes) -> None:
    size = image_size(make(300, 200)[:kept] + rest)

    assert size is None or min(size) >= 0


def test_a_size_that_comes_too_late_is_not_guessed() -> None:
    assert image_size(jpeg(300, 200, metadata=60_000)[:2000]) is None


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("sides", [(5000, 5000), (1, 20), (9523, 477), (300, 200)])
def test_a_photo_within_its_limits_is_taken(make: Make, sides: tuple[int, int]) -> None:
    assert problem_with_content(MediaKind.PHOTO, make(*sides)) is None


@pytest.mark.parametrize(
    ("first", "problem"),
    [
        (png(5001, 5000), "at most 10,000 pixels together, and this one's are 5,001 and 5,000"),
        (jpeg(1, 21), "at most 20 times the shorter one"),
        (webp(2100, 100), "at most 20 times"),
        (png(0, 100), "has no pixels"),
        (b"GIF89a", "it is a GIF"),
        (b"RIFF\0\0\0\0AVI ", "a photo is a JPEG, PNG or WebP"),
        (b"\xff\xd8", "a photo is a JPEG, PNG or WebP"),
        (b"", "a photo is a JPEG, PNG or WebP"),
    ],
)
def test_what_telegram_makes_no_photo_of_is_said(first: bytes, problem: str) -> None:
    assert problem in str(problem_with_content(MediaKind.PHOTO, first))
    assert problem_with_content(MediaKind.DOCUMENT, first) is None


@pytest.mark.parametrize("kind", MediaKind)
def test_a_file_has_at_least_one_byte_and_at_most_its_limit(kind: MediaKind) -> None:
    megabytes = 10 if kind is MediaKind.PHOTO else 50

    assert problem_with_size(kind, 0) == "the file is empty"
    assert problem_with_size(kind, 1) is None
    assert problem_with_size(kind, megabytes * 1024 * 1024) is None
    assert f"{megabytes} MB" in str(problem_with_size(kind, megabytes * 1024 * 1024 + 1))
