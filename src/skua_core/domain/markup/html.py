"""Telegram's HTML: few tags, all of them closed, and four named entities."""

import re
from typing import NamedTuple

from skua_core.domain.content import EntityType
from skua_core.domain.markup.builder import ParsedText, TextBuilder
from skua_core.domain.markup.links import Details, custom_emoji, date_time, problem_with_link

_TAGS = {
    "b": EntityType.BOLD,
    "strong": EntityType.BOLD,
    "i": EntityType.ITALIC,
    "em": EntityType.ITALIC,
    "u": EntityType.UNDERLINE,
    "ins": EntityType.UNDERLINE,
    "s": EntityType.STRIKETHROUGH,
    "strike": EntityType.STRIKETHROUGH,
    "del": EntityType.STRIKETHROUGH,
    "tg-spoiler": EntityType.SPOILER,
    "span": EntityType.SPOILER,
    "blockquote": EntityType.BLOCKQUOTE,
    "code": EntityType.CODE,
    "pre": EntityType.PRE,
    "a": EntityType.TEXT_LINK,
    "tg-emoji": EntityType.CUSTOM_EMOJI,
    "tg-time": EntityType.DATE_TIME,
}
_ATTRIBUTES = {
    "span": ("class",),
    "blockquote": ("expandable",),
    "code": ("class",),
    "a": ("href",),
    "tg-emoji": ("emoji-id",),
    "tg-time": ("unix", "format"),
}
_HINTS = {
    "br": "Write a line break instead",
    "p": "Write an empty line instead",
    "div": "Write a line break instead",
    "li": "Write • in front of each line instead",
    "h1": "Use `<b>` instead",
    "h2": "Use `<b>` instead",
    "h3": "Use `<b>` instead",
    "img": "Telegram shows no pictures inside a text",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_LANGUAGE = "language-"
_PARTIAL_CODE = (
    "`<code>` inside `<pre>` must hold the whole block",
    "Leave nothing between `<pre>` and `<code>`, nor between `</code>` and `</pre>`",
)

_SPECIAL = re.compile(r"[<&]|\{[{%#]")
_ENTITY = re.compile(
    r"&(?:#x(?P<hex>[0-9A-Fa-f]+)|#(?P<dec>[0-9]+)|(?P<name>[A-Za-z][A-Za-z0-9]*))(?P<end>;?)"
)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)")
_ATTRIBUTE = re.compile(r"""\s+([A-Za-z-]+)(?:\s*=\s*("[^"]*"|'[^']*'|[A-Za-z0-9.-]+))?""")
_TAG_END = re.compile(r"\s*>")


class _Tag(NamedTuple):
    name: str
    attributes: dict[str, str]
    offset: int
    """Where it stands in the source."""

    start: int
    """How much text is ahead of it."""


def parse_html(source: str) -> ParsedText:
    """Raises MarkupInvalid and TooManyEntities."""
    return _HtmlParser(source).parse()


