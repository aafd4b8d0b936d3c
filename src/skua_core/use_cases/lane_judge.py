"""What answers mean together: when refusals stop being one recipient's, and a broadcast pauses."""

from datetime import datetime

import msgspec

from skua_core.domain.breaker import Breaker
from skua_core.domain.broadcast import PauseReason
from skua_core.domain.content import RenderedMessage
from skua_core.domain.delivery import (
    ClaimedDelivery,
    DeliveryStatus,
    DirectOrigin,
    Reason,
    wording,
)
from skua_core.domain.subscriber import Reach
from skua_core.ids import BotId
from skua_core.ports.messenger import Blame, Refused, SendOutcome, Sent, Unreachable
from skua_core.use_cases.item_stops import Item, ItemKind, PauseItemCommand
from skua_core.use_cases.lane_lessons import LaneLessons
from skua_core.use_cases.lane_media import LaneMedia
from skua_core.use_cases.lane_messages import LaneMessage, Outgoing
from skua_core.use_cases.lane_stops import LaneStops
from skua_core.use_cases.outcomes import Verdict, judge

_PUT_BACK = Verdict(DeliveryStatus.PENDING)
_DIRECT_RETRY = 1.0
"""Seconds until a refused reply or test is tried once more."""


class Withheld(msgspec.Struct, frozen=True):
    """An outcome that isn't recorded until more is known."""

    outgoing: Outgoing
    verdict: Verdict
    started_at: datetime


