"""Which chats a bot may write to or read from, and what it's told of the others."""

from .refusals import Refusal, bad_request, forbidden, migrated
from .world import Group, GroupKind, SimulatedBot, User, World


def writable_chat(world: World, bot: SimulatedBot, chat_id: int) -> User | Group:
    """As far as the Bot API's own server knows. Raises ``Refusal``."""
    if chat_id < 0:
        return _group(world, bot, chat_id)
    if world.is_bot(chat_id):
        raise forbidden("bot can't send messages to bots")
    user = world.find_user(chat_id)
    if user is None:
        raise bad_request("chat not found")
    if chat_id in bot.started:
        return user
    if chat_id in bot.met:
        raise forbidden("bot can't initiate conversation with a user")
    raise bad_request("chat not found")


def check_open(world: World, bot: SimulatedBot, chat: User | Group) -> None:
    """What only Telegram's data centres know. Raises ``Refusal``."""
    if chat.id in world.deactivated:
        raise forbidden("user is deactivated")
    if chat.id in bot.blocked_by:
        raise forbidden("bot was blocked by the user")


def check_readable(world: World, bot: SimulatedBot, chat_id: int) -> None:
    """Raises ``Refusal`` for a chat whose messages the bot never saw."""
    if chat_id < 0:
        _group(world, bot, chat_id)
    elif world.find_user(chat_id) is None or chat_id not in bot.started:
        raise bad_request("chat not found")


def _group(world: World, bot: SimulatedBot, chat_id: int) -> Group:
    group = world.find_group(chat_id)
    if group is None or group.bot_id != bot.id:
        raise bad_request("chat not found")
    if group.migrated_to is not None:
        raise migrated(group.migrated_to)
    if group.kicked:
        raise _kicked(group)
    return group


def _kicked(group: Group) -> Refusal:
    kind = "group" if group.kind is GroupKind.GROUP else "supergroup"
    return forbidden(f"bot was kicked from the {kind} chat")
