"""Updates in Telegram's own shape."""

from typing import Any

import msgspec

Raw = dict[str, Any]


def raw(update: Raw) -> bytes:
    return msgspec.json.encode(update)


def message(
    update_id: int,
    chat: int,
    text: str,
    *,
    at: int = 100,
    first_name: str = "Ana",
    username: str | None = None,
    language: str | None = None,
) -> Raw:
    sender = _person(chat, first_name, username)
    if language is not None:
        sender["language_code"] = language
    return {
        "update_id": update_id,
        "message": {
            "message_id": update_id,
            "date": at,
            "chat": {"id": chat, "type": "private"},
            "from": sender,
            "text": text,
        },
    }


def reply(update_id: int, chat: int, text: str, *, to: Raw) -> Raw:
    update = message(update_id, chat, text)
    update["message"]["reply_to_message"] = to
    return update


def group_message(update_id: int, chat: int, text: str, *, title: str = "Gulls") -> Raw:
    return {
        "update_id": update_id,
        "message": {
            "message_id": update_id,
            "date": 100,
            "chat": {"id": chat, "type": "group", "title": title},
            "from": _person(7, "Ana", None),
            "text": text,
        },
    }


def migrated(update_id: int, chat: int, new_chat: int) -> Raw:
    update = group_message(update_id, chat, "")
    del update["message"]["text"]
    update["message"]["migrate_to_chat_id"] = new_chat
    return update


def callback(update_id: int, chat: int, data: str = "yes", *, message_id: int = 1) -> Raw:
    return {
        "update_id": update_id,
        "callback_query": {
            "id": f"call-{update_id}",
            "from": _person(chat, "Ana", None),
            "message": {
                "message_id": message_id,
                "date": 0,
                "chat": {"id": chat, "type": "private"},
            },
            "data": data,
        },
    }


def blocked(update_id: int, chat: int, *, at: int) -> Raw:
    return _membership(update_id, chat, at, "kicked")


def unblocked(update_id: int, chat: int, *, at: int) -> Raw:
    return _membership(update_id, chat, at, "member")


def _membership(update_id: int, chat: int, at: int, status: str) -> Raw:
    bot = {"id": 123456789, "is_bot": True, "first_name": "Gulls"}
    return {
        "update_id": update_id,
        "my_chat_member": {
            "date": at,
            "chat": {"id": chat, "type": "private"},
            "from": _person(chat, "Ana", None),
            "old_chat_member": {"user": bot, "status": "member"},
            "new_chat_member": {"user": bot, "status": status},
        },
    }


def _person(chat: int, first_name: str, username: str | None) -> Raw:
    person: Raw = {"id": chat, "is_bot": False, "first_name": first_name}
    return person if username is None else person | {"username": username}
