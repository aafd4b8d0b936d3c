"""Secrets that are told from everything else, and a search for them in whatever was written."""

import base64
import json
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote, quote_plus

PIECE = 12
"""Characters of a secret, from its start or its end, that are as bad as all of it."""


class Kind(StrEnum):
    """Of places where something could be left."""

    LOG = "log"
    SHELL = "shell"
    ANSWER = "answer"
    MAIL = "mail"
    DATABASE = "database"
    CLUSTER = "cluster"
    """The files of the database's tables and of its write-ahead log."""
    REDIS = "redis"
    FILE = "file"
    ARGUMENTS = "arguments"


STORED = frozenset({Kind.DATABASE, Kind.CLUSTER})


@dataclass(frozen=True)
class Place:
    kind: Kind
    name: str
    content: bytes


@dataclass
class Canary:
    name: str
    data: bytes
    kinds: frozenset[Kind] = frozenset()
    """Places where it belongs, as an address does in the table of users."""
    told_by: set[str] = field(default_factory=set)
    """Names of places that are there to tell it."""

    def may_be_in(self, place: Place) -> bool:
        return place.kind in self.kinds or place.name in self.told_by


@dataclass(frozen=True)
class Finding:
    canary: str
    kind: Kind
    place: str
    context: bytes

    def __str__(self) -> str:
        return f"{self.canary} in {self.kind} {self.place}: {self.context!r}"


@dataclass
class Canaries:
    known: list[Canary] = field(default_factory=list)

    def secret(self, name: str, secret: str | bytes, *told_by: str) -> None:
        data = secret.encode() if isinstance(secret, str) else secret
        self.known.append(Canary(name, data, told_by=set(told_by)))

    def personal(self, name: str, text: str, *kinds: Kind) -> None:
        """What may be stored and mailed, and is nobody else's business."""
        self.known.append(Canary(name, text.encode(), STORED | {Kind.MAIL, *kinds}))

    def made(self, name: str) -> str:
        """A new secret, as somebody types one."""
        secret = f"{make_token()} {make_token()}"
        self.secret(name, secret)
        return secret

    def tell(self, place: str, *names: str) -> None:
        """Say that this place may show those."""
        for canary in self.known:
            if canary.name in names:
                canary.told_by.add(place)

    def search(self, places: Iterable[Place]) -> list[Finding]:
        patterns = [(canary, _pattern(spellings(canary.data))) for canary in self.known]
        bare = [(canary, _pattern(pieces(canary.data))) for canary in self.known]
        return [
            Finding(canary.name, place.kind, place.name, _around(place.content, found))
            for place in places
            # A cluster's files hold values as they are, and there are many megabytes of them.
            for canary, pattern in (bare if place.kind is Kind.CLUSTER else patterns)
            if not canary.may_be_in(place)
            for found in _first(pattern, place.content)
        ]


def spellings(secret: bytes) -> set[bytes]:
    """As it is, and as it would be written into an address, a log, JSON, or a column of bytes."""
    return {spelling for piece in pieces(secret) for spelling in _spellings(piece)}


def pieces(secret: bytes) -> set[bytes]:
    return {secret[:PIECE], secret[-PIECE:]}


def make_token() -> str:
    return secrets.token_hex(10)


def _spellings(piece: bytes) -> Iterator[bytes]:
    yield piece
    yield piece.hex().encode()
    yield piece.hex().upper().encode()
    yield from _in_base64(piece)
    # A piece may have been cut in the middle of a letter.
    text = piece.decode(errors="ignore")
    yield text.encode()
    for form in (
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        ascii(text)[1:-1],
    ):
        yield form.encode()


def _in_base64(piece: bytes) -> Iterator[bytes]:
    """Wherever it begins within what was encoded: those characters that it alone decides."""
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(piece)) * 8 // 6
        whole = bytes(before) + piece + bytes(2)
        yield base64.b64encode(whole)[first:last]
        yield base64.urlsafe_b64encode(whole)[first:last]


def _pattern(needles: set[bytes]) -> list[re.Pattern[bytes] | bytes]:
    """Short ones count as whole words alone: six digits are a part of many a number."""
    return [
        re.compile(rb"(?<![0-9A-Za-z.])" + re.escape(needle) + rb"(?![0-9A-Za-z])")
        if len(needle) < PIECE and needle.isdigit()
        else needle
        for needle in needles
    ]


def _first(pattern: list[re.Pattern[bytes] | bytes], content: bytes) -> list[int]:
    for needle in pattern:
        if isinstance(needle, bytes):
            at = content.find(needle)
        else:
            found = needle.search(content)
            at = -1 if found is None else found.start()
        if at >= 0:
            return [at]
    return []


def _around(content: bytes, at: int) -> bytes:
    return content[max(0, at - 80) : at + 80]
