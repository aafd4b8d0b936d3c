"""Which method a message is sent with, and the fields of its body."""

from typing import Any

import msgspec

from skua_core.domain.content import ButtonRows, LinkPreview, MessageEntity, RenderedMessage
from skua_core.domain.media import MediaKind, Medium
from skua_core.ids import ChatId, MediaId
from skua_core.ports.messenger import OutboundMessage

SEND_MESSAGE = "sendMessage"
SEND_ALBUM = "sendMediaGroup"
COPY_MESSAGE = "copyMessage"
SEND_MEDIUM = {kind: f"send{kind.value.capitalize()}" for kind in MediaKind}
METHODS = (SEND_MESSAGE, SEND_ALBUM, COPY_MESSAGE, *SEND_MEDIUM.values())

_WITH_LOOKS = frozenset({MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.ANIMATION})
"""Kinds that a spoiler may hide and below which the caption needn't be."""


class InlineKeyboard(msgspec.Struct, frozen=True, gc=False):
    inline_keyboard: ButtonRows


class TextBody(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The body of sendMessage; the domain's entities, buttons and link preview have Telegram's
    shape already."""

    chat_id: ChatId
    text: str
    entities: tuple[MessageEntity, ...] = ()
    reply_markup: InlineKeyboard | None = None
    allow_paid_broadcast: bool = False
    disable_notification: bool = False
    protect_content: bool = False
    link_preview_options: LinkPreview | None = None
    message_effect_id: str | None = None


class Request(msgspec.Struct, frozen=True):
    """One call with media, or a copy."""

    method: str
    fields: dict[str, Any]
    uploads: tuple[tuple[str, MediaId], ...] = ()
    """The files that go with it, by the names of their parts."""


def text_body(message: OutboundMessage) -> TextBody:
    content = message.content
    options = content.options
    return TextBody(
        message.chat_id,
        content.text,
        content.entities,
        InlineKeyboard(content.buttons) if content.buttons else None,
        message.paid,
        options.silent,
        options.protect,
        options.link_preview,
        # Telegram refuses effects outside private chats.
        options.effect_id if message.chat_id > 0 else None,
    )


def request_for(message: OutboundMessage) -> Request:
    """For a message that is more than text."""
    content = message.content
    if content.copied is not None:
        copied = content.copied
        source = {"from_chat_id": copied.chat_id, "message_id": copied.message_id}
        # Without a caption of its own, the copy keeps the one that it has.
        looks = {"show_caption_above_media": True} if content.options.caption_above else {}
        return Request(COPY_MESSAGE, _common(message) | source | _caption(content) | looks)
    if len(content.media) > 1:
        return _album(message)
    [medium] = content.media
    uploads = () if medium.upload is None else ((medium.kind.value, medium.upload),)
    file = {} if uploads else {medium.kind.value: medium.file_id or medium.url}
    fields = _common(message) | file | _caption(content) | _looks(medium, content)
    return Request(SEND_MEDIUM[medium.kind], fields, uploads)


def _album(message: OutboundMessage) -> Request:
    """Its text is the first medium's caption, which is shown as the album's."""
    content = message.content
    items: list[dict[str, Any]] = []
    uploads: list[tuple[str, MediaId]] = []
    for medium in content.media:
        file = medium.file_id or medium.url
        if medium.upload is not None:
            part = f"file{len(uploads)}"
            uploads.append((part, medium.upload))
            file = f"attach://{part}"
        items.append({"type": medium.kind.value, "media": file} | _looks(medium, content))
    items[0] |= _caption(content)
    return Request(SEND_ALBUM, _common(message) | {"media": items}, tuple(uploads))


def _common(message: OutboundMessage) -> dict[str, Any]:
    content = message.content
    options = content.options
    fields = {
        "reply_markup": InlineKeyboard(content.buttons) if content.buttons else None,
        "allow_paid_broadcast": message.paid,
        "disable_notification": options.silent,
        "protect_content": options.protect,
        "message_effect_id": options.effect_id if message.chat_id > 0 else None,
    }
    return {"chat_id": message.chat_id} | {name: each for name, each in fields.items() if each}


def _caption(content: RenderedMessage) -> dict[str, Any]:
    fields = {"caption": content.text, "caption_entities": content.entities}
    return {name: each for name, each in fields.items() if each}


def _looks(medium: Medium, content: RenderedMessage) -> dict[str, Any]:
    if medium.kind not in _WITH_LOOKS:
        return {}
    fields = {
        "has_spoiler": medium.spoiler,
        "show_caption_above_media": content.options.caption_above,
    }
    return {name: True for name, wanted in fields.items() if wanted}
