"""Telegram's MarkdownV2, where each reserved character is markup or escaped."""

import re

from skua_core.domain.content import EntityType
from skua_core.domain.markup.builder import UNSTYLED, OpenSpan, ParsedText, TextBuilder, quoted
from skua_core.domain.markup.errors import MarkupInvalid
from skua_core.domain.markup.links import problem_with_link, special_link

_SPECIAL = re.compile(r"[\\_*\[\]()~`>#+\-=|{}.!\n]")
_SPECIAL_IN_CODE = re.compile(r"[\\`]|\{\{")
_PRE_START = re.compile(r"(?:(?P<language>[^\s`{]+)(?=\s))?(?:\r\n|\n\r|\n|\r)?")
_ADDRESS = re.compile(r"\(((?:[^\\)]|\\.)*)\)", re.DOTALL)
_ESCAPE = re.compile(r"\\([\x01-\x7e])")

_MARKERS = {
    "*": EntityType.BOLD,
    "__": EntityType.UNDERLINE,
    "_": EntityType.ITALIC,
    "~": EntityType.STRIKETHROUGH,
    "||": EntityType.SPOILER,
    "```": EntityType.PRE,
    "`": EntityType.CODE,
    "![": EntityType.CUSTOM_EMOJI,
    "[": EntityType.TEXT_LINK,
}
_CLOSING = {"![": "]", "[": "]"}


def parse_markdown_v2(source: str) -> ParsedText:
    """Raises MarkupInvalid and TooManyEntities."""
    return _MarkdownParser(source).parse()


class _MarkdownParser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._builder = TextBuilder(source)
        self._in_quote = False
        self._at_line_start = True
        """Nothing visible since the line began, so that ``>`` begins or continues a quotation."""

    def parse(self) -> ParsedText:
        position = 0
        while special := self._special().search(self._source, position):
            self._add_text(self._source[position : special.start()])
            position = self._take(special.start())
        self._add_text(self._source[position:])
        if self._in_quote:
            self._close_quote(len(self._source))
        if self._builder.open_spans:
            raise self._never_closed(self._builder.open_spans[-1])
        return self._builder.finish()

    def _special(self) -> re.Pattern[str]:
        innermost = self._innermost()
        return _SPECIAL_IN_CODE if innermost and innermost.type in UNSTYLED else _SPECIAL

    def _innermost(self) -> OpenSpan | None:
        return self._builder.open_spans[-1] if self._builder.open_spans else None

    def _add_text(self, text: str, *, ends_line: bool = False) -> None:
        self._builder.add_text(text)
        if text.strip("\r"):
            self._at_line_start = ends_line

    def _take(self, offset: int) -> int:
        if self._source[offset] == "\\":
            escape = _ESCAPE.match(self._source, offset)
            text = escape[1] if escape else "\\"
            self._add_text(text, ends_line=text == "\n")
            return escape.end() if escape else offset + 1
        if self._source.startswith("{{", offset):
            self._at_line_start = False
            return self._builder.add_slot(offset)
        if self._source[offset] == "\n":
            return self._take_line_break(offset)
        if self._source[offset] == ">" and self._at_line_start:
            return self._take_quote_mark(offset)
        if end := self._close_innermost(offset):
            return end
        return self._open(offset)

    def _take_line_break(self, offset: int) -> int:
        quote_ends = self._in_quote and not self._source.startswith(">", offset + 1)
        if not quote_ends:
            self._add_text("\n", ends_line=True)
            return offset + 1
        # Telegram counts the line break at its end as a part of the quotation.
        expandable = self._drop_expandable_mark(offset)
        self._add_text("\n", ends_line=True)
        self._close_quote(offset, expandable=expandable)
        return offset + 1

    def _take_quote_mark(self, offset: int) -> int:
        if not self._in_quote:
            self._builder.open(EntityType.BLOCKQUOTE, ">", offset)
            self._in_quote = True
        return offset + 1

    def _drop_expandable_mark(self, end: int) -> bool:
        """Whether the quotation ends in ``||`` with nothing open that it could close."""
        innermost = self._innermost()
        if innermost is None or innermost.label != "||":
            return False
        if self._source[innermost.offset : end].rstrip("\r") != "||":
            return False
        self._builder.discard()
        return True

    def _close_quote(self, end: int, *, expandable: bool = False) -> None:
        expandable = expandable or self._drop_expandable_mark(end)
        innermost = self._builder.open_spans[-1]
        if innermost.type is not EntityType.BLOCKQUOTE:
            raise self._builder.fail(
                innermost.offset,
                f"{quoted(innermost.label)} is never closed in its quotation",
                f"Close it before the quotation ends, or write \\{innermost.label[0]}",
            )
        self._builder.close(EntityType.EXPANDABLE_BLOCKQUOTE if expandable else None)
        self._in_quote = False

    def _close_innermost(self, offset: int) -> int | None:
        innermost = self._innermost()
        if innermost is None or innermost.type is EntityType.BLOCKQUOTE:
            return None
        closing = _CLOSING.get(innermost.label, innermost.label)
        if not self._source.startswith(closing, offset):
            return None
        if closing == "_" and self._source.startswith("__", offset):
            return None  # `__` is always underline
        end = offset + len(closing)
        if closing == "]":
            return self._close_link(innermost, end)
        self._builder.close()
        return end

    def _close_link(self, span: OpenSpan, offset: int) -> int:
        address = _ADDRESS.match(self._source, offset)
        if address is None:
            raise self._builder.fail(
                span.offset,
                f"no address follows the text that `{span.label}` begins",
                f"Write `{span.label}text](https://…)`, or `\\{span.label[0]}` for the sign",
            )
        if "{{" in address[1]:
            raise self._builder.fail(
                address.start(1),
                "a placeholder can't stand in an address",
                "Put it into the text",
            )
        url = _ESCAPE.sub(r"\1", address[1])
        if span.type is EntityType.CUSTOM_EMOJI:
            special = special_link(url)
            if special is None:
                raise self._builder.fail(
                    address.start(1),
                    "`![…](…)` shows a custom emoji or a time, and this address is neither",
                    "Write tg://emoji?id=… or tg://time?unix=…&format=wDT",
                )
            self._builder.close(*special)
        elif problem := problem_with_link(url):
            raise self._builder.fail(
                address.start(1), f"the link has no usable address: {problem}", "Correct it"
            )
        else:
            self._builder.close(details={"url": url})
        return address.end()

    def _open(self, offset: int) -> int:
        for marker, kind in _MARKERS.items():
            if not self._source.startswith(marker, offset):
                continue
            end = offset + len(marker)
            start = _PRE_START.match(self._source, end) if kind is EntityType.PRE else None
            language = start["language"] if start else None
            self._builder.open(kind, marker, offset, {"language": language} if language else None)
            return start.end() if start else end
        sign = self._source[offset]
        raise self._builder.fail(
            offset, f"`{sign}` is reserved in MarkdownV2", f"Write `\\{sign}` for the sign itself"
        )

    def _never_closed(self, span: OpenSpan) -> MarkupInvalid:
        closing = _CLOSING.get(span.label, span.label)
        return self._builder.fail(
            span.offset,
            f"{quoted(span.label)} is never closed",
            f"Close it with {quoted(closing)}, or write \\{span.label[0]} for the sign itself",
        )
