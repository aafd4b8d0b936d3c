"""What a text is after Telegram has parsed, cleaned, trimmed and measured it."""

import re
from bisect import bisect_left
from collections.abc import Callable

import msgspec

from .entities import Entity, check_entities, moved, read_entities, tidy, utf16_length
from .html_markup import MarkupBroken, parse_html
from .markdown_markup import parse_markdown
from .refusals import bad_request

LONGEST_TEXT = 4096
"""UTF-16 code units, after parsing."""
LONGEST_CAPTION = 1024
"""Likewise."""
_LONGEST_SOURCE = 1 << 15
"""Bytes, before parsing."""
_MOST_ENTITIES = 100
_PARSERS: dict[str, Callable[[str], tuple[str, list[Entity]]]] = {
    "html": parse_html,
    "markdownv2": parse_markdown,
}
_REMOVED = re.compile("[\r\u2028-\u202e\u0333\u033f\u030a]")
"""TDLib takes them out: carriage returns, directions, and lines drawn over or under text."""
_DIRECTIONS = re.compile("[\u200e\u200f]+(?=[\u200e\u200f])")
"""Marks of which only the last of a run counts; a zero-width non-joiner replaces the others."""
_INVISIBLE = re.compile(
    "[ \n\u00a0\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2800\u3000\ufeff\ufffc"
    "\U000e0000-\U000e007f]*\\Z"
)
_BLANKED = re.compile("[\0-\x09\x0b-\x1f]")
_UNCLEAN = re.compile(f"{_REMOVED.pattern}|{_DIRECTIONS.pattern}|{_BLANKED.pattern}")


class FormattedText(msgspec.Struct):
    text: str
    entities: list[Entity]


def read_text(text: str, parse_mode: str, entities: object) -> FormattedText:
    """Parse what a caller sent. Raises ``Refusal``; says nothing about the length yet."""
    if not text:
        raise bad_request("message text is empty")
    return _read(text, parse_mode, entities)


def read_caption(caption: str, parse_mode: str, entities: object) -> FormattedText:
    """As ``read_text``; a caption may be empty."""
    return _read(caption, parse_mode, entities) if caption else FormattedText("", [])


def finish_text(formatted: FormattedText) -> FormattedText:
    """The text as it is stored. Raises ``Refusal`` when it's empty, too long or doesn't fit its
    entities."""
    check_entities(formatted.text, formatted.entities)
    finished = _trim(_clean(formatted))
    if _INVISIBLE.match(finished.text):
        raise bad_request("text must be non-empty")
    if utf16_length(finished.text) > LONGEST_TEXT:
        raise bad_request("message is too long")
    finished.entities = tidy(finished.entities)[:_MOST_ENTITIES]
    return finished


def finish_caption(formatted: FormattedText) -> FormattedText:
    """The caption as it is stored. Raises ``Refusal``."""
    check_entities(formatted.text, formatted.entities)
    finished = _trim(_clean(formatted))
    if _INVISIBLE.match(finished.text):
        return FormattedText("", [])
    if utf16_length(finished.text) > LONGEST_CAPTION:
        raise bad_request("message caption is too long")
    finished.entities = tidy(finished.entities)[:_MOST_ENTITIES]
    return finished


def _read(text: str, parse_mode: str, entities: object) -> FormattedText:
    if len(text.encode("utf-8", "surrogatepass")) > _LONGEST_SOURCE:
        raise bad_request("text is too long")
    mode = parse_mode.lower()
    if mode in ("", "none"):
        return FormattedText(text, read_entities(entities))
    if mode not in _PARSERS:
        raise bad_request("unsupported parse_mode")
    try:
        return FormattedText(*_PARSERS[mode](text))
    except MarkupBroken as problem:
        raise bad_request(f"can't parse entities: {problem}") from problem


def _clean(formatted: FormattedText) -> FormattedText:
    if not _UNCLEAN.search(formatted.text):
        return formatted
    text = _BLANKED.sub(" ", _REMOVED.sub("", formatted.text))
    text = _DIRECTIONS.sub(lambda marks: "\u200c" * len(marks[0]), text)
    entities = formatted.entities
    if entities and len(text) != len(formatted.text):
        # Every removed character is one UTF-16 unit.
        removed = [
            utf16_length(formatted.text[: match.start()])
            for match in _REMOVED.finditer(formatted.text)
        ]
        entities = [
            moved(
                entity,
                entity.offset - bisect_left(removed, entity.offset),
                entity.end - bisect_left(removed, entity.end),
            )
            for entity in entities
        ]
    return FormattedText(text, entities)


def _trim(formatted: FormattedText) -> FormattedText:
    """Spaces and line ends go from both ends, in front only up to the first entity."""
    text = formatted.text.rstrip(" \n")
    if text == formatted.text and text[:1] not in (" ", "\n"):
        return FormattedText(text, [entity for entity in formatted.entities if entity.length])
    end = utf16_length(text)
    entities = [
        moved(entity, min(entity.offset, end), min(entity.end, end))
        for entity in formatted.entities
    ]
    kept = [entity for entity in entities if entity.length]
    in_front = len(text) - len(text.lstrip(" \n"))
    in_front = min([in_front, *(entity.offset for entity in kept)])
    if in_front:
        kept = [moved(entity, entity.offset - in_front, entity.end - in_front) for entity in kept]
    return FormattedText(text[in_front:], kept)
