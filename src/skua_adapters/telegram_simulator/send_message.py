"""sendMessage: the checks in Telegram's order, and the message that comes back."""

import time
from typing import Any

import msgspec

from . import shapes
from .entities import Entity
from .keyboards import callback_buttons, check_inline_keyboard, read_reply_markup
from .limits import RateLimits
from .parameters import Parameters
from .refusals import Refusal, bad_request, forbidden, migrated, too_many_requests
from .text import FormattedText, finish_text, read_text
from .world import Group, GroupKind, SimulatedBot, User, World


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the Bot API's own server has nothing against."""

    chat: User | Group
    text: FormattedText
    markup: dict[str, Any] | None
    paid: bool
    protected: bool


def send_message(
    world: World, limits: RateLimits, bot: SimulatedBot, parameters: Parameters
) -> dict[str, Any]:
    """The accepted message as the Bot API shows it. Raises ``Refusal``."""
    draft = _read(world, bot, parameters)
    # What can't be read never reaches Telegram's own servers, so it isn't counted there.
    _admit(limits, bot, draft)
    _check_open(world, bot, draft.chat)
    if draft.markup is not None:
        check_inline_keyboard(draft.markup)
    return _accept(world, bot, draft)


def _read(world: World, bot: SimulatedBot, parameters: Parameters) -> _Draft:
    formatted = read_text(
        parameters.text("text"),
        parameters.text("parse_mode"),
        parameters.json("entities", refusal="can't parse entities JSON object"),
    )
    reply_to = _reply_to(parameters)
    markup = read_reply_markup(
        parameters.json("reply_markup", refusal="can't parse reply keyboard markup JSON object")
    )
    chat = _writable_chat(world, bot, parameters.chat_id())
    if reply_to is not None and not 0 < reply_to <= bot.last_message_id:
        raise bad_request("message to be replied not found")
    return _Draft(
        chat=chat,
        text=finish_text(formatted),
        markup=markup,
        paid=parameters.flag("allow_paid_broadcast"),
        protected=parameters.flag("protect_content"),
    )


def _admit(limits: RateLimits, bot: SimulatedBot, draft: _Draft) -> None:
    if draft.paid and not bot.paid_broadcasts:
        # Which constant the hosted server answers isn't published; a bot without the switch of
        # @BotFather has no Stars to pay with either.
        raise bad_request("BALANCE_TOO_LOW")
    throttle = limits.admit(bot.id, draft.chat.id, paid=draft.paid, now=time.monotonic())
    if throttle is not None:
        raise too_many_requests(throttle.retry_after, throttle.scope)


def _accept(world: World, bot: SimulatedBot, draft: _Draft) -> dict[str, Any]:
    chat = draft.chat
    message: dict[str, Any] = {
        "message_id": bot.next_message_id(),
        "from": shapes.bot_as_user(bot),
        "chat": shapes.private_chat(chat) if isinstance(chat, User) else shapes.group_chat(chat),
        "date": int(time.time()),
        "text": draft.text.text,
    }
    entities = _named(world, draft.text.entities)
    if entities:
        message["entities"] = entities
    if draft.markup is not None:
        message["reply_markup"] = draft.markup
    if draft.protected:
        message["has_protected_content"] = True
    if callback_buttons(draft.markup):
        bot.remember(chat.id, message["message_id"], msgspec.json.encode(message))
    return message


def _reply_to(parameters: Parameters) -> int | None:
    raw = parameters.json("reply_parameters", refusal="can't parse reply parameters JSON object")
    if not raw:
        return None
    if not isinstance(raw, dict):
        raise bad_request("object expected as reply parameters")
    message_id = raw.get("message_id")
    if not isinstance(message_id, int):
        raise bad_request('can\'t find field "message_id"')
    return None if raw.get("allow_sending_without_reply") else message_id


def _writable_chat(world: World, bot: SimulatedBot, chat_id: int) -> User | Group:
    if chat_id < 0:
        return _writable_group(world, bot, chat_id)
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


def _writable_group(world: World, bot: SimulatedBot, chat_id: int) -> Group:
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


def _check_open(world: World, bot: SimulatedBot, chat: User | Group) -> None:
    if chat.id in world.deactivated:
        raise forbidden("user is deactivated")
    if chat.id in bot.blocked_by:
        raise forbidden("bot was blocked by the user")


def _named(world: World, entities: list[Entity]) -> list[Entity]:
    """Mentions carry the whole user; whoever isn't known stays plain text."""
    named = []
    for entity in entities:
        if entity.user is not None:
            person = world.find_user(entity.user["id"])
            if person is None:
                continue
            entity.user = shapes.user(person)
        named.append(entity)
    return named
