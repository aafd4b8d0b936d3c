"""The words of what stands between ``{{`` and ``}}``, and the placeholders among them."""

import re
from collections.abc import Callable, Iterable
from enum import Enum
from operator import attrgetter
from typing import NamedTuple

from skua_core.domain.content import Personalisation
from skua_core.domain.markup.cleaning import clean, is_blank
from skua_core.domain.markup.errors import MarkupInvalid, Place, PlaceholderUnknown

Evaluate = Callable[[Personalisation], str]
"""Raises ExpressionFailed."""

Locate = Callable[[int], Place]
"""From an offset in the expression to the place in the source."""


class ExpressionFailed(Exception):
    """Raised while evaluating: these values, or any, give no text. Its renderer says where."""


class Meaning(NamedTuple):
    """What an implementation makes of an expression."""

    evaluate: Evaluate
    required: tuple[str, ...]
    """As in ``Slot.required``."""


Understand = Callable[[str, Locate], Meaning]
"""Raises MarkupInvalid and PlaceholderUnknown."""

FIELDS = ("first_name", "last_name", "username", "language")
PLACEHOLDERS = (*FIELDS, "attributes.<name>")
EXPRESSION_LIMIT = 500

_QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_WORD = re.compile(
    rf"""(?P<blank>\s+)
    |(?P<text>{_QUOTED})
    |(?P<number>\d+)
    |(?P<attribute>attributes\s*(?:\.\s*(?P<bare>\w+)|\[\s*(?P<quoted>{_QUOTED})\s*\]))
    |(?P<name>[^\W\d]\w*)
    |(?P<sign>==|!=|[|~(),:\[\]])""",
    re.VERBOSE | re.ASCII,
)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", '"': '"', "'": "'", "\\": "\\"}


class WordKind(Enum):
    TEXT = "text"
    """Quoted; its value is what the quotes hold."""
    NUMBER = "number"
    NAME = "name"
    SIGN = "sign"
    ATTRIBUTE = "attribute"
    """``attributes.city`` or ``attributes["city"]``; its value is the former."""


class Word(NamedTuple):
    kind: WordKind
    value: str
    offset: int


def read_words(expression: str, locate: Locate) -> list[Word]:
    """At least one. Raises MarkupInvalid for none, and for a character that no expression has."""
    if len(expression) > EXPRESSION_LIMIT:
        raise MarkupInvalid(
            locate(0), f"this placeholder has over {EXPRESSION_LIMIT} characters", "Shorten it"
        )
    words = []
    position = 0
    while position < len(expression):
        match = _WORD.match(expression, position)
        if match is None:
            raise MarkupInvalid(
                locate(position),
                f"`{expression[position]}` can't stand in a placeholder",
                'Write it like {{ first_name | default("friend") }}, with straight quotes',
            )
        if not match["blank"]:
            words.append(_as_word(match, locate))
        position = match.end()
    if not words:
        raise MarkupInvalid(locate(0), "the braces hold nothing", "Name a placeholder in them")
    return words


def _as_word(match: re.Match[str], locate: Locate) -> Word:
    if match["attribute"]:
        name = match["bare"] or _unquote(match["quoted"], match.start("quoted"), locate)
        return Word(WordKind.ATTRIBUTE, f"attributes.{name}", match.start())
    for kind in (WordKind.TEXT, WordKind.NUMBER, WordKind.NAME):
        if match[kind.value] is not None:
            break
    else:
        kind = WordKind.SIGN
    value = _unquote(match[0], match.start(), locate) if kind is WordKind.TEXT else match[0]
    return Word(kind, value, match.start())


def _unquote(quoted: str, offset: int, locate: Locate) -> str:
    def character(escape: re.Match[str]) -> str:
        if escape[1] not in _ESCAPES:
            raise MarkupInvalid(
                locate(offset + escape.start() + 1),
                f"`{escape[0]}` means nothing in a quoted text",
                r"Use \" \' \\ and \n only",
            )
        return _ESCAPES[escape[1]]

    return clean(_ESCAPE.sub(character, quoted[1:-1]))


def reader(placeholder: Word, locate: Locate) -> Evaluate:
    """Read one value of a subscriber, clean; empty when missing. Raises PlaceholderUnknown."""
    if placeholder.kind is WordKind.ATTRIBUTE:
        attribute = placeholder.value.removeprefix("attributes.")
        return lambda values: clean(values.attributes.get(attribute, ""))
    if placeholder.value not in FIELDS:
        raise PlaceholderUnknown(placeholder.value, PLACEHOLDERS, locate(placeholder.offset))
    field = attrgetter(placeholder.value)
    return lambda values: clean(field(values))


def placeholders_in(expression: str) -> frozenset[str]:
    """Of one that was understood: by the names that ``Slot.required`` has for them."""
    words = read_words(expression, lambda offset: Place(1, offset + 1, offset))
    return frozenset(
        word.value
        for word in words
        if word.kind is WordKind.ATTRIBUTE or (word.kind is WordKind.NAME and word.value in FIELDS)
    )


def or_default(value: str, default: str) -> str:
    """The filter of that name: a value of blanks only counts as missing too."""
    return value if value.strip() else default


def required_by(
    placeholders: Iterable[str], filters: Iterable[str], evaluate: Evaluate
) -> tuple[str, ...]:
    """Without a default, and when nothing else shows either, each placeholder leaves a gap."""
    if "default" in filters or not is_blank(evaluate(Personalisation())):
        return ()
    return tuple(dict.fromkeys(placeholders))
