"""Callback data that leads from a pressed button back to its delivery."""

import base64
import binascii
from uuid import UUID

import msgspec

from skua_core.domain.content import CompiledMessage, InlineButton, RenderedMessage
from skua_core.ids import SourceId

ACTION_MARK = "\x00"
"""Begins the callback data of a button with an action until it is bound, followed by its place in
``CompiledMessage.actions``. Compiling refuses such data from an operator."""

_PREFIX = "s."
_ID_LENGTH = 22
"""A UUID in base64url, without its padding."""
_NUMBER_LENGTH = 4
"""Digits; a message has at most 31 wordings with 100 buttons each."""


class Press(msgspec.Struct, frozen=True):
    """Which button of which message was pressed."""

    source_id: SourceId
    number: int
    """A place in ``CompiledMessage.actions``."""


def callback_data(source_id: SourceId, number: int) -> str:
    """At most 29 bytes, of the 64 that Telegram allows."""
    name = base64.urlsafe_b64encode(source_id.bytes).decode().rstrip("=")
    return f"{_PREFIX}{name}.{number}"


def read_callback_data(data: str) -> Press | None:
    """None for callback data that isn't Skua's own."""
    name, dot, number = data.removeprefix(_PREFIX).partition(".")
    if not data.startswith(_PREFIX) or not dot or len(name) != _ID_LENGTH:
        return None
    if not (number.isascii() and number.isdecimal() and len(number) <= _NUMBER_LENGTH):
        return None
    try:
        source_id = UUID(bytes=base64.b64decode(f"{name}==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None
    return Press(SourceId(source_id), int(number))


def bind(compiled: CompiledMessage, source_id: SourceId) -> CompiledMessage:
    """The message of one source: its buttons lead back to that source's deliveries.

    Done once for each source, not for each delivery: the subscriber is known by the chat.
    """
    if not compiled.actions:
        return compiled
    return msgspec.structs.replace(
        compiled,
        skeleton=_bound(compiled.skeleton, source_id),
        variants={
            tag: msgspec.structs.replace(each, skeleton=_bound(each.skeleton, source_id))
            for tag, each in compiled.variants.items()
        },
    )


def _bound(message: RenderedMessage, source_id: SourceId) -> RenderedMessage:
    rows = tuple(
        tuple(_bound_button(button, source_id) for button in row) for row in message.buttons
    )
    return msgspec.structs.replace(message, buttons=rows)


def _bound_button(button: InlineButton, source_id: SourceId) -> InlineButton:
    data = button.callback_data
    if data is None or not data.startswith(ACTION_MARK):
        return button
    number = int(data.removeprefix(ACTION_MARK))
    return msgspec.structs.replace(button, callback_data=callback_data(source_id, number))
