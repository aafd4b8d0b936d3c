"""How the tests of markup look at a message: which formatting each character has."""

from collections.abc import Iterable

from skua_adapters.renderer.in_process import InProcessRenderer
from skua_core.domain.content import (
    CompiledMessage,
    EntityType,
    MessageEntity,
    MessageSource,
    ParseMode,
    Personalisation,
    RenderedMessage,
)
from skua_core.domain.media import MediaKind, Medium

NOBODY = Personalisation()

Styled = list[tuple[str, frozenset[EntityType]]]


def compiled(text: str, mode: ParseMode = ParseMode.HTML) -> CompiledMessage:
    return InProcessRenderer().compile(MessageSource(text, mode))


def rendered(
    text: str, mode: ParseMode = ParseMode.HTML, values: Personalisation = NOBODY
) -> RenderedMessage:
    renderer = InProcessRenderer()
    return renderer.render(renderer.compile(MessageSource(text, mode)), values)


def captioned(text: str, values: Personalisation = NOBODY) -> RenderedMessage:
    """As ``rendered`` of HTML, below a photo."""
    renderer = InProcessRenderer()
    source = MessageSource(text, media=(Medium(MediaKind.PHOTO, file_id="AgAC"),))
    return renderer.render(renderer.compile(source), values)


def covered(message: RenderedMessage) -> list[tuple[str, str]]:
    """Kind and text of each entity, in order."""
    return [(entity.type.value, covered_text(message.text, entity)) for entity in message.entities]


def covered_text(text: str, entity: MessageEntity) -> str:
    """Cut in UTF-16 as Telegram does; an entity that cuts an emoji in two fails to decode."""
    units = text.encode("utf-16-le")
    return units[entity.offset * 2 : (entity.offset + entity.length) * 2].decode("utf-16-le")


def styled(text: str, entities: Iterable[MessageEntity]) -> Styled:
    """Each character with the formatting on it."""
    spans = []
    for entity in entities:
        start = len(covered_text(text, MessageEntity(entity.type, 0, entity.offset)))
        spans.append((entity.type, start, start + len(covered_text(text, entity))))
    return [
        (char, frozenset(kind for kind, start, end in spans if start <= index < end))
        for index, char in enumerate(text)
    ]
