"""copyMessage: a message that the bot can see, sent anew in its own name."""

from typing import Any

from .chats import check_readable
from .history import Message, is_service
from .limits import RateLimits
from .media_files import MediaKind
from .outgoing import Sent, admit, deliver, pay, read_envelope
from .parameters import Parameters
from .receipts import MediaSource, ReceiptMedia
from .refusals import MediaRefused, bad_request
from .send_media import CAN_BE_COVERED, caption_of, captioned, receipt_of
from .text import finish_caption
from .world import SimulatedBot, World

_HIGHEST_ID = (1 << 31) - 1
_CAPTION = ("caption", "caption_entities", "show_caption_above_media")
_CONTENT = (
    "text",
    "entities",
    "link_preview_options",
    *(kind.value for kind in MediaKind),
    *_CAPTION,
    "has_media_spoiler",
)
"""What of a message goes into its copy: no keyboard, no album, no reply."""


def copy_message(
    world: World, limits: RateLimits, bot: SimulatedBot, parameters: Parameters
) -> Sent:
    """Raises ``Refusal``."""
    parameters.required("from_chat_id")
    new_caption = None if parameters.raw.get("caption") is None else caption_of(parameters)
    message = _source(world, bot, parameters)
    envelope = read_envelope(world, bot, parameters)
    if is_service(message):
        raise bad_request("the message can't be copied")
    content = {name: message[name] for name in _CONTENT if name in message}
    kind = _kind(content)
    if new_caption is not None and kind is not None:
        above = kind in CAN_BE_COVERED and parameters.flag("show_caption_above_media")
        content = {name: value for name, value in content.items() if name not in _CAPTION}
        content |= captioned(world, finish_caption(new_caption), above=above)
    admit(world, limits, bot, envelope)
    media = () if kind is None else (_medium(bot, content, kind),)
    stars = pay(limits, bot, envelope)
    message_id = deliver(world, bot, envelope, content)["message_id"]
    return Sent(
        answer={"message_id": message_id},
        message_ids=(message_id,),
        media=media,
        stars=stars,
    )


def _source(world: World, bot: SimulatedBot, parameters: Parameters) -> Message:
    chat_id = parameters.chat_number("from_chat_id")
    message_id = parameters.integer("message_id", default=0, low=0, high=_HIGHEST_ID)
    check_readable(world, bot, chat_id)
    message = world.history.find(bot.id, chat_id, message_id)
    if message is None:
        if world.history.was_deleted(bot.id, chat_id, message_id):
            # The Bot API's own server still has it; only the data centres know.
            raise bad_request("MESSAGE_ID_INVALID")
        raise bad_request("message to copy not found")
    return message


def _kind(content: dict[str, Any]) -> MediaKind | None:
    """An animation is shown as a document too; the first kind is the true one."""
    return next((kind for kind in MediaKind if kind in content), None)


def _medium(bot: SimulatedBot, content: dict[str, Any], kind: MediaKind) -> ReceiptMedia:
    shown = content[kind][-1] if kind is MediaKind.PHOTO else content[kind]
    file = bot.files.find(shown["file_id"])
    if file is None:
        raise MediaRefused("MEDIA_EMPTY").alone
    return receipt_of(file, MediaSource.COPY)
