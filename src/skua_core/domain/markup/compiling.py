"""From a message source to a compiled message: parse, check, and count as Telegram counts."""

from itertools import accumulate

from skua_core.domain.content import (
    ENTITY_LIMIT,
    TEXT_LIMIT,
    CompiledMessage,
    MessageEntity,
    MessageSource,
    ParseMode,
    RenderedMessage,
    Slot,
    SlotSpan,
    utf16_length,
)
from skua_core.domain.markup.builder import SLOT_MARK, ParsedText, SourceSlot
from skua_core.domain.markup.buttons import check_buttons
from skua_core.domain.markup.cleaning import TRIMMED
from skua_core.domain.markup.errors import MessageTooLong, Place, TooManyEntities
from skua_core.domain.markup.expressions import Understand
from skua_core.domain.markup.filling import trimmed
from skua_core.domain.markup.html import parse_html
from skua_core.domain.markup.markdown_v2 import parse_markdown_v2
from skua_core.domain.markup.plain import parse_plain

_PARSERS = {
    ParseMode.HTML: parse_html,
    ParseMode.MARKDOWN_V2: parse_markdown_v2,
    ParseMode.PLAIN: parse_plain,
}


def compile_message(source: MessageSource, understand: Understand) -> CompiledMessage:
    """As ``Renderer.compile``, for a renderer that understands expressions in its own way."""
    buttons = check_buttons(source.buttons)
    parsed = _PARSERS[source.parse_mode](source.text)
    text = parsed.text.replace(SLOT_MARK, "")
    length = utf16_length(text.strip(TRIMMED))
    if length > TEXT_LIMIT:
        raise MessageTooLong(length, TEXT_LIMIT)
    if len(parsed.spans) > ENTITY_LIMIT:  # some may have been cut in pieces
        raise TooManyEntities(len(parsed.spans), ENTITY_LIMIT)
    entities, slot_spans = _measure(parsed)
    skeleton = RenderedMessage(text, entities, buttons)
    if not parsed.slots:
        return CompiledMessage(trimmed(skeleton))
    positions = [at - index for index, at in enumerate(_marks(parsed.text))]
    slots = tuple(
        _as_slot(source.text, slot, position, understand)
        for slot, position in zip(parsed.slots, positions, strict=True)
    )
    return CompiledMessage(skeleton, slots, slot_spans)


def _marks(text: str) -> list[int]:
    return [index for index, character in enumerate(text) if character == SLOT_MARK]


def _measure(parsed: ParsedText) -> tuple[tuple[MessageEntity, ...], tuple[SlotSpan, ...]]:
    """Turn characters of the parsed text into UTF-16 units without the slots, and slot counts."""
    units = [0 if char == SLOT_MARK else 1 + (char > "\uffff") for char in parsed.text]
    unit_at = list(accumulate(units, initial=0))
    slot_at = list(accumulate((char == SLOT_MARK for char in parsed.text), initial=0))
    entities = tuple(
        MessageEntity(
            span.type,
            unit_at[span.start],
            unit_at[span.end] - unit_at[span.start],
            **span.details,
        )
        for span in parsed.spans
    )
    slot_spans = tuple(
        SlotSpan(slot_at[span.start], slot_at[span.end] - slot_at[span.start])
        for span in parsed.spans
    )
    return entities, slot_spans


def _as_slot(source: str, slot: SourceSlot, position: int, understand: Understand) -> Slot:
    meaning = understand(slot.expression, lambda offset: Place.of(source, slot.offset + offset))
    place = Place.of(source, slot.offset)
    return Slot(slot.expression.strip(), position, meaning.required, place.line, place.column)
