"""Reads subscribers from a CSV file, line by line, whatever its size."""

import csv
import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping

import msgspec

from skua_core.domain.subscriber import Profile
from skua_core.errors import ImportUnreadable
from skua_core.ids import ChatId

CHAT_COLUMN = "chat_id"
_PROFILE_COLUMNS = frozenset({"first_name", "last_name", "username", "language"})
_DELIMITERS = ",;\t"
_LONGEST_LINE = 8 * 1024
_MOST_COLUMNS = 100

_CHAT_ID = re.compile(r"-?[0-9]{1,16}", re.ASCII)
_CHAT_ID_LIMIT = 2**52
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_BOM = b"\xef\xbb\xbf"


class CsvSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    chat_id: ChatId
    profile: Profile
    attributes: Mapping[str, str]


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was not imported, and why."""

    line: int
    """As an editor counts, from 1."""
    reason: str


class _Unfit(Exception):
    """Says why a line can't be imported."""


class CsvLine(msgspec.Struct, frozen=True, kw_only=True):
    line: int
    found: CsvSubscriber | Refusal


async def read_subscribers(content: AsyncIterable[bytes]) -> AsyncIterator[CsvLine]:
    """Each line of a UTF-8 file that isn't blank, after the header.

    The header names the columns: ``chat_id``, which must be there, what Telegram knows
    (``first_name``, ``last_name``, ``username``, ``language``), and attributes. A file without a
    header is a list of chat ids. Line breaks inside quotes aren't taken. Raises ImportUnreadable
    for what can't be such a file.
    """
    columns: _Columns | None = None
    async for number, raw in _lines(content):
        if raw is not None and not raw.strip():
            continue
        if columns is None:
            header = _header_text(raw, number)
            if _CHAT_ID.fullmatch(header.strip()) is None:
                columns = _Columns(header)
                continue
            columns = _Columns(CHAT_COLUMN)
        yield CsvLine(line=number, found=columns.read(raw, number))
    if columns is None:
        raise ImportUnreadable("it is empty")


async def _lines(content: AsyncIterable[bytes]) -> AsyncIterator[tuple[int, bytes | None]]:
    """Numbered lines; None for one that is too long to be what it should be."""
    number, rest = 0, b""
    async for chunk in content:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            number += 1
            yield number, _within_limit(line)
        # What is known to be too long needn't be kept, only known to be so.
        rest = rest[: _LONGEST_LINE + 1]
    if rest:
        yield number + 1, _within_limit(rest)


def _within_limit(line: bytes) -> bytes | None:
    return None if len(line) > _LONGEST_LINE else line.rstrip(b"\r")


def _header_text(raw: bytes | None, number: int) -> str:
    if raw is None:
        raise ImportUnreadable(f"line {number} is longer than {_LONGEST_LINE} bytes")
    try:
        text = raw.removeprefix(_BOM).decode()
    except UnicodeDecodeError:
        raise ImportUnreadable(f"line {number} isn't UTF-8; save the file as UTF-8") from None
    if "\0" in text:
        raise ImportUnreadable(f"line {number} holds NUL; save the file as UTF-8, not UTF-16")
    return text


class _Columns:
    """What the header says about the cells of each line."""

    def __init__(self, header: str) -> None:
        self._delimiter = max(_DELIMITERS, key=header.count)
        try:
            names = [name.strip() for name in self._cells(header)]
        except csv.Error as error:
            raise ImportUnreadable(f"its header can't be read ({error})") from None
        if CHAT_COLUMN not in names:
            raise ImportUnreadable(f"its header names no column {CHAT_COLUMN}")
        if len(set(names)) < len(names):
            raise ImportUnreadable("its header names a column twice")
        if len(names) > _MOST_COLUMNS:
            raise ImportUnreadable(f"it has more than {_MOST_COLUMNS} columns")
        for name in names:
            if _ATTRIBUTE.fullmatch(name) is None:
                raise ImportUnreadable(
                    f"its header has a column {name!r}; names are up to 64 letters, digits and _, "
                    "and begin with a letter or _"
                )
        self._names = names

    def read(self, raw: bytes | None, line: int) -> CsvSubscriber | Refusal:
        try:
            return self._read(raw)
        except _Unfit as unfit:
            return Refusal(line=line, reason=str(unfit))

    def _read(self, raw: bytes | None) -> CsvSubscriber:
        if raw is None:
            raise _Unfit(f"it is longer than {_LONGEST_LINE} bytes")
        if b"\0" in raw:
            raise _Unfit("it holds NUL")
        try:
            cells = self._cells(raw.removeprefix(_BOM).decode())
        except UnicodeDecodeError:
            raise _Unfit("it isn't UTF-8") from None
        except csv.Error as error:
            raise _Unfit(f"it isn't CSV ({error})") from None
        if len(cells) > len(self._names):
            raise _Unfit("it has more cells than the header")
        values = dict(zip(self._names, (cell.strip() for cell in cells), strict=False))
        chat_id = _read_chat_id(values.pop(CHAT_COLUMN, ""))
        return _subscriber(chat_id, {name: value for name, value in values.items() if value})

    def _cells(self, text: str) -> list[str]:
        return next(csv.reader([text], delimiter=self._delimiter, strict=True))


def _read_chat_id(text: str) -> ChatId:
    if _CHAT_ID.fullmatch(text) is None or not 0 < abs(int(text)) < _CHAT_ID_LIMIT:
        raise _Unfit("its chat_id isn't a Telegram chat id")
    return ChatId(int(text))


def _subscriber(chat_id: ChatId, values: Mapping[str, str]) -> CsvSubscriber:
    return CsvSubscriber(
        chat_id=chat_id,
        profile=Profile(
            first_name=values.get("first_name"),
            last_name=values.get("last_name"),
            username=values.get("username", "").removeprefix("@") or None,
            language=values.get("language"),
        ),
        attributes={name: value for name, value in values.items() if name not in _PROFILE_COLUMNS},
    )
