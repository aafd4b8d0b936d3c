"""What both grammars build: text with slots in it, and entities that nest as Telegram allows."""

import re
from itertools import pairwise
from typing import NamedTuple

from skua_core.domain.content import ENTITY_LIMIT, EntityType
from skua_core.domain.markup.cleaning import TRIMMED, clean, shorten_direction_runs
from skua_core.domain.markup.errors import MarkupInvalid, Place, TooManyEntities
from skua_core.domain.markup.links import Details

SLOT_MARK = "\0"
"""Stands for one slot in a parsed text; clean text has none of its own."""

SLOT_LIMIT = 100
NESTING_LIMIT = 30

STYLES = frozenset(
    {
        EntityType.BOLD,
        EntityType.ITALIC,
        EntityType.UNDERLINE,
        EntityType.STRIKETHROUGH,
        EntityType.SPOILER,
    }
)
QUOTES = frozenset({EntityType.BLOCKQUOTE, EntityType.EXPANDABLE_BLOCKQUOTE})
UNSTYLED = frozenset({EntityType.CODE, EntityType.PRE, EntityType.DATE_TIME})
"""Hold plain text only; a style around one is interrupted there."""

_WHOLE = UNSTYLED | {EntityType.TEXT_LINK, EntityType.CUSTOM_EMOJI}
"""Can't hold each other, nor a quotation."""

_SLOT = re.compile(
    r"""\{\{[^\S\n]*+((?:[^"'{}\n]|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\{(?!\{)|\}(?!\}))*)\}\}"""
)


class SourceSlot(NamedTuple):
    expression: str
    offset: int
    """Of its first word in the source; the braces are ahead of it."""


class Span(NamedTuple):
    """An entity over a parsed text, in characters."""

    type: EntityType
    start: int
    end: int
    details: Details


class ParsedText(NamedTuple):
    """No blanks at either end, a mark for each slot."""

    text: str
    slots: list[SourceSlot]
    spans: list[Span]
    """Outer before inner; one is inside another or apart from it."""


class OpenSpan(NamedTuple):
    type: EntityType
    label: str
    start: int
    offset: int
    """Where its beginning stands in the source."""

    details: Details


class TextBuilder:
    def __init__(self, source: str) -> None:
        self._source = source
        self._parts: list[str] = []
        self._slots: list[SourceSlot] = []
        self._spans: list[Span] = []
        self.open_spans: list[OpenSpan] = []
        self.length = 0

    def fail(self, offset: int, problem: str, hint: str) -> MarkupInvalid:
        return MarkupInvalid(Place.of(self._source, offset), problem, hint)

    def add_text(self, text: str) -> None:
        text = clean(text)
        self._parts.append(text)
        self.length += len(text)

    def add_slot(self, offset: int) -> int:
        """Take the slot that begins at this offset; return the offset behind it."""
        match = _SLOT.match(self._source, offset)
        if match is None:
            raise self._broken_braces(offset)
        if len(self._slots) == SLOT_LIMIT:
            raise self.fail(
                offset, f"this is placeholder number {SLOT_LIMIT + 1}", "Use fewer of them"
            )
        self._slots.append(SourceSlot(match[1], match.start(1)))
        self._parts.append(SLOT_MARK)
        self.length += 1
        return match.end()

    def _broken_braces(self, offset: int) -> MarkupInvalid:
        if self._source.startswith("{{", offset):
            return self.fail(
                offset,
                "`{{` is never closed",
                "Close it with `}}` on the same line, and each quote inside with the same quote",
            )
        return self.fail(
            offset,
            f"`{self._source[offset : offset + 2]}` begins something that messages don't have",
            'Use placeholders only, or write {{ "{" }} for a plain brace',
        )

    def open(
        self, kind: EntityType, label: str, offset: int, details: Details | None = None
    ) -> None:
        """Begin an entity; the label is how the operator wrote it."""
        if len(self.open_spans) == NESTING_LIMIT:
            raise self.fail(offset, "the formatting is nested too deeply", "Close something first")
        for outer in self.open_spans:
            if not _may_hold(outer.type, kind):
                raise self.fail(
                    offset,
                    f"{quoted(label)} can't stand inside {quoted(outer.label)}",
                    f"Close {quoted(outer.label)} first",
                )
        self.open_spans.append(OpenSpan(kind, label, self.length, offset, details or Details()))

    def close(self, kind: EntityType | None = None, details: Details | None = None) -> None:
        """End the innermost entity; kind and details may become known only here."""
        span = self.open_spans.pop()
        kind = kind or span.type
        repeated = kind in STYLES and any(outer.type is kind for outer in self.open_spans)
        if self.length > span.start and not repeated:
            self._spans.append(Span(kind, span.start, self.length, details or span.details))

    def discard(self) -> None:
        """Forget the innermost entity: its beginning turned out to be something else."""
        self.open_spans.pop()

    def finish(self) -> ParsedText:
        """Raises TooManyEntities."""
        if len(self._spans) > ENTITY_LIMIT:
            raise TooManyEntities(len(self._spans), ENTITY_LIMIT)
        text = shorten_direction_runs("".join(self._parts))
        spans = [piece for span in self._spans for piece in self._interrupted(span)]
        # An outer span is closed after what it holds, so of equal ones the later is the outer.
        spans.reverse()
        spans.sort(key=lambda span: (span.start, -span.end))
        return _without_outer_blanks(ParsedText(text, self._slots, spans))

    def _interrupted(self, span: Span) -> list[Span]:
        """Cut code out of a style around it, and the style at a quotation's ends, as Telegram."""
        if span.type not in STYLES:
            return [span]
        edges = {span.start, span.end}
        holes = []
        for inner in self._spans:
            if span.start <= inner.start and inner.end <= span.end:
                if inner.type in UNSTYLED:
                    holes.append(inner)
                if inner.type in UNSTYLED | QUOTES:
                    edges |= {inner.start, inner.end}
        return [
            span._replace(start=start, end=end)
            for start, end in pairwise(sorted(edges))
            if not any(hole.start <= start < hole.end for hole in holes)
        ]


def quoted(markup: str) -> str:
    return f"'{markup}'" if "`" in markup else f"`{markup}`"


def _without_outer_blanks(parsed: ParsedText) -> ParsedText:
    text = parsed.text.strip(TRIMMED)
    ahead = len(parsed.text) - len(parsed.text.lstrip(TRIMMED))
    spans = (
        span._replace(start=max(span.start - ahead, 0), end=min(span.end - ahead, len(text)))
        for span in parsed.spans
    )
    return ParsedText(text, parsed.slots, [span for span in spans if span.start < span.end])


def _may_hold(outer: EntityType, inner: EntityType) -> bool:
    if outer in UNSTYLED:
        return False
    if outer in _WHOLE:
        return inner in STYLES
    return not (outer in QUOTES and inner in QUOTES)
