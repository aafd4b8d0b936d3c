"""Small files that are what they seem."""

import struct
import zlib


def png(width: int = 640, height: int = 480) -> bytes:
    """One colour, as small as can be."""
    rows = (b"\0" + b"\0" * ((width + 7) // 8)) * height

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


GIF = b"GIF89a" + struct.pack("<HH", 320, 240) + b"\0\0\0;"
JPEG = (
    b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
    b"\xff\xc0\0\x0b\x08" + struct.pack(">HH", 600, 800) + b"\x01\x01\x11\0\xff\xd9"
)
MP4 = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2"
OGG = b"OggS\0\x02" + b"\0" * 22
MP3 = b"ID3\x04\0\0\0\0\0\0"
PDF = b"%PDF-1.7\n%%EOF\n"
