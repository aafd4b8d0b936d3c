"""Bot API objects as JSON: users, chats, messages, and the updates about them."""

import re
from typing import Any

from .entities import utf16_length
from .update_queue import DEFAULT_TYPES, UPDATE_TYPES
from .world import Group, SimulatedBot, User, Webhook

_COMMAND = re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,32}(?:@\w{1,32})?")
_CAN_NOT = (
    "can_read_all_group_messages",
    "supports_guest_queries",
    "supports_inline_queries",
    "can_connect_to_business",
    "has_main_web_app",
    "has_topics_enabled",
    "allows_users_to_create_topics",
    "can_manage_bots",
    "supports_join_request_queries",
)


def bot_as_user(bot: SimulatedBot) -> dict[str, Any]:
    return {
        "id": bot.id,
        "is_bot": True,
        "first_name": bot.first_name,
        "username": bot.username,
    }


def bot_about_itself(bot: SimulatedBot) -> dict[str, Any]:
    """What getMe answers."""
    return bot_as_user(bot) | {"can_join_groups": True} | dict.fromkeys(_CAN_NOT, False)


def user(person: User) -> dict[str, Any]:
    return {"id": person.id, "is_bot": False, "first_name": person.first_name} | _given(
        last_name=person.last_name,
        username=person.username,
        language_code=person.language_code,
    )


def private_chat(person: User) -> dict[str, Any]:
    return {"id": person.id, "type": "private", "first_name": person.first_name} | _given(
        last_name=person.last_name, username=person.username
    )


def group_chat(group: Group) -> dict[str, Any]:
    return {"id": group.id, "type": str(group.kind), "title": group.title}


def text_from_user(
    person: User, chat: dict[str, Any], text: str, *, message_id: int, date: int
) -> dict[str, Any]:
    message = {
        "message_id": message_id,
        "from": user(person),
        "chat": chat,
        "date": date,
        "text": text,
    }
    commands = [
        {
            "type": "bot_command",
            "offset": utf16_length(text[: match.start()]),
            "length": len(match[0]),
        }
        for match in _COMMAND.finditer(text)
    ]
    return message | _given(entities=commands)


def my_chat_member(
    chat: dict[str, Any], by: User, bot: SimulatedBot, *, kicked: bool, date: int
) -> dict[str, Any]:
    """A bot that was blocked or removed (``kicked``), or let in again."""
    member = {"user": bot_as_user(bot), "status": "member"}
    removed = {"user": bot_as_user(bot), "status": "kicked", "until_date": 0}
    old, new = (member, removed) if kicked else (removed, member)
    return {
        "chat": chat,
        "from": user(by),
        "date": date,
        "old_chat_member": old,
        "new_chat_member": new,
    }


def webhook_info(bot: SimulatedBot) -> dict[str, Any]:
    webhook: Webhook = bot.webhook
    info: dict[str, Any] = {
        "url": webhook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(bot.updates),
    }
    if webhook.last_error_at:
        info["last_error_date"] = webhook.last_error_at
        info["last_error_message"] = webhook.last_error
    if webhook.url:
        info["max_connections"] = webhook.max_connections
        info["ip_address"] = webhook.ip_address or "<unknown>"
    if bot.updates.allowed != DEFAULT_TYPES:
        info["allowed_updates"] = [kind for kind in UPDATE_TYPES if kind in bot.updates.allowed]
    return info


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
