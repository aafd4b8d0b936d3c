"""Telegram's MarkdownV2, read as strictly as Telegram reads it."""

import re

import msgspec

from .entities import Entity, utf16_length
from .html_markup import MarkupBroken, check_date_format
from .links import LinkRefused, check_link, linked_user_id

_RESERVED = frozenset("_*[]()~`>#+-=|{}.!\n")
_RESERVED_IN_CODE = frozenset("`")
_HIGHEST_ESCAPED = "~"
_SPACE = " \t\r\n\0\v"
_CODE = frozenset({"code", "pre"})
_QUOTE = "blockquote"
_TDLIB_NAME = {
    "bold": "Bold",
    "italic": "Italic",
    "underline": "Underline",
    "strikethrough": "Strikethrough",
    "spoiler": "Spoiler",
    "code": "Code",
    "pre": "Pre",
    "text_link": "TextUrl",
    "custom_emoji": "CustomEmoji",
    _QUOTE: "BlockQuote",
}
_OPENERS = {
    "__": "underline",
    "_": "italic",
    "*": "bold",
    "~": "strikethrough",
    "||": "spoiler",
    "[": "text_link",
    "```": "pre",
    "`": "code",
    "![": "custom_emoji",
}
"""Longer ones before those that they begin with."""
_CLOSER = {
    "bold": "*",
    "underline": "__",
    "strikethrough": "~",
    "spoiler": "||",
    "code": "`",
    "pre": "```",
    "text_link": "]",
    "custom_emoji": "]",
}
_EMOJI_LINK = re.compile(r"tg:(?://)?emoji/?\?(?:[^#]*&)?id=(\d+)", re.IGNORECASE)
_TIME_LINK = re.compile(r"tg:(?://)?time/?\?([^#]*)", re.IGNORECASE)


class _Opened(msgspec.Struct):
    type: str
    start: int
    """Where its mark begins in the markup."""
    offset: int
    text_start: int
    language: str | None = None


def parse_markdown(markup: str) -> tuple[str, list[Entity]]:
    """Raises ``MarkupBroken``."""
    return _MarkdownParser(markup).parse()


