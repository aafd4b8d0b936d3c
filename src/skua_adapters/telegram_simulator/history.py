"""The messages that the simulated Telegram still has, to be copied and replied to."""

from collections import OrderedDict
from typing import Any

Message = dict[str, Any]
"""As the Bot API shows it. Never changed once it was sent."""

_SERVICE = frozenset({"migrate_to_chat_id", "migrate_from_chat_id"})


class MessageHistory:
    """Of all bots together; of more than ``capacity``, those that were not used for longest go."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._messages: OrderedDict[tuple[int, int, int], Message] = OrderedDict()
        self._deleted: set[tuple[int, int, int]] = set()

    def keep(self, bot_id: int, message: Message) -> None:
        self._messages[bot_id, message["chat"]["id"], message["message_id"]] = message
        if len(self._messages) > self._capacity:
            self._messages.popitem(last=False)

    def find(self, bot_id: int, chat_id: int, message_id: int) -> Message | None:
        key = (bot_id, chat_id, message_id)
        message = self._messages.get(key)
        if message is not None:
            self._messages.move_to_end(key)
        return message

    def delete(self, bot_id: int, chat_id: int, message_id: int) -> bool:
        """For everybody in the chat; no bot is told. False when there is no such message."""
        key = (bot_id, chat_id, message_id)
        if self._messages.pop(key, None) is None:
            return False
        self._deleted.add(key)
        return True

    def was_deleted(self, bot_id: int, chat_id: int, message_id: int) -> bool:
        return (bot_id, chat_id, message_id) in self._deleted

    def of_chat(self, bot_id: int, chat_id: int) -> list[Message]:
        """Oldest first."""
        found = [
            message
            for (bot, chat, _), message in self._messages.items()
            if (bot, chat) == (bot_id, chat_id)
        ]
        return sorted(found, key=lambda message: int(message["message_id"]))


def without_reply(message: Message) -> Message:
    """As it is shown inside a reply: one level deep."""
    return {name: value for name, value in message.items() if name != "reply_to_message"}


def is_service(message: Message) -> bool:
    """Whether Telegram wrote it, about the chat itself."""
    return not _SERVICE.isdisjoint(message)