class LaneJudge:
    """Knows how each wording of a lane's messages has fared, and stops what nobody would get."""

    def __init__(
        self, *, bot_id: BotId, media: LaneMedia, lessons: LaneLessons, stops: LaneStops
    ) -> None:
        self._bot_id = bot_id
        self._media = media
        self._lessons = lessons
        self._stops = stops
        self._wordings: dict[tuple[Item, str], Breaker] = {}
        self._chats: dict[Item, Breaker] = {}
        self._withheld: dict[Item, list[Withheld]] = {}
        self._received: set[tuple[Item, str]] = set()
        """Wordings of auto-messages."""
        self.released: list[Withheld] = []
        """Withheld outcomes of which the verdict is known by now; for the sender to take."""

    @property
    def withheld(self) -> int:
        """How many outcomes wait for a verdict."""
        return sum(map(len, self._withheld.values()))

    def verdict(
        self,
        outgoing: Outgoing,
        content: RenderedMessage,
        outcome: SendOutcome,
        started_at: datetime,
    ) -> Verdict | None:
        """What follows for this delivery; None for one that is withheld."""
        message = outgoing.message
        match outcome:
            case Sent(_, file_ids):
                if outgoing.carriage is not None:
                    self._media.learn(outgoing.carriage, file_ids)
                if message is None:
                    self._succeed_directly(outgoing.delivery.origin)
                elif message.watched:
                    self._succeed(message, outgoing)
            case Refused(description, Blame.CONTENT | Blame.MEDIUM as blame):
                if blame is Blame.MEDIUM and self._media.outdated(outgoing.media, content.media):
                    return _PUT_BACK
                if message is None:
                    return self._refuse_directly(outgoing.delivery, description)
                return self._refuse(message, outgoing, description)
            case Refused(description, Blame.PAYMENT) if message is not None:
                self._pause(message, PauseReason.PAYMENT_REFUSED, description)
                return _PUT_BACK
            case Unreachable(Reach.INVALID) if message is not None:
                verdict = judge(outcome)
                return self._not_found(message, Withheld(outgoing, verdict, started_at))
        return judge(outcome, migrated=outgoing.delivery.migrated)

    def release(self) -> None:
        """Nothing will tell more about what is withheld: it means what it says."""
        for withheld in self._withheld.values():
            self.released += withheld
        self._withheld.clear()
        self._chats.clear()

    def put_back(self) -> None:
        """Whoever holds the lane next shall find out about what is withheld."""
        for withheld in self._withheld.values():
            self.released += (msgspec.structs.replace(each, verdict=_PUT_BACK) for each in withheld)
        self._withheld.clear()
        self._chats.clear()

    # Broadcasts

    def _succeed(self, message: LaneMessage, outgoing: Outgoing) -> None:
        tag = message.tag(outgoing.delivery.values.language)
        name = wording(message.revision, tag)
        if tag not in message.received:
            message.received.add(tag)
            self._lessons.received.add((message.item.id, name))
        self._wordings.pop((message.item, name), None)
        self._chats.pop(message.item, None)
        self.released += self._withheld.pop(message.item, ())
        message.watched = len(message.tags) > 1

    def _refuse(self, message: LaneMessage, outgoing: Outgoing, description: str) -> Verdict:
        delivery = outgoing.delivery
        tag = message.tag(delivery.values.language)
        if delivery.refused and tag in message.received:
            return Verdict(DeliveryStatus.FAILED, Reason.CONTENT, description)
        if message.item not in self._stops.items:
            name = message.item, wording(message.revision, tag)
            breaker = self._wordings.setdefault(name, Breaker())
            message.watched = True
            if breaker.refuse(delivery.subscriber_id) or delivery.refused:
                self._pause(message, PauseReason.CONTENT_REFUSED, description)
        return Verdict(DeliveryStatus.PENDING, Reason.CONTENT, description, behind=True)

    def _not_found(self, message: LaneMessage, found: Withheld) -> Verdict | None:
        """A chat or two may be gone; a row of them says that this isn't the bot's audience."""
        delivery = found.outgoing.delivery
        if delivery.refused and message.received:
            return found.verdict
        behind = _behind(found.verdict)
        if message.item in self._stops.items:
            return behind
        message.watched = True
        breaker = self._chats.setdefault(message.item, Breaker())
        if not breaker.refuse(delivery.subscriber_id):
            self._withheld.setdefault(message.item, []).append(found)
            return None
        self.released += (
            msgspec.structs.replace(each, verdict=_behind(each.verdict))
            for each in self._withheld.pop(message.item, ())
        )
        self._pause(message, PauseReason.CHATS_NOT_FOUND, found.verdict.detail)
        return behind

    def _pause(self, message: LaneMessage, reason: PauseReason, detail: str | None) -> None:
        """Whoever resumes it begins to count anew."""
        self._stops.stop(
            PauseItemCommand(
                bot_id=self._bot_id,
                item=message.item,
                reason=reason,
                detail=detail,
                revision=message.revision,
            )
        )
        for tag in message.tags:
            self._wordings.pop((message.item, wording(message.revision, tag)), None)
        self._chats.pop(message.item, None)

    # Replies and tests

    def _succeed_directly(self, origin: DirectOrigin | None) -> None:
        name = _auto_message(origin)
        if name is None:
            return
        self._wordings.pop(name, None)
        if name not in self._received:
            self._received.add(name)
            self._lessons.received.add((name[0].id, name[1]))

    def _refuse_directly(self, delivery: ClaimedDelivery, description: str) -> Verdict:
        name = _auto_message(delivery.origin)
        if name is not None:
            self._doubt(name, delivery, description)
        if delivery.refused:
            return Verdict(DeliveryStatus.FAILED, Reason.CONTENT, description)
        return Verdict(DeliveryStatus.PENDING, Reason.CONTENT, description, retry_in=_DIRECT_RETRY)

    def _doubt(self, name: tuple[Item, str], delivery: ClaimedDelivery, description: str) -> None:
        """Pause an auto-message that nobody gets any more, or never did."""
        tripped = self._wordings.setdefault(name, Breaker()).refuse(delivery.subscriber_id)
        if tripped or (delivery.refused and name not in self._received):
            self._stops.stop(
                PauseItemCommand(
                    bot_id=self._bot_id,
                    item=name[0],
                    reason=PauseReason.CONTENT_REFUSED,
                    detail=description,
                    unless_received=None if tripped else name[1],
                )
            )


def _behind(verdict: Verdict) -> Verdict:
    return Verdict(DeliveryStatus.PENDING, verdict.reason, verdict.detail, behind=True)


def _auto_message(origin: DirectOrigin | None) -> tuple[Item, str] | None:
    """It and its wording; None for what doesn't come from one."""
    if origin is None or origin.auto_message_id is None:
        return None
    item = Item(ItemKind.AUTO_MESSAGE, origin.auto_message_id)
    return item, wording(origin.revision, origin.variant)
