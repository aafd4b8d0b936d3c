"""What an operator wrote, what is kept of it, and what leaves for one subscriber."""

from collections.abc import Container, Mapping
from enum import StrEnum

import msgspec

from skua_core.domain.media import CopiedMessage, Medium

TEXT_LIMIT = 4096
"""UTF-16 units that Telegram takes in one text message, counted without the markup."""

CAPTION_LIMIT = 1024
"""The same for the text below a medium."""

ALBUM_SIZES = range(2, 11)
"""How many media one album may have."""

VARIANT_LIMIT = 30
"""Wordings in other languages that one message may have."""

ENTITY_LIMIT = 100
"""Entities that Telegram keeps per message; it drops the rest without a word."""


def utf16_length(text: str) -> int:
    """Count as Telegram counts: characters beyond U+FFFF are two units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


class ParseMode(StrEnum):
    HTML = "html"
    MARKDOWN_V2 = "markdown_v2"
    PLAIN = "plain"


class CopyText(msgspec.Struct, frozen=True):
    """What a button puts on the clipboard: 1 to 256 characters."""

    text: str


class InlineButton(msgspec.Struct, frozen=True, omit_defaults=True):
    """A button under the message, in Telegram's own shape but for ``answer``, ``alert``, ``tag``.

    It does one thing: opens ``url``, sends ``callback_data`` to whoever reads the updates, copies
    ``copy_text``, or lets Skua react, with an ``answer``, a ``tag`` or both. Such a button leaves
    with callback data that leads back to the delivery and to its ``ButtonAction``.
    """

    text: str
    url: str | None = None
    callback_data: str | None = None
    copy_text: CopyText | None = None
    answer: str | None = None
    """Shown to whoever presses it: at most 200 characters."""
    alert: bool = False
    """Show the answer as a box that has to be closed, rather than for a moment."""
    tag: str | None = None
    """Given to whoever presses it."""


ButtonRows = tuple[tuple[InlineButton, ...], ...]


class ButtonAction(msgspec.Struct, frozen=True, omit_defaults=True):
    """What Skua does when its button is pressed."""

    answer: str | None = None
    alert: bool = False
    tag: str | None = None


class LinkPreview(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a text message shows a link, in the shape of Telegram's LinkPreviewOptions."""

    is_disabled: bool = False
    url: str | None = None
    """None for the first link of the text."""
    prefer_small_media: bool = False
    prefer_large_media: bool = False
    show_above_text: bool = False


class SendOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a message arrives."""

    protect: bool = False
    """It can't be forwarded or saved."""
    silent: bool = False
    """It arrives without a sound."""
    link_preview: LinkPreview | None = None
    """For text messages only; None leaves it to Telegram."""
    effect_id: str | None = None
    """An animation that plays when it arrives; in private chats only."""
    caption_above: bool = False
    """Show the text above the medium."""


class MessageSource(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message as the operator wrote it, with markup and placeholders.

    A text; or media with a text (the caption) or without, where two to ten media are an album; or
    a copied message, whose own caption the text replaces if there is one.
    """

    text: str = ""
    parse_mode: ParseMode = ParseMode.HTML
    buttons: ButtonRows = ()
    media: tuple[Medium, ...] = ()
    copied: CopiedMessage | None = None
    options: SendOptions = SendOptions()
    variants: Mapping[str, "MessageSource"] = {}
    """Other wordings, by language tag in lower case (``pt``, ``pt-br``). A variant has none of its
    own, and takes nothing from the message it belongs to."""


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


class RenderedMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message for one subscriber: text and entities, nothing left for Telegram to parse."""

    text: str = ""
    """The caption, when there are media or a copied message; of an album it's the first one's."""
    entities: tuple[MessageEntity, ...] = ()
    buttons: ButtonRows = ()
    media: tuple[Medium, ...] = ()
    copied: CopiedMessage | None = None
    options: SendOptions = SendOptions()

    @property
    def needs_text(self) -> bool:
        """Whether it's nothing without a text: no caption, but the message itself."""
        return not self.media and self.copied is None

    @property
    def text_limit(self) -> int:
        """In UTF-16 units."""
        return TEXT_LIMIT if self.needs_text else CAPTION_LIMIT


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


def choose_variant(language: str, tags: Container[str]) -> str:
    """Which of these language tags suits somebody best; ``""`` when none does.

    The whole tag counts first, then ever less of it (RFC 4647, "lookup"): whoever has
    ``zh-Hant-TW`` gets ``zh-hant`` rather than ``zh``.
    """
    wanted = language.lower()
    while wanted and wanted not in tags:
        wanted = wanted.rpartition("-")[0]
    return wanted


class CompiledMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A parsed message. It is stored as JSON with its revision, and rendered many times.

    Without slots the skeleton is the message, already trimmed and checked, and every
    subscriber gets that same object. With slots, ``spans`` has an item for each entity of the
    skeleton; an entity that only a value fills has the length 0 there.
    """

    skeleton: RenderedMessage
    slots: tuple[Slot, ...] = ()
    spans: tuple[SlotSpan, ...] = ()
    variants: Mapping[str, "CompiledMessage"] = {}
    """By language tag, as in the source."""
    actions: tuple[ButtonAction, ...] = ()
    """Of this message's buttons and then of its variants', in the order of their tags. Until the
    message is bound to its source (``callbacks.bind``), such a button has
    ``callbacks.ACTION_MARK`` and its place in here as its callback data."""

    def variant(self, language: str) -> tuple[str, "CompiledMessage"]:
        """The wording for somebody with this language tag, and its own tag: ``""`` for this one."""
        if not self.variants:
            return "", self
        tag = choose_variant(language, self.variants)
        return tag, self.variants.get(tag, self)

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

    def value(self, placeholder: str) -> str:
        """Of ``first_name`` and kin, or of ``attributes.<name>``; ``""`` where there is none."""
        _, dot, name = placeholder.partition("attributes.")
        found: str = self.attributes.get(name, "") if dot else getattr(self, placeholder)
        return found
