"""What all sending methods have in common: the chat, the options, the limits and the price."""

import time
from typing import Any

import msgspec

from . import shapes
from .chats import check_open, writable_chat
from .entities import Entity
from .history import Message, without_reply
from .keyboards import callback_buttons, check_inline_keyboard, read_reply_markup
from .limits import RateLimits
from .parameters import Parameters
from .receipts import ReceiptMedia
from .refusals import bad_request, too_many_requests
from .world import Group, SimulatedBot, User, World

EFFECTS = frozenset(
    {
        "5104841245755180586",  # fire
        "5107584321108051014",  # thumbs up
        "5104858069142078462",  # thumbs down
        "5159385139981059251",  # heart
        "5044134455711629726",  # heart, as it was at first
        "5046509860389126442",  # tada
        "5046589136895476101",  # poo
    }
)
"""The message effects that bots use without paying. Telegram publishes no list."""


_HIGHEST = (1 << 63) - 1


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A message, or several, that were accepted."""

    answer: Any
    message_ids: tuple[int, ...]
    media: tuple[ReceiptMedia, ...] = ()
    stars: float = 0.0
    """What it cost."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message goes and how; the Bot API's own server has nothing against it."""

    chat: User | Group
    markup: dict[str, Any] | None
    paid: bool
    protected: bool
    effect_id: str
    reply_to: int | None


def read_envelope(
    world: World, bot: SimulatedBot, parameters: Parameters, *, may_have_markup: bool = True
) -> Envelope:
    """Raises ``Refusal``."""
    reply_to = _reply_to(parameters)
    markup = None
    if may_have_markup:
        markup = read_reply_markup(
            parameters.json("reply_markup", refusal="can't parse reply keyboard markup JSON object")
        )
    chat = writable_chat(world, bot, parameters.chat_id())
    if reply_to is not None and not _can_be_replied(world, bot, chat.id, reply_to):
        raise bad_request("message to be replied not found")
    effect_id = _effect_id(parameters) if "message_effect_id" in parameters.raw else ""
    if effect_id and isinstance(chat, Group):
        raise bad_request("can't use message effects in the chat")
    return Envelope(
        chat=chat,
        markup=markup,
        paid=parameters.flag("allow_paid_broadcast"),
        protected=parameters.flag("protect_content"),
        effect_id=effect_id,
        reply_to=reply_to,
    )


def admit(world: World, limits: RateLimits, bot: SimulatedBot, envelope: Envelope) -> None:
    """What Telegram's data centres say before they look at the content. Raises ``Refusal``."""
    # What can't be read never reaches Telegram's own servers, so it isn't counted there.
    if envelope.paid:
        bot.stars.check(0)
    throttle = limits.admit(bot.id, envelope.chat.id, paid=envelope.paid, now=time.monotonic())
    if throttle is not None:
        raise too_many_requests(throttle.retry_after, throttle.scope)
    check_open(world, bot, envelope.chat)
    if envelope.effect_id and envelope.effect_id not in EFFECTS:
        raise bad_request("EFFECT_ID_INVALID")
    if envelope.markup is not None:
        check_inline_keyboard(envelope.markup)


def pay(limits: RateLimits, bot: SimulatedBot, envelope: Envelope, messages: int = 1) -> float:
    """The price in Stars, taken from the balance: the last step before a message is accepted.

    Raises ``Refusal``.
    """
    if not envelope.paid:
        return 0.0
    charged = limits.above_free_rate(bot.id, messages, now=time.monotonic())
    bot.stars.check(charged)
    bot.stars.charge(charged)
    return charged / 10


def deliver(
    world: World, bot: SimulatedBot, envelope: Envelope, content: dict[str, Any]
) -> Message:
    """The message as it arrives, with ``content`` in it."""
    chat = envelope.chat
    message: Message = {
        "message_id": bot.next_message_id(),
        "from": shapes.bot_as_user(bot),
        "chat": shapes.private_chat(chat) if isinstance(chat, User) else shapes.group_chat(chat),
        "date": int(time.time()),
    }
    message.update(content)
    if envelope.markup is not None:
        message["reply_markup"] = envelope.markup
    if envelope.protected:
        message["has_protected_content"] = True
    if envelope.effect_id:
        message["effect_id"] = envelope.effect_id
    if envelope.reply_to is not None:
        _refer(world, bot, message, envelope.reply_to)
    world.history.keep(bot.id, message)
    if callback_buttons(envelope.markup):
        bot.remember(chat.id, message["message_id"], message)
    return message


def shown_entities(world: World, field: str, entities: list[Entity]) -> dict[str, Any]:
    """Mentions carry the whole user; whoever isn't known stays plain text."""
    kept = []
    for entity in entities:
        if entity.user is not None:
            person = world.find_user(entity.user["id"])
            if person is None:
                continue
            entity.user = shapes.user(person)
        kept.append(entity)
    return {field: kept} if kept else {}


def _can_be_replied(world: World, bot: SimulatedBot, chat_id: int, message_id: int) -> bool:
    """Also to one that is too old to be kept."""
    sent = 0 < message_id <= bot.last_message_id
    return sent and not world.history.was_deleted(bot.id, chat_id, message_id)


def _effect_id(parameters: Parameters) -> str:
    """Empty for none, and for what is no number."""
    number = parameters.integer("message_effect_id", default=0, low=-_HIGHEST, high=_HIGHEST)
    return str(number) if number else ""


def _refer(world: World, bot: SimulatedBot, message: Message, reply_to: int) -> None:
    """A message that isn't kept any more is replied to without being shown."""
    earlier = world.history.find(bot.id, message["chat"]["id"], reply_to)
    if earlier is not None:
        message["reply_to_message"] = without_reply(earlier)


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
