"""File ids, the copies of a photo, and what an upload's bytes say."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.telegram_simulator.media_files import (
    MediaFile,
    MediaFiles,
    MediaKind,
    why_no_file_id,
)
from skua_adapters.telegram_simulator.uploads import Upload

_KINDS = st.sampled_from(MediaKind)
_BOTS = st.integers(min_value=1, max_value=1 << 52)


def _file(kind: MediaKind, key: str = "key", width: int = 640, height: int = 480) -> MediaFile:
    return MediaFile(kind=kind, key=key, size=1000, width=width, height=height)


@given(_KINDS, _BOTS, st.text(max_size=20))
def test_every_id_of_a_file_is_one_that_telegram_could_have_given(
    kind: MediaKind, bot_id: int, key: str
) -> None:
    file = _file(kind, key)

    assert why_no_file_id(file.file_id(bot_id)) is None
    assert file.file_id(bot_id) == _file(kind, key).file_id(bot_id)


@given(st.text(max_size=40))
def test_any_text_is_judged_without_an_error(text: str) -> None:
    reason = why_no_file_id(text)

    assert reason is None or "file identifier" in reason


def test_ids_differ_by_bot_kind_and_content_and_unique_ids_by_content_alone() -> None:
    files = [_file(kind, key) for kind in MediaKind for key in ("one", "two")]

    assert len({file.file_id(bot) for file in files for bot in (1, 2)}) == 24
    assert len({file.unique_id for file in files}) == 12


@pytest.mark.parametrize(
    ("kind", "beginning"),
    [
        (MediaKind.PHOTO, "AgAC"),
        (MediaKind.VIDEO, "BAAC"),
        (MediaKind.DOCUMENT, "BQAC"),
        (MediaKind.AUDIO, "CQAC"),
        (MediaKind.ANIMATION, "CgAC"),
        (MediaKind.VOICE, "AwAC"),
    ],
)
def test_ids_begin_as_telegrams_do(kind: MediaKind, beginning: str) -> None:
    assert _file(kind).file_id(42).startswith(beginning)


@given(
    st.integers(min_value=1, max_value=9000),
    st.integers(min_value=1, max_value=9000),
)
def test_a_photo_has_copies_from_small_to_large(width: int, height: int) -> None:
    copies = _file(MediaKind.PHOTO, width=width, height=height).copies

    widths = [copy.width for copy in copies]
    assert widths == sorted(widths)
    assert all(1 <= copy.width <= 2560 and 1 <= copy.height <= 2560 for copy in copies)
    if max(width, height) <= 2560:
        assert (copies[-1].width, copies[-1].height) == (width, height)


def test_a_forgotten_file_has_no_id_left() -> None:
    files, photo, other = MediaFiles(42), _file(MediaKind.PHOTO), _file(MediaKind.PHOTO, "other")
    files.add(photo)
    files.add(other)
    ids = [photo.file_id(42, copy.letter) for copy in photo.copies]
    assert [files.find(file_id) for file_id in ids] == [photo] * len(ids)

    files.forget(photo)

    assert [files.find(file_id) for file_id in ids] == [None] * len(ids)
    assert files.find(other.file_id(42, "x")) == other


_WEBP = b"RIFF\0\0\0\0WEBP"


@pytest.mark.parametrize(
    ("content", "mime_type", "size"),
    [
        (b"GIF89a" + struct.pack("<HH", 3, 2), "image/gif", (3, 2)),
        (b"BM" + b"\0" * 16 + struct.pack("<ii", 3, -2), "image/bmp", (3, 2)),
        (
            _WEBP + b"VP8X" + b"\0" * 8 + b"\2\0\0" + b"\1\0\0",
            "image/webp",
            (3, 2),
        ),
        (_WEBP + b"VP8L\0\0\0\0/" + struct.pack("<I", 2 | 1 << 14), "image/webp", (3, 2)),
        (_WEBP + b"VP8 " + b"\0" * 10 + struct.pack("<HH", 3, 2), "image/webp", (3, 2)),
        (
            b"\xff\xd8\xff\xe0\0\x04ab\xff\xd0\xff\xc2\0\x0b\x08" + struct.pack(">HH", 2, 3),
            "image/jpeg",
            (3, 2),
        ),
        (b"\xff\xd8\xff\xe0\0\x04ab", "image/jpeg", None),
        (b"\xff\xd8\xff\xe0\0\x04ab\0\0", "image/jpeg", None),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 16, "image/png", None),
        (b"GIF89a\0\0\0\0", "image/gif", None),
        (b"%PDF-1.7", "application/pdf", None),
        (b"words", "", None),
    ],
)
def test_the_first_bytes_tell_what_a_file_is(
    content: bytes, mime_type: str, size: tuple[int, int] | None
) -> None:
    upload = Upload(content)

    assert (upload.mime_type, upload.image_size) == (mime_type, size)


def test_a_name_tells_only_what_the_bytes_do_not() -> None:
    assert Upload(b"words", "notes.txt").mime_type == "text/plain"
    assert Upload(b"GIF89a", "notes.txt").mime_type == "image/gif"


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", _WEBP]), st.binary())
def test_no_picture_is_so_broken_that_it_can_not_be_judged(head: bytes, rest: bytes) -> None:
    size = Upload(head + rest).image_size

    assert size is None or min(size) > 0
