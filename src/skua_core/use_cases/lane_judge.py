"""What answers mean together: when refusals stop being one recipient's, and a broadcast pauses."""

from collections.abc import Iterable
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
from skua_core.ports.messenger import Blame, Refused, SendOutcome, Sent, Unknown, Unreachable
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
    message: LaneMessage
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
        self._auto_messages: dict[tuple[Item, str], Breaker] = {}
        """By wording."""
        self._received: set[tuple[Item, str]] = set()
        """Wordings of auto-messages that somebody has received."""
        self._withheld: list[Withheld] = []
        self.released: list[Withheld] = []
        """Withheld outcomes whose verdict is known by now; for the sender to take."""

    @property
    def withheld(self) -> int:
        """How many outcomes wait for a verdict."""
        return len(self._withheld)

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
                    self._succeed(message, outgoing.delivery)
            case Refused(_, Blame.CONTENT | Blame.MEDIUM):
                return self._blame(outgoing, content, outcome)
            case Unknown(refused=Refused(_, Blame.CONTENT | Blame.MEDIUM) as refused):
                self._blame(outgoing, content, refused)
            case Refused(words, Blame.PAYMENT) if message is not None:
                self._pause(message, PauseReason.PAYMENT_REFUSED, words)
                return _PUT_BACK
            case Unknown(refused=Refused(words, Blame.PAYMENT)) if message is not None:
                self._pause(message, PauseReason.PAYMENT_REFUSED, words)
            case Unreachable(Reach.INVALID) if message is not None:
                return self._not_found(Withheld(outgoing, message, judge(outcome), started_at))
        return judge(outcome, migrated=outgoing.delivery.migrated)

    def _blame(self, outgoing: Outgoing, content: RenderedMessage, refused: Refused) -> Verdict:
        """The message itself is at fault, or one of its media."""
        if refused.blame is Blame.MEDIUM and self._media.outdated(outgoing.media, content.media):
            return _PUT_BACK
        if outgoing.message is None:
            return self._refuse_directly(outgoing.delivery, refused.description)
        return self._refuse(outgoing.message, outgoing.delivery, refused.description)

    def release(self, item: Item | None = None) -> None:
        """What is withheld, of one item or of all, means what it says."""
        self.released += self._take_withheld(item)

    def put_back(self) -> None:
        """Whoever holds the lane next shall find out about what is withheld."""
        self._release_as(_PUT_BACK, self._take_withheld())

    def _take_withheld(self, item: Item | None = None) -> list[Withheld]:
        taken = [each for each in self._withheld if item is None or each.message.item == item]
        self._withheld = [each for each in self._withheld if item not in {None, each.message.item}]
        for each in taken:
            each.message.not_found.succeed()
        return taken

    def _release_as(self, verdict: Verdict, withheld: Iterable[Withheld]) -> None:
        self.released += (msgspec.structs.replace(each, verdict=verdict) for each in withheld)

    # Broadcasts

    def _succeed(self, message: LaneMessage, delivery: ClaimedDelivery) -> None:
        tag = message.tag(delivery.values.language)
        if tag not in message.received:
            message.received.add(tag)
            self._lessons.received.add((message.item.id, wording(message.revision, tag)))
        message.refusals.pop(tag, None)
        if self._withheld:
            self.release(message.item)
        message.watched = len(message.tags) > 1

    def _refuse(self, message: LaneMessage, delivery: ClaimedDelivery, description: str) -> Verdict:
        tag = message.tag(delivery.values.language)
        if delivery.refused and tag in message.received:
            return Verdict(DeliveryStatus.FAILED, Reason.CONTENT, description)
        message.watched = True
        tripped = message.refusals.setdefault(tag, Breaker()).refuse(delivery.subscriber_id)
        if tripped or delivery.refused:
            self._pause(message, PauseReason.CONTENT_REFUSED, description)
        return Verdict(DeliveryStatus.PENDING, Reason.CONTENT, description, behind=True)

    def _not_found(self, found: Withheld) -> Verdict | None:
        """A chat or two may be gone; a row of them says that this isn't the bot's audience."""
        message, delivery = found.message, found.outgoing.delivery
        if message.unknown_chats_accepted or (delivery.refused and message.received):
            return found.verdict
        message.watched = True
        if not message.stopped and not message.not_found.refuse(delivery.subscriber_id):
            self._withheld.append(found)
            return None
        behind = msgspec.structs.replace(
            found.verdict, status=DeliveryStatus.PENDING, reach=None, behind=True
        )
        self._release_as(behind, self._take_withheld(message.item))
        self._pause(message, PauseReason.CHATS_NOT_FOUND, found.verdict.detail)
        return behind

    def _pause(self, message: LaneMessage, reason: PauseReason, detail: str | None) -> None:
        if message.stopped:
            return
        message.stopped = True
        self._stops.stop(
            PauseItemCommand(
                bot_id=self._bot_id,
                item=message.item,
                reason=reason,
                detail=detail,
                revision=message.revision,
            )
        )

    # Replies and tests

    def _succeed_directly(self, origin: DirectOrigin | None) -> None:
        name = _auto_message(origin)
        if name is None:
            return
        self._auto_messages.pop(name, None)
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
        tripped = self._auto_messages.setdefault(name, Breaker()).refuse(delivery.subscriber_id)
        if tripped:
            del self._auto_messages[name]  # whoever resumes it begins to count anew
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


def _auto_message(origin: DirectOrigin | None) -> tuple[Item, str] | None:
    """It and its wording; None for what doesn't come from one."""
    if origin is None or origin.auto_message_id is None:
        return None
    item = Item(ItemKind.AUTO_MESSAGE, origin.auto_message_id)
    return item, wording(origin.revision, origin.variant)
