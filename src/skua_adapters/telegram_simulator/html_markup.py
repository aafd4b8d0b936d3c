"""Telegram's HTML, read as strictly as Telegram reads it."""

import re
from typing import NoReturn

import msgspec

from .entities import Entity, is_date_format, utf16_length
from .links import LinkRefused, check_link, linked_user_id

_SPACE = " \t\r\n\0\v"
_TYPE_OF_TAG = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "blockquote": "blockquote",
    "pre": "pre",
    "code": "code",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
_REFERENCE = re.compile(r"&(?:#x(?P<hex>[0-9a-fA-F]*)|#(?P<dec>[0-9]*)|(?P<name>[A-Za-z]*));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_HIGHEST_CODE = 0x10FFFF
_LONGEST_REFERENCE = 10
_PLAIN = re.compile(r"[^<&]+")
_TAG_NAME = re.compile(rf"[^{_SPACE}>]*")
_SPACES = re.compile(rf"[{_SPACE}]*")
_ATTRIBUTE_NAME = re.compile(rf"[^{_SPACE}=>/\"']*")
_NAME_TOKEN = re.compile(r"[A-Za-z0-9.-]*")


class MarkupBroken(Exception):
    """Its text says what is wrong and at which byte, in TDLib's words."""


class _OpenTag(msgspec.Struct):
    name: str
    attributes: dict[str, str]
    text_start: int
    offset: int


def parse_html(markup: str) -> tuple[str, list[Entity]]:
    """Raises ``MarkupBroken``."""
    return _HtmlParser(markup).parse()


class _HtmlParser:
    def __init__(self, markup: str) -> None:
        self._markup = markup
        self._position = 0
        self._text: list[str] = []
        self._units = 0
        self._open: list[_OpenTag] = []
        self._entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        while self._position < len(self._markup):
            match self._markup[self._position]:
                case "&":
                    self._emit(self._reference())
                case "<" if self._markup.startswith("</", self._position):
                    self._close_tag()
                case "<":
                    self._open_tag()
                case _:
                    self._emit(self._take(_PLAIN))
        if self._open:
            name = self._open[-1].name
            raise MarkupBroken(f'Can\'t find end tag corresponding to start tag "{name}"')
        for entity in self._entities:
            if entity.type == "code":
                # A language counts only where ``<pre>`` surrounds ``<code>``.
                entity.language = None
        return _join_surrogates("".join(self._text)), self._entities

    def _emit(self, text: str) -> None:
        self._text.append(text)
        self._units += utf16_length(text)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._markup, self._position)
        taken = match[0] if match else ""
        self._position += len(taken)
        return taken

    def _peek(self) -> str:
        return self._markup[self._position : self._position + 1]

    def _fail(self, problem: str, position: int, more: str = "") -> NoReturn:
        offset = len(self._markup[:position].encode("utf-8", "surrogatepass"))
        raise MarkupBroken(f"{problem} at byte offset {offset}{more}")

    def _reference(self) -> str:
        """The character that ``&…;`` stands for, or the ampersand itself where it is none."""
        match = _REFERENCE.match(self._markup, self._position)
        character = _referred(match) if match else ""
        if match is None or not character:
            self._position += 1
            return "&"
        self._position = match.end()
        return character

    def _open_tag(self) -> None:
        start = self._position
        self._position += 1
        name = self._take(_TAG_NAME).lower()
        if not self._peek():
            self._fail("Unclosed start tag", start)
        if name not in _TYPE_OF_TAG:
            self._fail(f'Unsupported start tag "{name}"', start)
        attributes = self._attributes(name, start)
        if name == "span" and attributes.get("class") != "tg-spoiler":
            self._fail('Tag "span" must have class "tg-spoiler"', start)
        self._position += 1
        self._open.append(_OpenTag(name, attributes, len(self._text), self._units))

    def _attributes(self, tag: str, start: int) -> dict[str, str]:
        """Those of a start tag, leaving the position on its ``>``."""
        attributes: dict[str, str] = {}
        while True:
            self._take(_SPACES)
            if self._peek() == ">":
                return attributes
            if not self._peek():
                self._fail(f'Unclosed start tag "{tag}"', start)
            name = self._take(_ATTRIBUTE_NAME)
            if not name:
                self._fail(f'Empty attribute name in the tag "{tag}"', start)
            self._take(_SPACES)
            if self._peek() == "=":
                self._position += 1
                attributes[name] = self._attribute_value(tag, start)
            elif not self._peek():
                self._fail(f'Unclosed start tag "{tag}"', start)
            else:
                attributes[name] = ""

    def _attribute_value(self, tag: str, start: int) -> str:
        self._take(_SPACES)
        if not self._peek():
            self._fail(f'Unclosed start tag "{tag}"', start)
        if self._peek() in "\"'":
            value = self._quoted_value()
        else:
            token_start = self._position
            value = self._take(_NAME_TOKEN).lower()
            if self._peek() and self._peek() not in _SPACE + ">":
                self._fail("Unexpected end of name token", token_start)
        if not self._peek():
            self._fail("Unclosed start tag", start)
        return value

    def _quoted_value(self) -> str:
        quote = self._peek()
        self._position += 1
        value = ""
        while self._peek() not in (quote, ""):
            if self._peek() == "&":
                value += self._reference()
            else:
                value += self._peek()
                self._position += 1
        self._position += 1
        return value

    def _close_tag(self) -> None:
        start = self._position
        if not self._open:
            self._fail("Unexpected end tag", start)
        self._position += 2
        name = self._take(_TAG_NAME).lower()
        self._take(_SPACES)
        if self._peek() != ">":
            self._fail("Unclosed end tag", start)
        self._position += 1
        opened = self._open[-1]
        if name not in ("", opened.name):
            more = f', expected "</{opened.name}>", found "</{name}>"'
            self._fail("Unmatched end tag", start, more)
        self._open.pop()
        if self._units > opened.offset:
            self._add_entity(opened)

    def _add_entity(self, tag: _OpenTag) -> None:
        entity = Entity(
            type=_TYPE_OF_TAG[tag.name], offset=tag.offset, length=self._units - tag.offset
        )
        match tag.name:
            case "a":
                self._add_link(entity, tag)
                return
            case "tg-emoji":
                entity.custom_emoji_id = _custom_emoji_id(tag.attributes.get("emoji-id", ""))
            case "tg-time":
                if not _read_date(entity, tag.attributes):
                    return
            case "blockquote" if "expandable" in tag.attributes:
                entity.type = "expandable_blockquote"
            case "pre" | "code":
                if self._joined_with_code(entity, tag):
                    return
        self._entities.append(entity)

    def _add_link(self, entity: Entity, tag: _OpenTag) -> None:
        """A link that Telegram wouldn't take leaves plain text, without a complaint."""
        url = tag.attributes.get("href") or "".join(self._text[tag.text_start :])
        user_id = linked_user_id(url)
        if user_id is not None:
            entity.type = "text_mention"
            entity.user = {"id": user_id}
        else:
            try:
                entity.url = check_link(url)
            except LinkRefused:
                return
        self._entities.append(entity)

    def _joined_with_code(self, outer: Entity, tag: _OpenTag) -> bool:
        """Whether ``outer`` is half of ``<pre><code class="language-x">``, which is one entity."""
        language = tag.attributes.get("class", "")
        language = language.removeprefix("language-") if language.startswith("language-") else ""
        inner = self._entities[-1] if self._entities else None
        same = inner is not None and (inner.offset, inner.length) == (outer.offset, outer.length)
        if inner is None or not same or {inner.type, outer.type} != {"pre", "code"}:
            outer.language = language or None if tag.name == "code" else None
            return False
        joined_language = language if tag.name == "code" else inner.language
        if not joined_language:
            return False
        inner.type, inner.language = "pre", joined_language
        return True


