"""What an update changes: whose chat it is, and what happened there."""

from datetime import datetime

from skua_core.domain.content import RenderedMessage
from skua_core.domain.delivery import DeliveryKind
from skua_core.domain.subscriber import Profile, Reach, Subscriber
from skua_core.domain.update import (
    Blocked,
    CallbackPressed,
    ChatMigrated,
    Event,
    Ignored,
    MessageReceived,
    Started,
    Stopped,
    Unblocked,
    Update,
)
from skua_core.ids import ChatId, DirectMessageId, SubscriberId
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.tenant_storage import TenantUnit

UNSUBSCRIBED_REPLY = RenderedMessage(
    "You are unsubscribed and will get no more messages. To come back, send /start."
)
REPLY_LIFETIME = 600.0
"""Seconds after which nobody waits for a reply any more."""


class Arrivals:
    """Turns updates into subscriber state.

    A chat becomes a subscriber with the first thing that is heard of it, a block included: the
    ``/start`` that came before that block may still be on its way.
    """

    def __init__(self, *, clock: Clock, ids: IdFactory) -> None:
        self._clock = clock
        self._ids = ids

    async def apply(self, unit: TenantUnit, update: Update) -> bool:
        """Whether something was queued that the lane should send."""
        chat_id = update.chat_id
        match update.event:
            case Ignored():
                return False
            case ChatMigrated(new_chat_id):
                if chat_id is not None:
                    await unit.subscribers.migrate(chat_id, new_chat_id)
                return False
            case event if chat_id is not None:
                return await self._happen(unit, chat_id, update, event)
        return False

    async def _happen(
        self, unit: TenantUnit, chat_id: ChatId, update: Update, event: Event
    ) -> bool:
        at = update.at or self._clock.now()
        subscriber = await unit.subscribers.by_chat(chat_id, lock=True)
        if subscriber is None:
            subscriber = Subscriber.newcomer(
                SubscriberId(self._ids.new()), chat_id, kind=update.kind, joined_at=at
            )
        _introduce(subscriber, update.profile, at)
        _change(subscriber, event, at)
        await unit.subscribers.save(subscriber)
        if not isinstance(event, Stopped) or not _may_be_told_of_stop(subscriber):
            return False
        await unit.deliveries.enqueue_direct(
            DirectMessageId(self._ids.new()),
            kind=DeliveryKind.REPLY,
            subscriber_id=subscriber.id,
            content=UNSUBSCRIBED_REPLY,
            lifetime=REPLY_LIFETIME,
        )
        return True


def _change(subscriber: Subscriber, event: Event, at: datetime) -> None:
    match event:
        case Started(payload):
            subscriber.start(at, source=payload)
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


def _may_be_told_of_stop(subscriber: Subscriber) -> bool:
    """Not when a later ``/start`` had come first, nor where it couldn't arrive."""
    return not subscriber.subscribed and subscriber.reach is Reach.REACHABLE
