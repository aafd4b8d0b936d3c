"""What happened in Telegram, in Skua's words."""

from datetime import datetime

import msgspec

from skua_core.domain.subscriber import ChatKind, Profile
from skua_core.ids import ChatId


class Started(msgspec.Struct, frozen=True, tag=True):
    """``/start``, with the payload of the deep link if there was one."""

    payload: str | None


class Stopped(msgspec.Struct, frozen=True, tag=True):
    """``/stop``."""


class RepliedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The bot's own message that somebody replied to."""

    message_id: int
    sent_at: datetime | None = None
    """By Telegram's date, in whole seconds; None where it isn't told."""
    text: str = ""
    """Its text or caption, without the markup."""
    callback_data: tuple[str, ...] = ()
    """Of its buttons."""


class MessageReceived(msgspec.Struct, frozen=True, tag=True):
    text: str | None
    reply_to: RepliedMessage | None = None


class Blocked(msgspec.Struct, frozen=True, tag=True):
    """The person blocked the bot, or the bot was removed from the group."""


class Unblocked(msgspec.Struct, frozen=True, tag=True):
    pass


class CallbackPressed(msgspec.Struct, frozen=True, tag=True):
    """An inline button. Telegram waits for an answer and may send the same press anew."""

    callback_id: str
    data: str | None
    message_id: int | None = None
    """Of the message that carries the button, where Telegram tells it."""


class ChatMigrated(msgspec.Struct, frozen=True, tag=True):
    """The group became a supergroup with another id."""

    new_chat_id: ChatId


class Ignored(msgspec.Struct, frozen=True, tag=True):
    """Nothing that Skua acts on."""


Event = (
    Started
    | Stopped
    | MessageReceived
    | Blocked
    | Unblocked
    | CallbackPressed
    | ChatMigrated
    | Ignored
)


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """One update. ``at`` is Telegram's date of the event, in whole seconds."""

    update_id: int
    event: Event
    chat_id: ChatId | None = None
    """None where no chat is concerned; then the event is Ignored."""
    kind: ChatKind = ChatKind.PRIVATE
    profile: Profile = Profile()
    at: datetime | None = None
    """None where Telegram gives no date (callbacks): the time of arrival stands in."""
