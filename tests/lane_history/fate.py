"""What may become of one delivery that was claimed."""

from datetime import datetime
from enum import Enum, auto

from skua_core.domain.delivery import ClaimedDelivery, DeliveryStatus, Reason, Settlement
from skua_core.domain.subscriber import Reach
from skua_core.ids import ChatId


class Fate(Enum):
    SENT = auto()
    NOT_SENT = auto()
    REFUSED = auto()
    UNANSWERED = auto()
    """It arrived, and the answer didn't."""
    SENT_BY_A_DYING_WORKER = auto()
    """It arrived, and nobody is left to say so."""
    STILL_IN_FLIGHT = auto()


_OUTCOMES = {
    Fate.SENT: DeliveryStatus.SENT,
    Fate.NOT_SENT: DeliveryStatus.PENDING,
    Fate.REFUSED: DeliveryStatus.FAILED,
    Fate.UNANSWERED: DeliveryStatus.UNCERTAIN,
}
_REASONS = {
    DeliveryStatus.FAILED: Reason.BLOCKED,
    DeliveryStatus.UNCERTAIN: Reason.NO_ANSWER,
}


def settlement_of(
    delivery: ClaimedDelivery, fate: Fate, *, at: datetime, new_chat_id: ChatId | None
) -> Settlement | None:
    """What its sender records; None when there is nothing to, or nobody."""
    status = _OUTCOMES.get(fate)
    if status is None:
        return None
    return Settlement(
        key=delivery.key,
        attempt=delivery.attempt,
        subscriber_id=delivery.subscriber_id,
        status=status,
        started_at=at,
        reason=_REASONS.get(status),
        reach=Reach.BLOCKED if status is DeliveryStatus.FAILED else None,
        new_chat_id=new_chat_id,
    )
