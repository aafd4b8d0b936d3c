"""From a compiled message and the values of its slots to what leaves."""

from collections.abc import Sequence

from skua_core.domain.content import (
    CompiledMessage,
    MessageEntity,
    Personalisation,
    RenderedMessage,
    Slot,
    utf16_length,
)
from skua_core.domain.markup.cleaning import TRIMMED, is_blank, shorten_direction_runs
from skua_core.domain.markup.errors import (
    MarkupInvalid,
    MessageEmpty,
    MessageTooLong,
    Place,
    PlaceholderFailed,
    PlaceholderUnknown,
)
from skua_core.domain.markup.expressions import Evaluate, ExpressionFailed, Understand

_REMEMBERED = 1000
"""Expressions; those of the messages that are being sent, with room to spare."""


class SlotFiller:
    """Renders compiled messages, and remembers what it understood of their slots."""

    def __init__(self, understand: Understand) -> None:
        self._understand = understand
        self._evaluators: dict[str, Evaluate] = {}

    def render(self, compiled: CompiledMessage, values: Personalisation) -> RenderedMessage:
        """As ``Renderer.render``."""
        if compiled.variants:
            _, compiled = compiled.variant(values.language)
        if not compiled.slots:
            return compiled.skeleton
        return fill(compiled, [self._value(slot, values) for slot in compiled.slots])

    def _value(self, slot: Slot, values: Personalisation) -> str:
        evaluate = self._evaluators.get(slot.expression) or self._remember(slot)
        try:
            return evaluate(values)
        except ExpressionFailed as error:
            raise PlaceholderFailed(slot.line, slot.column, str(error)) from error

    def _remember(self, slot: Slot) -> Evaluate:
        try:
            meaning = self._understand(
                slot.expression, lambda offset: Place(slot.line, slot.column + offset, offset)
            )
        except (MarkupInvalid, PlaceholderUnknown) as error:
            # Another renderer compiled it, or an earlier version of this one.
            raise PlaceholderFailed(slot.line, slot.column, str(error)) from error
        if len(self._evaluators) >= _REMEMBERED:
            self._evaluators.clear()
        self._evaluators[slot.expression] = meaning.evaluate
        return meaning.evaluate


def fill(compiled: CompiledMessage, values: Sequence[str]) -> RenderedMessage:
    """Insert one clean value per slot. Raises MessageEmpty and MessageTooLong."""
    skeleton = compiled.skeleton
    pieces = []
    done = 0
    for slot, value in zip(compiled.slots, values, strict=True):
        pieces.append(skeleton.text[done : slot.position])
        pieces.append(value)
        done = slot.position
    pieces.append(skeleton.text[done:])
    text = shorten_direction_runs("".join(pieces))
    return trimmed(_with_text(skeleton, text, _shifted(compiled, values)))


def _shifted(compiled: CompiledMessage, values: Sequence[str]) -> tuple[MessageEntity, ...]:
    shifts = [0]
    for value in values:
        shifts.append(shifts[-1] + utf16_length(value))
    entities = []
    for entity, span in zip(compiled.skeleton.entities, compiled.spans, strict=True):
        shift = shifts[span.before]
        length = entity.length + shifts[span.before + span.inside] - shift
        if length:
            entities.append(_placed(entity, entity.offset + shift, length))
    return tuple(entities)


def _placed(entity: MessageEntity, offset: int, length: int) -> MessageEntity:
    return MessageEntity(
        entity.type,
        offset,
        length,
        entity.url,
        entity.language,
        entity.custom_emoji_id,
        entity.unix_time,
        entity.date_time_format,
    )


def trimmed(message: RenderedMessage) -> RenderedMessage:
    """Take the blanks at both ends away. Raises MessageEmpty and MessageTooLong."""
    text = message.text.strip(TRIMMED)
    if is_blank(text):
        if message.needs_text:
            raise MessageEmpty
        return _with_text(message, "", ()) if message.text else message
    # No character is more than two units, so a short text needs no counting.
    limit = message.text_limit
    if len(text) > limit // 2 and (length := utf16_length(text)) > limit:
        raise MessageTooLong(length, limit)
    if len(text) == len(message.text):
        return message
    start = len(message.text) - len(message.text.lstrip(TRIMMED))
    end = utf16_length(text)
    entities = (
        _placed(entity, first, last - first)
        for entity in message.entities
        if (first := max(entity.offset - start, 0))
        < (last := min(entity.offset + entity.length - start, end))
    )
    return _with_text(message, text, tuple(entities))


def _with_text(
    message: RenderedMessage, text: str, entities: tuple[MessageEntity, ...]
) -> RenderedMessage:
    return RenderedMessage(
        text, entities, message.buttons, message.media, message.copied, message.options
    )
