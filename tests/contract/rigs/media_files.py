"""Files to hand to Telegram."""

import struct
import zlib
from collections.abc import AsyncIterator
from uuid import uuid4

from skua_core.ids import MediaId
from skua_core.ports.messenger import FileSource


def a_png(width: int = 64, height: int = 48) -> bytes:
    """A picture in one colour."""
    rows = (b"\0" + b"\x33\x66\x99" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (
        _chunk(b"IHDR", header),
        _chunk(b"IDAT", zlib.compress(rows)),
        _chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def a_file(data: bytes, name: str = "spring.png", *, piece: int = 1000) -> FileSource:
    async def read() -> AsyncIterator[bytes]:
        for start in range(0, len(data), piece):
            yield data[start : start + piece]

    return FileSource(name, len(data), read)


def a_failing_file(error: Exception, *, size: int = 3000, name: str = "spring.png") -> FileSource:
    """Breaks off in its middle."""

    async def read() -> AsyncIterator[bytes]:
        yield a_png()[: size // 2]
        raise error

    return FileSource(name, size, read)


def an_upload_id() -> MediaId:
    return MediaId(uuid4())


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
