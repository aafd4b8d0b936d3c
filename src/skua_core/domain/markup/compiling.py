"""From a message source to a compiled message: parse, check, and count as Telegram counts."""

from itertools import accumulate

import msgspec

from skua_core.domain.content import (
    ENTITY_LIMIT,
    ButtonAction,
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
from skua_core.domain.markup.buttons import Keyboard, check_buttons
from skua_core.domain.markup.cleaning import LONE_SURROGATE, TRIMMED
from skua_core.domain.markup.errors import MarkupInvalid, MessageTooLong, Place, TooManyEntities
from skua_core.domain.markup.expressions import Understand
from skua_core.domain.markup.filling import trimmed
from skua_core.domain.markup.html import parse_html
from skua_core.domain.markup.markdown_v2 import parse_markdown_v2
from skua_core.domain.markup.parts import check_parts
from skua_core.domain.markup.plain import parse_plain
from skua_core.domain.markup.variants import check_placeholders, check_variants, named_variant

_PARSERS = {
    ParseMode.HTML: parse_html,
    ParseMode.MARKDOWN_V2: parse_markdown_v2,
    ParseMode.PLAIN: parse_plain,
}


def compile_message(source: MessageSource, understand: Understand) -> CompiledMessage:
    """As ``Renderer.compile``, for a renderer that understands expressions in its own way."""
    message, actions = _compile_wording(source, understand, first_number=0)
    variants = {}
    for tag, wording in check_variants(source.variants):
        with named_variant(tag):
            variant, more = _compile_wording(wording, understand, first_number=len(actions))
            check_placeholders(message, variant)
        variants[tag] = variant
        actions += more
    return msgspec.structs.replace(message, variants=variants, actions=actions)


def _compile_wording(
    source: MessageSource, understand: Understand, *, first_number: int
) -> tuple[CompiledMessage, tuple[ButtonAction, ...]]:
    """One wording without its variants, and its actions, of which the first has this number."""
    check_parts(source)
    keyboard = check_buttons(source.buttons, first_number=first_number)
    _require_whole_characters(source.text)
    parsed = _PARSERS[source.parse_mode](source.text)
    if len(parsed.spans) > ENTITY_LIMIT:  # some may have been cut in pieces
        raise TooManyEntities(len(parsed.spans), ENTITY_LIMIT)
    return _as_compiled(source, parsed, keyboard, understand), keyboard.actions


def _as_compiled(
    source: MessageSource, parsed: ParsedText, keyboard: Keyboard, understand: Understand
) -> CompiledMessage:
    entities, slot_spans = _measure(parsed)
    skeleton = RenderedMessage(
        text=parsed.text.replace(SLOT_MARK, ""),
        entities=entities,
        buttons=keyboard.rows,
        media=source.media,
        copied=source.copied,
        options=source.options,
    )
    length = utf16_length(skeleton.text.strip(TRIMMED))
    if length > skeleton.text_limit:
        raise MessageTooLong(length, skeleton.text_limit)
    if not parsed.slots:
        return CompiledMessage(trimmed(skeleton))
    positions = [at - index for index, at in enumerate(_marks(parsed.text))]
    slots = tuple(
        _as_slot(source.text, slot, position, understand)
        for slot, position in zip(parsed.slots, positions, strict=True)
    )
    return CompiledMessage(skeleton, slots, slot_spans)


def _require_whole_characters(text: str) -> None:
    half = LONE_SURROGATE.search(text)
    if half is not None:
        raise MarkupInvalid(
            Place.of(text, half.start()),
            "half a character stands here (a lone surrogate)",
            "Remove it, or save the text as UTF-8",
        )


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