def _referred(match: re.Match[str]) -> str:
    if match["name"] is not None:
        return _NAMED.get(match["name"], "")
    base, digits = (16, match["hex"]) if match["hex"] is not None else (10, match["dec"])
    code = int(digits, base) if digits else 0
    too_long = len(match[0].removesuffix(";")) >= _LONGEST_REFERENCE
    return "" if code == 0 or code >= _HIGHEST_CODE or too_long else chr(code)


def _join_surrogates(text: str) -> str:
    """Two numeric references may name the halves of one character."""
    if not re.search("[\ud800-\udfff]", text):
        return text
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise MarkupBroken(
            "Text contains invalid Unicode characters after decoding HTML entities, "
            "check for unmatched surrogate code units"
        ) from error


def _custom_emoji_id(text: str) -> str:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise MarkupBroken("Invalid custom emoji identifier specified")
    return str(int(text))


def _read_date(entity: Entity, attributes: dict[str, str]) -> bool:
    unix_time = attributes.get("unix", "")
    date_format = attributes.get("format", "")
    check_date_format(date_format)
    if not (unix_time.isascii() and unix_time.isdigit() and int(unix_time)):
        return False
    entity.unix_time = int(unix_time)
    entity.date_time_format = date_format or None
    return True


def check_date_format(date_format: str) -> None:
    """Raises ``MarkupBroken``."""
    if not is_date_format(date_format):
        raise MarkupBroken("Invalid date-time format specified")
