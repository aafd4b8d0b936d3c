"""Deliveries: one message to one subscriber, and what became of it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

import msgspec

from skua_core.domain.content import Personalisation, RenderedMessage
from skua_core.domain.secret import SealedSecret
from skua_core.domain.subscriber import Reach
from skua_core.ids import (
    AutoMessageId,
    BroadcastId,
    CampaignId,
    ChatId,
    SourceId,
    SubscriberId,
)


class DeliveryKind(StrEnum):
    """Listed by priority: what a person waits for leaves first."""

    REPLY = "reply"
    TEST = "test"
    AUTO_MESSAGE = "auto_message"
    BROADCAST = "broadcast"


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNCERTAIN = "uncertain"
    """The request left and no answer came: it may have arrived. Never retried by itself."""


class Reason(StrEnum):
    """Why a delivery failed, was skipped, or is uncertain, or what came of it later."""

    BLOCKED = "blocked"
    DEACTIVATED = "deactivated"
    CHAT_NOT_FOUND = "chat_not_found"
    CONTENT = "content"
    REFUSED = "refused"
    """Telegram said no for a reason that Skua doesn't know; its words are kept."""
    UNRENDERABLE = "unrenderable"
    """With this subscriber's values the message is empty or too long."""
    UNSUBSCRIBED = "unsubscribed"
    UNREACHABLE = "unreachable"
    """The subscriber had become unreachable before its turn came."""
    ERASED = "erased"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DUPLICATE = "duplicate"
    """The chat turned out to be one that is in the audience already."""
    NO_ANSWER = "no_answer"
    SERVER_ERROR = "server_error"
    LANE_TAKEN_OVER = "lane_taken_over"
    """The process that had claimed it ended or froze before it recorded an outcome."""
    BLOCKED_AFTER = "blocked_after"
    """They got it, and blocked the bot afterwards."""


REASONS: Mapping[DeliveryStatus, frozenset[Reason]] = MappingProxyType(
    {
        DeliveryStatus.FAILED: frozenset(
            {
                Reason.BLOCKED,
                Reason.DEACTIVATED,
                Reason.CHAT_NOT_FOUND,
                Reason.CONTENT,
                Reason.REFUSED,
                Reason.UNRENDERABLE,
            }
        ),
        DeliveryStatus.SKIPPED: frozenset(
            {
                Reason.UNSUBSCRIBED,
                Reason.UNREACHABLE,
                Reason.ERASED,
                Reason.EXPIRED,
                Reason.CANCELLED,
                Reason.DUPLICATE,
            }
        ),
        DeliveryStatus.UNCERTAIN: frozenset(
            {Reason.NO_ANSWER, Reason.SERVER_ERROR, Reason.LANE_TAKEN_OVER}
        ),
        DeliveryStatus.SENT: frozenset({Reason.BLOCKED_AFTER}),
    }
)
"""Which reasons belong to which outcome. A delivery that was refused once has the reason also while
it waits for its next turn and while that lasts; the others have none."""


class DeliveryKey(msgspec.Struct, frozen=True, gc=False):
    """Where a delivery stands in its bot's ledger."""

    source_id: SourceId
    position: int


class DirectOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """Which campaign a single message was rendered from, and what asked for it."""

    campaign_id: CampaignId
    revision: int
    variant: str = ""
    """Tag of the wording that this subscriber gets; ``""`` for the one without a tag."""
    auto_message_id: AutoMessageId | None = None
    """None for a test."""


class ClaimedDelivery(msgspec.Struct, frozen=True, gc=False):
    """A delivery that this lane's holder, and nobody else, is about to send."""

    key: DeliveryKey
    attempt: int
    kind: DeliveryKind
    subscriber_id: SubscriberId
    chat_id: ChatId
    values: Personalisation
    campaign_id: CampaignId | None
    """The message is this campaign's ``revision``; None for a direct message."""
    revision: int | None
    paid: bool = False
    message: RenderedMessage | None = None
    """The message itself, for a direct message."""
    migrated: bool = False
    """It was put back once already because its chat had moved."""
    refused: bool = False
    """Telegram refused this very revision for this delivery already: it was put back with a reason
    (``Settlement.behind``)."""
    origin: DirectOrigin | None = None
    """Where the message of a reply or test comes from; None for one that Skua words itself."""


class Claim(msgspec.Struct, frozen=True):
    """What a claim brought."""

    deliveries: tuple[ClaimedDelivery, ...] = ()
    sealed_token: SealedSecret | None = None
    """None when a gate is closed: then there are no deliveries either."""
    more: bool = False
    """Something else could be claimed now, had there been room."""
    next_due_in: float | None = None
    """Seconds until the next reply or delivery that was put back comes due; None if there is none.

    Zero for one that is due and waits for its chat.
    """
    to_freeze: BroadcastId | None = None
    """A sending broadcast whose audience has still to be frozen."""
    to_cancel: BroadcastId | None = None
    """A cancelled broadcast that still has pending rows."""
    to_resend: BroadcastId | None = None
    """A broadcast some of whose outcomes have still to be made pending again."""
    received: tuple[str, ...] = ()
    """Wordings of the sending broadcast that somebody has received (``wording``)."""


class Settlement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of one claimed delivery: a row's new state, and what follows from it."""

    key: DeliveryKey
    attempt: int
    subscriber_id: SubscriberId
    status: DeliveryStatus
    """Never IN_FLIGHT. PENDING puts it back, to be claimed again ``retry_in`` seconds from now."""
    started_at: datetime
    """When the request began, by the Clock: dates what is learned about the subscriber."""
    reason: Reason | None = None
    detail: str | None = None
    """Telegram's own words, where they tell more than the reason."""
    message_id: int | None = None
    retry_in: float = 0.0
    reach: Reach | None = None
    """What the answer told about the subscriber."""
    new_chat_id: ChatId | None = None
    """The chat moved: the subscriber's chat id changes too, or the two subscribers merge."""
    behind: bool = False
    """Put back behind all the rest of its broadcast, because its content was refused, or one chat
    after another isn't found: ``reason`` and ``detail`` stay on the pending row."""
    chat_wait: float | None = None
    """Seconds for which nothing may leave to this chat, whatever it comes from."""


def wording(revision: int, variant: str) -> str:
    """Names one wording of a campaign, such as ``3:pt-br``; ``3:`` is the one without a tag."""
    return f"{revision}:{variant}"


class DeliveryCounts(msgspec.Struct, frozen=True):
    """How many deliveries of one source stand where. They always add up to the audience."""

    pending: int = 0
    in_flight: int = 0
    sent: int = 0
    failed: int = 0
    skipped: int = 0
    uncertain: int = 0

    @property
    def total(self) -> int:
        return (
            self.pending + self.in_flight + self.sent + self.failed + self.skipped + self.uncertain
        )

    def of(self, status: DeliveryStatus) -> int:
        count: int = getattr(self, status.value)
        return count

    @property
    def open(self) -> int:
        """Deliveries without an outcome yet."""
        return self.pending + self.in_flight
