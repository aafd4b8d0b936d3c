"""Reads Telegram's updates: of each only what Skua acts on, whatever else it holds."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec

from skua_core.domain.subscriber import ChatKind, Profile
from skua_core.domain.update import (
    Blocked,
    CallbackPressed,
    ChatMigrated,
    Event,
    Ignored,
    MessageReceived,
    RepliedMessage,
    Started,
    Stopped,
    Unblocked,
    Update,
)
from skua_core.errors import UpdateUnreadable
from skua_core.ids import ChatId

_LONGEST_UPDATE = 1024 * 1024
"""Bytes; as much as the webhook takes."""

_END_OF_TIME = 253_402_300_799
"""The last second of the year 9999, which is the last that a date can name."""

_UpdateId = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_AnyChatId = Annotated[int, msgspec.Meta(ge=-(2**52), le=2**52)]
_Date = Annotated[int, msgspec.Meta(ge=0, le=_END_OF_TIME)]

_COMMAND = re.compile(r"/(start|stop)(?:@[A-Za-z0-9_]{1,64})?(?:\s+(.*))?", re.ASCII | re.DOTALL)
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
"""PostgreSQL takes neither NUL nor half a surrogate pair in a text."""

_KINDS = {
    "private": ChatKind.PRIVATE,
    "group": ChatKind.GROUP,
    "supergroup": ChatKind.GROUP,
}
_IN_CHAT = frozenset({"member", "administrator", "creator"})


class _Identified(msgspec.Struct):
    update_id: _UpdateId


class _Chat(msgspec.Struct):
    id: _AnyChatId
    type: str
    title: str | None = None
    username: str | None = None


class _User(msgspec.Struct):
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None


class _Message(msgspec.Struct):
    date: _Date
    chat: _Chat
    sender: _User = msgspec.field(name="from", default_factory=_User)
    text: str | None = None
    reply_to_message: "_OwnMessage | None" = None
    migrate_to_chat_id: _AnyChatId | None = None
    migrate_from_chat_id: _AnyChatId | None = None


class _Member(msgspec.Struct):
    status: str
    is_member: bool = False


class _Membership(msgspec.Struct):
    date: _Date
    chat: _Chat
    new_chat_member: _Member
    sender: _User = msgspec.field(name="from", default_factory=_User)


class _Button(msgspec.Struct):
    callback_data: str | None = None


class _Keyboard(msgspec.Struct):
    inline_keyboard: list[list[_Button]] = []


class _OwnMessage(msgspec.Struct):
    """What was replied to: the bot's own message, or another's, which nothing here fits."""

    message_id: int
    date: _Date | None = None
    text: str | None = None
    caption: str | None = None
    reply_markup: _Keyboard = msgspec.field(default_factory=_Keyboard)


class _PressedMessage(msgspec.Struct):
    chat: _Chat
    message_id: int | None = None


class _Callback(msgspec.Struct):
    id: str
    sender: _User = msgspec.field(name="from", default_factory=_User)
    message: _PressedMessage | None = None
    data: str | None = None


class _Update(msgspec.Struct):
    update_id: _UpdateId
    message: _Message | None = None
    my_chat_member: _Membership | None = None
    callback_query: _Callback | None = None


_Shape = TypeVar("_Shape")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_update(raw: bytes) -> Update:
    """See ``UpdateSource.read_update``."""
    if len(raw) > _LONGEST_UPDATE:
        raise UpdateUnreadable("it is too long", update_id=_update_id(raw))
    try:
        update = _decode(raw, _Update)
    except _UNREADABLE as error:
        raise UpdateUnreadable(_reason(error), update_id=_update_id(raw)) from None
    if update.message is not None:
        return _message(update.update_id, update.message)
    if update.my_chat_member is not None:
        return _membership(update.update_id, update.my_chat_member)
    if update.callback_query is not None:
        return _callback(update.update_id, update.callback_query)
    return Update(update_id=update.update_id, event=Ignored())


def _decode(raw: bytes, shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError:
        raise
    except _UNREADABLE:
        # JSON may hold half a surrogate pair, which msgspec doesn't take and ``json`` does.
        return msgspec.convert(_loads(raw), shape)


def _loads(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        raise msgspec.DecodeError("not JSON") from None


def _update_id(raw: bytes) -> int | None:
    try:
        return _decode(raw, _Identified).update_id
    except _UNREADABLE:
        return None


def _reason(error: Exception) -> str:
    """What is wrong and where, without anything that the update says."""
    if isinstance(error, msgspec.ValidationError):
        return _NOT_STORABLE.sub("", str(error))
    return "it is nested too deeply" if isinstance(error, RecursionError) else "it isn't JSON"


def _message(update_id: int, message: _Message) -> Update:
    if message.migrate_to_chat_id is not None:
        event: Event = ChatMigrated(ChatId(message.migrate_to_chat_id))
    elif message.migrate_from_chat_id is not None:
        # The new group's side of the same migration.
        event = Ignored()
    else:
        event = _spoken(_storable(message.text), _replied_to(message.reply_to_message))
    return _in_chat(update_id, message.chat, message.sender, event, at=message.date)


def _spoken(text: str | None, reply_to: RepliedMessage | None) -> Event:
    command = _COMMAND.fullmatch(text) if text is not None else None
    if command is None:
        return MessageReceived(text, reply_to)
    if command[1] == "stop":
        return Stopped()
    payload = (command[2] or "").strip()
    return Started(payload if _PAYLOAD.fullmatch(payload) else None)


def _replied_to(message: _OwnMessage | None) -> RepliedMessage | None:
    if message is None:
        return None
    rows = message.reply_markup.inline_keyboard
    return RepliedMessage(
        message_id=message.message_id,
        sent_at=None if message.date is None else datetime.fromtimestamp(message.date, UTC),
        text=_storable(message.text or message.caption) or "",
        callback_data=tuple(
            data for row in rows for button in row if (data := _storable(button.callback_data))
        ),
    )


def _membership(update_id: int, change: _Membership) -> Update:
    member = change.new_chat_member
    event: Event = Ignored()
    if member.status in _IN_CHAT or (member.status == "restricted" and member.is_member):
        event = Unblocked()
    elif member.status in {"kicked", "left", "restricted"}:
        event = Blocked()
    return _in_chat(update_id, change.chat, change.sender, event, at=change.date)


def _callback(update_id: int, callback: _Callback) -> Update:
    if callback.message is None:
        # Under a message that was sent through inline mode: no chat of the bot's.
        return Update(update_id=update_id, event=Ignored())
    event = CallbackPressed(
        _storable(callback.id) or "", _storable(callback.data), callback.message.message_id
    )
    return _in_chat(update_id, callback.message.chat, callback.sender, event, at=None)


def _in_chat(update_id: int, chat: _Chat, sender: _User, event: Event, *, at: int | None) -> Update:
    kind = _KINDS.get(chat.type)
    if kind is None or isinstance(event, Ignored):
        return Update(update_id=update_id, event=Ignored())
    return Update(
        update_id=update_id,
        event=event,
        chat_id=ChatId(chat.id),
        kind=kind,
        profile=_person(sender) if kind is ChatKind.PRIVATE else _group(chat),
        at=None if at is None else datetime.fromtimestamp(at, UTC),
    )


def _person(user: _User) -> Profile:
    return Profile(
        first_name=_storable(user.first_name),
        last_name=_storable(user.last_name),
        username=_storable(user.username),
        language=_storable(user.language_code),
    )


def _group(chat: _Chat) -> Profile:
    return Profile(first_name=_storable(chat.title), username=_storable(chat.username))


def _storable(text: str | None) -> str | None:
    """Empty counts as missing."""
    return None if text is None else _NOT_STORABLE.sub("", text) or None