class _HtmlParser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._builder = TextBuilder(source)
        self._tags: list[_Tag] = []
        self._end_of_code_in_pre: int | None = None
        self._language = ""

    def parse(self) -> ParsedText:
        position = 0
        while special := _SPECIAL.search(self._source, position):
            self._builder.add_text(self._source[position : special.start()])
            position = self._take(special)
        self._builder.add_text(self._source[position:])
        if self._tags:
            tag = self._tags[-1]
            raise self._builder.fail(
                tag.offset, f"`<{tag.name}>` is never closed", f"Close it with `</{tag.name}>`"
            )
        return self._builder.finish()

    def _take(self, special: re.Match[str]) -> int:
        offset = special.start()
        if special[0].startswith("{"):
            return self._builder.add_slot(offset)
        if special[0] == "&":
            text, end = self._decode(offset)
            self._builder.add_text(text)
            return end
        return self._take_tag(offset)

    def _decode(self, offset: int) -> tuple[str, int]:
        """Read an entity; an ampersand that begins none stands for itself, as in Telegram."""
        entity = _ENTITY.match(self._source, offset)
        if entity is None:
            return "&", offset + 1
        name = entity["name"]
        if not entity["end"]:
            if name and name not in _NAMED:
                return "&", offset + 1
            raise self._builder.fail(
                offset, f"`{entity[0]}` lacks its semicolon", f"Write `{entity[0]};`, or `&amp;`"
            )
        character = _NAMED.get(name) if name else _numbered(entity)
        if character is None:
            raise self._builder.fail(
                offset,
                f"Telegram doesn't know `{entity[0]}`",
                "Write the character itself; only &lt; &gt; &amp; &quot; have names",
            )
        return character, entity.end()

    def _take_tag(self, offset: int) -> int:
        tag = _TAG.match(self._source, offset)
        if tag is None:
            raise self._builder.fail(offset, "`<` begins no tag here", "Write `&lt;` for the sign")
        name = tag[2].lower()
        if name not in _TAGS:
            hint = _HINTS.get(name, "Remove it, or write `&lt;` for a plain `<`")
            raise self._builder.fail(offset, f"Telegram has no tag `<{tag[1]}{name}>`", hint)
        if tag[1]:
            end = self._end_of_tag(offset, name, tag.end())
            self._close(name, offset)
            return end
        attributes, position = self._attributes(name, tag.end())
        end = self._end_of_tag(offset, name, position)
        self._open(_Tag(name, attributes, offset, self._builder.length))
        return end

    def _attributes(self, name: str, position: int) -> tuple[dict[str, str], int]:
        attributes: dict[str, str] = {}
        while attribute := _ATTRIBUTE.match(self._source, position):
            key = attribute[1].lower()
            if key not in _ATTRIBUTES.get(name, ()):
                raise self._builder.fail(
                    attribute.start(1), f"`<{name}>` has no attribute `{key}`", "Remove it"
                )
            attributes[key] = self._attribute_value(attribute)
            position = attribute.end()
        return attributes, position

    def _attribute_value(self, attribute: re.Match[str]) -> str:
        raw = attribute[2] or ""
        if "{{" in raw:
            raise self._builder.fail(
                attribute.start(2),
                "a placeholder can't stand inside a tag",
                "Put it into the text",
            )
        if not raw.startswith(('"', "'")):
            return raw
        value = ""
        position, end = attribute.start(2) + 1, attribute.end(2) - 1
        while (ampersand := self._source.find("&", position, end)) >= 0:
            character, after = self._decode(ampersand)
            value += self._source[position:ampersand] + character
            position = after
        return value + self._source[position:end]

    def _end_of_tag(self, offset: int, name: str, position: int) -> int:
        end = _TAG_END.match(self._source, position)
        if end is None:
            raise self._builder.fail(
                offset, f"the tag `<{name}` has no proper end", "Look for a missing `>` or quote"
            )
        return end.end()

    def _open(self, tag: _Tag) -> None:
        outer = self._tags[-1] if self._tags else None
        self._tags.append(tag)
        if problem := self._problem_with(tag, outer):
            raise self._builder.fail(tag.offset, *problem)
        if not self._innermost_is_code_in_pre():
            kind = _TAGS[tag.name]
            if "expandable" in tag.attributes:
                kind = EntityType.EXPANDABLE_BLOCKQUOTE
            self._builder.open(kind, f"<{tag.name}>", tag.offset, _details(tag))

    def _innermost_is_code_in_pre(self) -> bool:
        """``<pre><code class="language-…">`` is one block, and its ``<code>`` no entity."""
        return [tag.name for tag in self._tags[-2:]] == ["pre", "code"]

    def _problem_with(self, tag: _Tag, outer: _Tag | None) -> tuple[str, str] | None:
        if tag.name == "span" and tag.attributes.get("class") != "tg-spoiler":
            return "`<span>` is known as a spoiler only", 'Write `<span class="tg-spoiler">`'
        if tag.name == "code":
            return self._problem_with_code(tag, outer)
        if tag.name == "a":
            problem = problem_with_link(tag.attributes.get("href", ""))
            return (f"the link has no usable address: {problem}", "Correct it") if problem else None
        if _details(tag) is None:
            expected = 'emoji-id="…"' if tag.name == "tg-emoji" else 'unix="…" format="wDT"'
            return f"`<{tag.name}>` doesn't say what to show", f"Write `<{tag.name} {expected}>`"
        return None

    def _problem_with_code(self, tag: _Tag, outer: _Tag | None) -> tuple[str, str] | None:
        if outer is not None and outer.name == "pre":
            if tag.start != outer.start or self._end_of_code_in_pre is not None:
                return _PARTIAL_CODE
            if not tag.attributes.get("class", _LANGUAGE).startswith(_LANGUAGE):
                return f"the class of `<code>` isn't `{_LANGUAGE}…`", "Correct it"
        elif tag.attributes:
            return (
                "`<code>` takes a language only right inside `<pre>`",
                f'Write `<pre><code class="{_LANGUAGE}…">`, or leave the class out',
            )
        return None

    def _close(self, name: str, offset: int) -> None:
        if not self._tags:
            raise self._builder.fail(offset, f"`</{name}>` closes nothing", "Remove it")
        tag = self._tags[-1]
        if tag.name != name:
            raise self._builder.fail(
                offset,
                f"`</{name}>` stands where `</{tag.name}>` is due",
                "Close first what was opened last",
            )
        if self._innermost_is_code_in_pre():
            self._end_of_code_in_pre = self._builder.length
            self._language = tag.attributes.get("class", "").removeprefix(_LANGUAGE)
        elif name == "pre":
            self._close_pre(offset)
        else:
            self._builder.close()
        self._tags.pop()

    def _close_pre(self, offset: int) -> None:
        if self._end_of_code_in_pre not in {None, self._builder.length}:
            raise self._builder.fail(offset, *_PARTIAL_CODE)
        self._builder.close(details={"language": self._language} if self._language else {})
        self._end_of_code_in_pre = None
        self._language = ""


def _numbered(entity: re.Match[str]) -> str | None:
    try:
        character = chr(int(entity["dec"]) if entity["dec"] else int(entity["hex"], 16))
    except (ValueError, OverflowError):
        return None
    return None if character == "\0" or "\ud800" <= character <= "\udfff" else character


def _details(tag: _Tag) -> Details | None:
    """What a tag says beyond its name; None if it doesn't say what it must."""
    if tag.name == "a":
        return {"url": tag.attributes["href"]}
    if tag.name == "tg-emoji":
        return custom_emoji(tag.attributes.get("emoji-id", ""))
    if tag.name == "tg-time":
        return date_time(tag.attributes.get("unix", ""), tag.attributes.get("format", ""))
    return {}