class _MarkdownParser:
    def __init__(self, markup: str) -> None:
        self._markup = markup
        self._position = 0
        self._text: list[str] = []
        self._units = 0
        self._open: list[_Opened] = []
        self._entities: list[Entity] = []
        self._in_quote = False
        self._line_begins = True

    def parse(self) -> tuple[str, list[Entity]]:
        while self._position < len(self._markup):
            character = self._at(0)
            if character == "\\" and "\0" < self._at(1) <= _HIGHEST_ESCAPED:
                self._position += 1
                self._copy(line_begins=self._at(0) == "\n")
            elif character not in self._reserved():
                self._copy(line_begins=False)
            elif self._entity_ends(character):
                self._end(character)
            else:
                self._begin(character)
        self._end_last_quote()
        if self._open:
            raise self._no_end(self._open[-1])
        return "".join(self._text), self._entities

    def _at(self, ahead: int) -> str:
        index = self._position + ahead
        return self._markup[index : index + 1]

    def _here(self, mark: str) -> bool:
        return self._markup.startswith(mark, self._position)

    def _reserved(self) -> frozenset[str]:
        in_code = self._open and self._open[-1].type in _CODE
        return _RESERVED_IN_CODE if in_code else _RESERVED

    def _copy(self, *, line_begins: bool) -> None:
        character = self._at(0)
        self._text.append(character)
        self._units += utf16_length(character)
        self._position += 1
        if character != "\r":
            self._line_begins = line_begins

    def _entity_ends(self, character: str) -> bool:
        if not self._open:
            return False
        if self._in_quote and character == "\n" and self._at(1) != ">":
            return True
        kind = self._open[-1].type
        if kind == "italic":
            return character == "_" and self._at(1) != "_"
        return kind != _QUOTE and self._here(_CLOSER[kind])

    def _begin(self, character: str) -> None:
        start = self._position
        if character == "\n":
            self._copy(line_begins=True)
        elif character == ">" and self._line_begins:
            self._position += 1
            if not self._in_quote:
                self._in_quote = True
                self._push(_QUOTE, start)
        else:
            mark = next((mark for mark in _OPENERS if self._here(mark)), None)
            if mark is None:
                raise MarkupBroken(
                    f"Character '{character}' is reserved "
                    "and must be escaped with the preceding '\\'"
                )
            self._position += len(mark)
            language = self._code_head() if mark == "```" else None
            self._push(_OPENERS[mark], start, language)

    def _push(self, kind: str, start: int, language: str | None = None) -> None:
        self._open.append(_Opened(kind, start, self._units, len(self._text), language))

    def _code_head(self) -> str | None:
        """The language after three backticks, and the one line end that isn't part of the code."""
        end = self._position
        while self._markup[end : end + 1] not in ("", "`", *_SPACE):
            end += 1
        language = self._markup[self._position : end]
        if language and self._markup[end : end + 1] not in ("", "`"):
            self._position = end
        else:
            language = ""
        if self._at(0) in ("\n", "\r"):
            pair = self._at(1) in ("\n", "\r") and self._at(0) != self._at(1)
            self._position += 2 if pair else 1
        return language or None

    def _end(self, character: str) -> None:
        if character == "\n":
            self._end_quote()
            return
        opened = self._open.pop()
        entity = Entity(
            type=opened.type,
            offset=opened.offset,
            length=self._units - opened.offset,
            language=opened.language,
        )
        self._position += len(_CLOSER.get(opened.type, "_"))
        if opened.type == "text_link":
            fits = self._read_link(entity, opened)
        elif opened.type == "custom_emoji":
            fits = self._read_emoji(entity)
        else:
            fits = True
        if fits and entity.length:
            self._entities.append(entity)

    def _end_quote(self) -> None:
        """A line end closes the quote; ``||`` right before it makes the quote expandable."""
        kind = _QUOTE
        if self._open[-1].type != _QUOTE:
            mark = self._open.pop()
            follows = self._markup[mark.start + 2 : self._position]
            if mark.type != "spoiler" or follows not in ("", "\r"):
                raise self._no_end(mark)
            if self._open[-1].type != _QUOTE:
                raise self._no_end(self._open[-1])
            kind = "expandable_blockquote"
        opened = self._open.pop()
        self._in_quote = False
        self._copy(line_begins=True)
        self._entities.append(
            Entity(type=kind, offset=opened.offset, length=self._units - opened.offset)
        )

    def _end_last_quote(self) -> None:
        if not self._in_quote:
            return
        kind, depth = _QUOTE, len(self._open)
        last = self._open[-1]
        if last.type == "spoiler" and last.start == len(self._markup) - 2:
            kind, depth = "expandable_blockquote", depth - 1
        opened = self._open[depth - 1]
        if opened.type != _QUOTE:
            return
        del self._open[depth - 1 :]
        length = self._units - opened.offset
        if length:
            self._entities.append(Entity(type=kind, offset=opened.offset, length=length))

    def _read_link(self, entity: Entity, opened: _Opened) -> bool:
        """Whether it stays a link; one that Telegram wouldn't take leaves plain text."""
        named = self._at(0) == "("
        url = self._address() if named else "".join(self._text[opened.text_start :])
        user_id = linked_user_id(url)
        if user_id is not None:
            entity.type, entity.user = "text_mention", {"id": user_id}
            return True
        try:
            entity.url = check_link(url)
        except LinkRefused:
            return False
        return True

    def _read_emoji(self, entity: Entity) -> bool:
        if self._at(0) != "(":
            raise MarkupBroken("The entity must contain a tg://emoji or tg://time URL")
        url = self._address()
        emoji = _EMOJI_LINK.match(url)
        time = _TIME_LINK.match(url)
        if emoji is not None:
            entity.custom_emoji_id = emoji[1]
        elif time is not None:
            _read_time(entity, time[1])
        else:
            raise MarkupBroken("Invalid tg://emoji or tg://time URL specified")
        return True

    def _address(self) -> str:
        """What stands in the parentheses here, with its escapes undone."""
        self._position += 1
        start = self._position
        address = ""
        while self._at(0) not in (")", ""):
            if self._at(0) == "\\" and "\0" < self._at(1) <= _HIGHEST_ESCAPED:
                self._position += 1
            address += self._at(0)
            self._position += 1
        if not self._at(0):
            raise MarkupBroken(f"Can't find end of a URL at byte offset {self._bytes(start)}")
        self._position += 1
        return address

    def _no_end(self, opened: _Opened) -> MarkupBroken:
        name = "PreCode" if opened.language else _TDLIB_NAME[opened.type]
        start = self._bytes(opened.start)
        return MarkupBroken(f"Can't find end of {name} entity at byte offset {start}")

    def _bytes(self, position: int) -> int:
        return len(self._markup[:position].encode("utf-8", "surrogatepass"))


def _read_time(entity: Entity, query: str) -> None:
    parameters = dict(part.partition("=")[::2] for part in query.split("&"))
    unix_time = parameters.get("unix", "")
    if not (unix_time.isascii() and unix_time.isdigit() and int(unix_time)):
        raise MarkupBroken("Invalid tg://emoji or tg://time URL specified")
    check_date_format(parameters.get("format", ""))
    entity.type = "date_time"
    entity.unix_time = int(unix_time)
    entity.date_time_format = parameters.get("format") or None
