"""What people do in the simulated Telegram, and the updates that a bot gets from it."""

import re
import time
from typing import Any

from . import shapes
from .errors import ActionImpossible, NotInWorld
from .history import Message, without_reply
from .keyboards import callback_buttons
from .update_queue import CALLBACK_LIFE, QueueName
from .world import GroupKind, PressedButton, SimulatedBot, User, World

_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{0,64}\Z")


class People:
    """Every method raises ``NotInWorld`` for whom Telegram doesn't know, and ``ActionImpossible``
    for what its apps don't offer. Update ids are None when the bot doesn't want such updates."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._callbacks = 0

    def add_audience(self, bot_id: int, users: range) -> None:
        """Made-up people who pressed Start long ago: no updates, and no memory for each."""
        bot = self._world.bot(bot_id)
        self._world.add_users(users)
        bot.started.add_range(users)

    def press_start(self, bot_id: int, user_id: int, payload: str = "") -> int | None:
        """``payload`` is that of a deep link. Whoever had blocked the bot unblocks it by this."""
        _check_payload(payload)
        bot, person = self._bot_and_active(bot_id, user_id)
        if user_id in bot.blocked_by:
            self.unblock(bot_id, user_id)
        bot.started.add(user_id)
        return self._say(bot, person, shapes.private_chat(person), f"/start {payload}".rstrip())

    def check_can_start(self, bot_id: int, users: range, payload: str) -> None:
        _check_payload(payload)
        for user_id in users:
            self._bot_and_active(bot_id, user_id)

    def send_text(self, bot_id: int, user_id: int, text: str) -> int | None:
        bot, person = self._writer(bot_id, user_id, text)
        bot.started.add(user_id)
        return self._say(bot, person, shapes.private_chat(person), text)

    def reply(self, bot_id: int, user_id: int, message_id: int, text: str) -> int | None:
        """Answer one message of the chat with the bot, which the bot is then shown whole."""
        bot, person = self._writer(bot_id, user_id, text)
        earlier = self._world.history.find(bot_id, user_id, message_id)
        if earlier is None:
            raise NotInWorld(f"message {message_id} in the chat of user {user_id}")
        bot.started.add(user_id)
        return self._say(bot, person, shapes.private_chat(person), text, reply_to=earlier)

    def send_text_to_group(self, group_id: int, user_id: int, text: str) -> int | None:
        group = self._world.group(group_id)
        if group.kicked or group.migrated_to is not None:
            raise ActionImpossible(f"The bot isn't in chat {group_id} any more.")
        bot, person = self._bot_and_active(group.bot_id, user_id)
        bot.met.add(user_id)
        return self._say(bot, person, shapes.group_chat(group), text)

    def block(self, bot_id: int, user_id: int) -> int | None:
        """Also for people who never pressed Start; blocking twice does nothing."""
        return self._set_blocked(bot_id, user_id, blocked=True)

    def unblock(self, bot_id: int, user_id: int) -> int | None:
        return self._set_blocked(bot_id, user_id, blocked=False)

    def deactivate(self, user_id: int) -> None:
        """The account is deleted; no bot is told."""
        self._world.user(user_id)
        self._world.deactivated.add(user_id)

    def delete_message(self, bot_id: int, chat_id: int, message_id: int) -> None:
        """For both sides of the chat. The bot isn't told."""
        bot = self._world.bot(bot_id)
        if not self._world.history.delete(bot_id, chat_id, message_id):
            raise NotInWorld(f"message {message_id} in chat {chat_id}")
        bot.forget(chat_id, message_id)

    def press_button(
        self,
        bot_id: int,
        user_id: int,
        message_id: int | None = None,
        data: str | None = None,
        *,
        chat_id: int | None = None,
    ) -> str:
        """The id of the callback query.

        Without a chat it's the private one, without a message the latest one with buttons in it,
        without data its first button. A closed app that sends the same press again is a second
        call of this.
        """
        bot, person = self._bot_and_active(bot_id, user_id)
        chat = self._chat(person, chat_id)
        if message_id is None:
            message_id = bot.last_message_with_buttons(chat["id"])
        if message_id is None or not 0 < message_id <= bot.last_message_id:
            raise NotInWorld(f"message with buttons in the chat {chat['id']} of user {user_id}")
        message = self._message_with_buttons(bot, chat, message_id)
        if data is None:
            buttons = callback_buttons(message.get("reply_markup"))
            if not buttons:
                raise NotInWorld(f"button to press under message {message_id}")
            data = buttons[0]
        self._callbacks += 1
        query_id = str((user_id << 20) + self._callbacks)
        bot.press(query_id, PressedButton(user_id=user_id, data=data, pressed_at=time.monotonic()))
        query = {
            "id": query_id,
            "from": shapes.user(person),
            "message": message,
            "chat_instance": str(hash((bot_id, chat["id"]))),
            "data": data,
        }
        queue = (QueueName.CALLBACK, user_id)
        bot.updates.add("callback_query", query, queue=queue, life=CALLBACK_LIFE)
        return query_id

    def migrate(self, group_id: int) -> int:
        """The id of the supergroup that the group becomes."""
        group = self._world.group(group_id)
        if group.kind is not GroupKind.GROUP or group.migrated_to is not None:
            raise ActionImpossible(f"Chat {group_id} is a supergroup already.")
        bot = self._world.bot(group.bot_id)
        new = self._world.add_group(group.bot_id, group.title, GroupKind.SUPERGROUP)
        group.migrated_to = new.id
        for chat, told in ((group, "migrate_to_chat_id"), (new, "migrate_from_chat_id")):
            message = {
                "message_id": bot.next_message_id(),
                "from": shapes.bot_as_user(bot),
                "chat": shapes.group_chat(chat),
                "date": int(time.time()),
                told: new.id if chat is group else group.id,
            }
            self._world.history.keep(bot.id, message)
            bot.updates.add("message", message, queue=(QueueName.CHAT, chat.id))
        return new.id

    def kick(self, group_id: int, *, by: int) -> int | None:
        """Remove the bot from a group."""
        group = self._world.group(group_id)
        bot = self._world.bot(group.bot_id)
        group.kicked = True
        return self._tell_membership(
            bot, shapes.group_chat(group), self._world.user(by), kicked=True
        )

    def _bot_and_active(self, bot_id: int, user_id: int) -> tuple[SimulatedBot, User]:
        if user_id in self._world.deactivated:
            raise ActionImpossible(f"User {user_id} has no account any more.")
        return self._world.bot(bot_id), self._world.user(user_id)

    def _writer(self, bot_id: int, user_id: int, text: str) -> tuple[SimulatedBot, User]:
        bot, person = self._bot_and_active(bot_id, user_id)
        if user_id in bot.blocked_by:
            raise ActionImpossible(f"User {user_id} has blocked the bot and can't write to it.")
        if not text:
            raise ActionImpossible("A text message has some text.")
        return bot, person

    def _say(
        self,
        bot: SimulatedBot,
        person: User,
        chat: dict[str, Any],
        text: str,
        *,
        reply_to: Message | None = None,
    ) -> int | None:
        message = shapes.text_from_user(
            person, chat, text, message_id=bot.next_message_id(), date=int(time.time())
        )
        if reply_to is not None:
            message["reply_to_message"] = without_reply(reply_to)
        self._world.history.keep(bot.id, message)
        return bot.updates.add("message", message, queue=(QueueName.CHAT, int(chat["id"])))

    def _set_blocked(self, bot_id: int, user_id: int, *, blocked: bool) -> int | None:
        bot, person = self._bot_and_active(bot_id, user_id)
        if (user_id in bot.blocked_by) is blocked:
            return None
        if blocked:
            bot.blocked_by.add(user_id)
        else:
            bot.blocked_by.remove(user_id)
        return self._tell_membership(bot, shapes.private_chat(person), person, kicked=blocked)

    def _tell_membership(
        self, bot: SimulatedBot, chat: dict[str, Any], by: User, *, kicked: bool
    ) -> int | None:
        change = shapes.my_chat_member(chat, by, bot, kicked=kicked, date=int(time.time()))
        queue = (QueueName.MY_CHAT_MEMBER, int(chat["id"]))
        return bot.updates.add("my_chat_member", change, queue=queue)

    def _chat(self, person: User, chat_id: int | None) -> dict[str, Any]:
        if chat_id in (None, person.id):
            return shapes.private_chat(person)
        return shapes.group_chat(self._world.group(chat_id or 0))

    def _message_with_buttons(
        self, bot: SimulatedBot, chat: dict[str, Any], message_id: int
    ) -> dict[str, Any]:
        """One that is too old to be kept comes as an ``InaccessibleMessage``, whose date is 0."""
        kept = bot.remembered(chat["id"], message_id)
        return kept or {"chat": chat, "message_id": message_id, "date": 0}


def _check_payload(payload: str) -> None:
    if not _PAYLOAD.match(payload):
        raise ActionImpossible("A Start payload has up to 64 letters, digits, dashes or _.")
