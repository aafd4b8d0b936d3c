"""What follows from one answer: the table "Outcome of one send", as pure functions."""

from datetime import datetime

import msgspec

from skua_core.domain.delivery import ClaimedDelivery, DeliveryStatus, Reason, Settlement
from skua_core.domain.subscriber import Reach
from skua_core.ids import ChatId
from skua_core.ports.messenger import (
    Blame,
    Migrated,
    NotSent,
    Refused,
    SendOutcome,
    Sent,
    Throttled,
    Unauthorized,
    Unknown,
    Unreachable,
)

_REASONS = {
    Reach.BLOCKED: Reason.BLOCKED,
    Reach.DEACTIVATED: Reason.DEACTIVATED,
    Reach.INVALID: Reason.CHAT_NOT_FOUND,
}
NOT_SENT_RETRY = 2.0
"""Seconds before a delivery is tried again that never left this machine."""


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """A row's new state, without the row."""

    status: DeliveryStatus
    reason: Reason | None = None
    detail: str | None = None
    message_id: int | None = None
    retry_in: float = 0.0
    reach: Reach | None = None
    new_chat_id: ChatId | None = None
    behind: bool = False
    chat_wait: float | None = None


def judge(outcome: SendOutcome, *, migrated: bool = False) -> Verdict:  # noqa: PLR0911 - a table
    """What an answer means for its delivery, whatever others were answered.

    ``migrated`` says that this delivery was put back once already because its chat had moved.
    """
    match outcome:
        case Sent(message_id):
            return Verdict(DeliveryStatus.SENT, message_id=message_id)
        case Throttled(retry_after):
            return Verdict(DeliveryStatus.PENDING, retry_in=retry_after)
        case NotSent():
            return Verdict(DeliveryStatus.PENDING, retry_in=NOT_SENT_RETRY)
        case Unauthorized():
            return Verdict(DeliveryStatus.PENDING)
        case Unknown(reason, answered):
            why = Reason.SERVER_ERROR if answered else Reason.NO_ANSWER
            return Verdict(DeliveryStatus.UNCERTAIN, why, reason)
        case Unreachable(reach, description):
            return Verdict(DeliveryStatus.FAILED, _REASONS[reach], description, reach=reach)
        case Migrated(new_chat_id) if not migrated:
            return Verdict(DeliveryStatus.PENDING, new_chat_id=new_chat_id)
        case Migrated():
            return Verdict(DeliveryStatus.FAILED, Reason.REFUSED, "the chat keeps moving")
        case Refused(description, blame):
            why = Reason.CONTENT if blame in {Blame.CONTENT, Blame.MEDIUM} else Reason.REFUSED
            return Verdict(DeliveryStatus.FAILED, why, description)


def settle(delivery: ClaimedDelivery, verdict: Verdict, started_at: datetime) -> Settlement:
    if verdict.status is DeliveryStatus.SENT:  # nearly all of them, and they say little
        return Settlement(
            key=delivery.key,
            attempt=delivery.attempt,
            subscriber_id=delivery.subscriber_id,
            status=DeliveryStatus.SENT,
            started_at=started_at,
            message_id=verdict.message_id,
        )
    return Settlement(
        key=delivery.key,
        attempt=delivery.attempt,
        subscriber_id=delivery.subscriber_id,
        status=verdict.status,
        started_at=started_at,
        reason=verdict.reason,
        detail=verdict.detail,
        message_id=verdict.message_id,
        retry_in=verdict.retry_in,
        reach=verdict.reach,
        new_chat_id=verdict.new_chat_id,
        behind=verdict.behind,
        chat_wait=verdict.chat_wait,
    )


class ThrottleScope:
    """Decides whether a 429 concerns one chat or the whole lane.

    It is one chat's when others were accepted within the last second and this one is a group, or
    had another message within a minute. A second chat's 429 within two seconds means the lane.
    """

    _ACCEPTED_WITHIN = 1.0
    _MINUTE = 60.0
    _SECOND_CHAT_WITHIN = 2.0

    def __init__(self) -> None:
        self._accepted_at = float("-inf")
        self._accepted_chat: int | None = None
        self._throttled_at = float("-inf")
        self._throttled_chat: int | None = None
        self._repeated: dict[int, tuple[float, float]] = {}

    def sent(self, chat_id: int, now: float) -> None:
        """A reply or other direct message left for this chat; broadcasts come once per chat."""
        before = self._repeated.pop(chat_id, (float("-inf"), float("-inf")))
        self._repeated[chat_id] = (before[1], now)
        oldest = next(iter(self._repeated))
        if now - self._repeated[oldest][1] > self._MINUTE:
            del self._repeated[oldest]

    def accepted(self, chat_id: int, now: float) -> None:
        self._accepted_chat, self._accepted_at = chat_id, now

    def only_chat(self, chat_id: int, now: float) -> bool:
        """True when only this chat must wait."""
        second_chat = (
            self._throttled_chat not in {None, chat_id}
            and now - self._throttled_at <= self._SECOND_CHAT_WITHIN
        )
        self._throttled_chat, self._throttled_at = chat_id, now
        others_pass = (
            self._accepted_chat != chat_id and now - self._accepted_at <= self._ACCEPTED_WITHIN
        )
        return others_pass and not second_chat and (chat_id < 0 or self._sent_twice(chat_id, now))

    def _sent_twice(self, chat_id: int, now: float) -> bool:
        before_last, _ = self._repeated.get(chat_id, (float("-inf"), 0.0))
        return now - before_last <= self._MINUTE
