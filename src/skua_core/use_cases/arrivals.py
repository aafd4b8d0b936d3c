"""What an update changes: whose chat it is, and what happened there."""

from datetime import datetime

import msgspec

from skua_core.domain.callbacks import Press, read_callback_data
from skua_core.domain.content import ButtonAction
from skua_core.domain.subscriber import Profile, Reach, Subscriber
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
from skua_core.ids import ChatId, SubscriberId
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.tenant_storage import TenantUnit
from skua_core.use_cases.replies import Replies, is_link_code


class CallbackReply(msgspec.Struct, frozen=True):
    """What Telegram is told about a button press; without a text the button just stops waiting."""

    callback_id: str
    text: str | None = None
    alert: bool = False


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from an update that was taken in."""

    has_work: bool = False
    """Something was queued that the lane should send."""
    callback: CallbackReply | None = None
    seen: RepliedMessage | None = None
    """A message of the bot's that the chat certainly has, for it was pressed or replied to."""
    blocked_at: datetime | None = None
    """When the person blocked the bot, which they hadn't before."""


class Arrivals:
    """Turns updates into subscriber state, replies and tags.

    A chat becomes a subscriber with the first thing that is heard of it, a block included: the
    ``/start`` that came before that block may still be on its way.
    """

    def __init__(self, *, clock: Clock, ids: IdFactory, replies: Replies) -> None:
        self._clock = clock
        self._ids = ids
        self._replies = replies

    async def apply(self, unit: TenantUnit, update: Update) -> Arrived:
        chat_id = update.chat_id
        match update.event:
            case Ignored():
                return Arrived()
            case ChatMigrated(new_chat_id):
                if chat_id is not None:
                    await unit.subscribers.migrate(chat_id, new_chat_id)
                return Arrived()
            case event if chat_id is not None:
                return await self._happen(unit, chat_id, update, event)
        return Arrived()

    async def _happen(
        self, unit: TenantUnit, chat_id: ChatId, update: Update, event: Event
    ) -> Arrived:
        at = update.at or self._clock.now()
        subscriber = await unit.subscribers.by_chat(chat_id, lock=True)
        if subscriber is None:
            subscriber = Subscriber.newcomer(
                SubscriberId(self._ids.new()), chat_id, kind=update.kind, joined_at=at
            )
        _introduce(subscriber, update.profile, at)
        before = subscriber.reach
        _change(subscriber, event, at)
        action = None
        if isinstance(event, CallbackPressed):
            action = await find_action(unit, chat_id, event)
            if action is not None and action.tag is not None:
                subscriber.tag(action.tag)
        await unit.subscribers.save(subscriber)
        newly_blocked = before is Reach.REACHABLE and subscriber.reach is Reach.BLOCKED
        return Arrived(
            has_work=await self._reply(unit, subscriber, event, at),
            callback=callback_reply(event, action),
            seen=_seen(event),
            blocked_at=at if newly_blocked else None,
        )

    async def _reply(
        self, unit: TenantUnit, subscriber: Subscriber, event: Event, at: datetime
    ) -> bool:
        match event:
            case Started(payload):
                return await self._replies.to_start(unit, subscriber, payload, at)
            case MessageReceived(text):
                return await self._replies.to_text(unit, subscriber, text, at)
            case Stopped():
                return await self._replies.to_stop(unit, subscriber)
        return False


async def find_action(
    unit: TenantUnit, chat_id: ChatId, event: CallbackPressed
) -> ButtonAction | None:
    """What Skua should do about a press; None for a button that isn't Skua's own."""
    press = read_callback_data(event.data or "")
    if press is None:
        return None
    revision = await unit.campaigns.sent_as(press.source_id, chat_id)
    if revision is None:
        return None
    actions = revision.compiled.actions
    return actions[press.number] if press.number < len(actions) else None


def callback_reply(event: Event, action: ButtonAction | None) -> CallbackReply | None:
    if not isinstance(event, CallbackPressed):
        return None
    if action is None:
        return CallbackReply(event.callback_id)
    return CallbackReply(event.callback_id, action.answer, action.alert)


def press_of(seen: RepliedMessage) -> Press | None:
    """The source of a message that has a button of Skua's own."""
    for data in seen.callback_data:
        if (press := read_callback_data(data)) is not None:
            return press
    return None


def _seen(event: Event) -> RepliedMessage | None:
    match event:
        case CallbackPressed(_, data, message_id) if message_id is not None:
            return RepliedMessage(message_id=message_id, callback_data=(data or "",))
        case MessageReceived(_, reply_to):
            return reply_to
    return None


def _change(subscriber: Subscriber, event: Event, at: datetime) -> None:
    match event:
        case Started(payload):
            subscriber.start(at, source=None if is_link_code(payload) else payload)
        case Stopped():
            subscriber.stop(at)
        case MessageReceived():
            subscriber.speak(at)
        case CallbackPressed():
            subscriber.see(at)
        case Blocked():
            subscriber.change_reach(Reach.BLOCKED, at)
        case Unblocked():
            subscriber.change_reach(Reach.REACHABLE, at)


def _introduce(subscriber: Subscriber, profile: Profile, at: datetime) -> None:
    """Keep the newest names that Telegram told, and none where it told nothing."""
    seen_at = subscriber.last_seen_at
    if profile != Profile() and (seen_at is None or at >= seen_at):
        subscriber.profile = profile
