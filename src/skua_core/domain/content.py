"""What an operator wrote, what is kept of it, and what leaves for one subscriber."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

TEXT_LIMIT = 4096
"""UTF-16 units that Telegram takes in one text message, counted without the markup."""

ENTITY_LIMIT = 100
"""Entities that Telegram keeps per message; it drops the rest without a word."""


def utf16_length(text: str) -> int:
    """Count as Telegram counts: characters beyond U+FFFF are two units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


class ParseMode(StrEnum):
    HTML = "html"
    MARKDOWN_V2 = "markdown_v2"
    PLAIN = "plain"


class InlineButton(msgspec.Struct, frozen=True, omit_defaults=True):
    """A button under the message, in Telegram's own shape: exactly one of the two is set."""

    text: str
    url: str | None = None
    callback_data: str | None = None


ButtonRows = tuple[tuple[InlineButton, ...], ...]


class MessageSource(msgspec.Struct, frozen=True):
    """A text message as the operator wrote it, with markup and placeholders."""

    text: str
    parse_mode: ParseMode = ParseMode.HTML
    buttons: ButtonRows = ()


class EntityType(StrEnum):
    BOLD = "bold"
    ITALIC = "italic"
    UNDERLINE = "underline"
    STRIKETHROUGH = "strikethrough"
    SPOILER = "spoiler"
    BLOCKQUOTE = "blockquote"
    EXPANDABLE_BLOCKQUOTE = "expandable_blockquote"
    CODE = "code"
    PRE = "pre"
    TEXT_LINK = "text_link"
    CUSTOM_EMOJI = "custom_emoji"
    DATE_TIME = "date_time"


class MessageEntity(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One stretch of formatting, in Telegram's own shape; offset and length are UTF-16 units.

    A mention by user id is a ``text_link`` to ``tg://user?id=…``, which Telegram turns into one.
    """

    type: EntityType
    offset: int
    length: int
    url: str | None = None
    language: str | None = None
    custom_emoji_id: str | None = None
    unix_time: int | None = None
    date_time_format: str | None = None


class RenderedMessage(msgspec.Struct, frozen=True):
    """A message for one subscriber: text and entities, nothing left for Telegram to parse."""

    text: str
    entities: tuple[MessageEntity, ...] = ()
    buttons: ButtonRows = ()


class Slot(msgspec.Struct, frozen=True, gc=False):
    """A ``{{ … }}`` of the source."""

    expression: str
    position: int
    """Where its value goes: an index into the text of the skeleton."""

    required: tuple[str, ...] = ()
    """Placeholders without which it comes out empty; none if it falls back on a default."""

    line: int = 1
    column: int = 1


class SlotSpan(msgspec.Struct, frozen=True, gc=False):
    """Which slots move an entity: those ahead of it, and those inside it."""

    before: int
    inside: int


class CompiledMessage(msgspec.Struct, frozen=True):
    """A parsed message. It is stored as JSON with its revision, and rendered many times.

    Without slots the skeleton is the message, already trimmed and checked, and every
    subscriber gets that same object. With slots, ``spans`` has an item for each entity of the
    skeleton; an entity that only a value fills has the length 0 there.
    """

    skeleton: RenderedMessage
    slots: tuple[Slot, ...] = ()
    spans: tuple[SlotSpan, ...] = ()

    @property
    def required(self) -> frozenset[str]:
        """Placeholders that leave a gap for whoever has no value: preflight counts those."""
        return frozenset(name for slot in self.slots for name in slot.required)


class Personalisation(msgspec.Struct, frozen=True):
    """The values of one subscriber. An empty one counts as missing."""

    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language: str = ""
    attributes: Mapping[str, str] = msgspec.field(default_factory=dict)
