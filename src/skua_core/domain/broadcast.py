"""Broadcasts: one run of a campaign to a frozen audience."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from skua_core.domain.delivery import DeliveryCounts, DeliveryStatus, Reason
from skua_core.domain.subscriber import SubscriberStatus
from skua_core.errors import (
    BroadcastArchived,
    BroadcastStateConflict,
    NothingToResend,
    NotResendable,
)
from skua_core.ids import BroadcastId, CampaignId, UserId


class BroadcastStatus(StrEnum):
    SENDING = "sending"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    """Nobody served it for too long; it goes on when somebody resumes it."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class PauseReason(StrEnum):
    OPERATOR = "operator"
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - a reason
    CONTENT_REFUSED = "content_refused"
    """Telegram refuses the message itself; its words are the detail."""
    PAYMENT_REFUSED = "payment_refused"
    """Telegram doesn't let this bot send above the free rate, or its Stars are used up."""
    CHATS_NOT_FOUND = "chats_not_found"
    """Telegram knows none of these chats: a wrong token, or another bot's audience."""
    HARM = "harm"
    """Too many of those who got it blocked the bot."""
    UNSERVED = "unserved"


class Broadcast(msgspec.Struct, kw_only=True):
    """Its rows, not this object, say who got it; ``counts`` move with the rows."""

    id: BroadcastId
    campaign_id: CampaignId
    revision: int
    """The wording that is claimed from now on."""
    former_revisions: tuple[int, ...] = ()
    """Wordings that were claimed until a resume switched to another."""
    status: BroadcastStatus = BroadcastStatus.SENDING
    pause_reason: PauseReason | None = None
    pause_detail: str | None = None
    paid: bool = False
    frozen_at: datetime | None = None
    """When the audience was frozen; before that nothing is claimed."""
    counts: DeliveryCounts = DeliveryCounts()
    excluded: Mapping[SubscriberStatus, int] = {}
    """Subscribers who weren't taken into the audience, by why."""
    resending: tuple[DeliveryStatus, ...] = ()
    """Outcomes that are being made pending again; empty when that is done."""
    unknown_chats_accepted: bool = False
    """Somebody resumed it although Telegram knew none of a row of chats: they fail from then on."""
    blocks: int = 0
    """People who blocked the bot after they had received this, counted since ``blocks_since``."""
    blocks_since: int = 0
    """How many had received it when counting blocks began: zero, or at the last resume after a
    pause for harm."""
    created_by: UserId | None = None
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None = None
    """When the last outcome became final."""
    archived_at: datetime | None = None
    """Since when only its totals are kept: its rows may be gone."""

    def pause(self, reason: PauseReason, *, now: datetime, detail: str | None = None) -> None:
        self._leave_for(
            BroadcastStatus.PAUSED, "paused", now, allowed=frozenset({BroadcastStatus.SENDING})
        )
        self.pause_reason, self.pause_detail = reason, detail

    def interrupt(self, *, now: datetime) -> None:
        self._leave_for(
            BroadcastStatus.INTERRUPTED,
            "interrupted",
            now,
            allowed=frozenset({BroadcastStatus.SENDING}),
        )
        self.pause_reason = PauseReason.UNSERVED

    def resume(self, *, now: datetime, revision: int | None = None) -> None:
        """Go on; the rest gets ``revision`` when one is given."""
        self._leave_for(BroadcastStatus.SENDING, "resumed", now, allowed=_STOPPED)
        if self.pause_reason is PauseReason.HARM:
            self.blocks, self.blocks_since = 0, self.counts.sent
        if self.pause_reason is PauseReason.CHATS_NOT_FOUND:
            self.unknown_chats_accepted = True
        self.pause_reason = self.pause_detail = None
        if revision is not None and revision != self.revision:
            self.former_revisions = (*self.former_revisions, self.revision)
            self.revision = revision

    def resend(self, outcomes: Collection[DeliveryStatus], *, now: datetime) -> None:
        """Go on for those with these outcomes, of which only failed and uncertain may be asked.

        Raises BroadcastArchived, NotResendable, NothingToResend when nobody has them, and
        BroadcastStateConflict unless it is completed.
        """
        if self.archived_at is not None:
            raise BroadcastArchived
        if not outcomes or not RESENDABLE.issuperset(outcomes):
            raise NotResendable(tuple(outcomes))
        if self.status is BroadcastStatus.COMPLETED and not any(
            self.counts.of(outcome) for outcome in outcomes
        ):
            raise NothingToResend(tuple(outcomes))
        self._leave_for(
            BroadcastStatus.SENDING, "resent", now, allowed=frozenset({BroadcastStatus.COMPLETED})
        )
        self.resending = tuple(outcome for outcome in DeliveryStatus if outcome in outcomes)
        self.finished_at = None

    def is_harmful(self, *, share: float, after: int) -> bool:
        """Whether blocks exceed ``share`` of those who received it, once they are ``after``."""
        received = self.counts.sent - self.blocks_since
        return received >= after and self.blocks > share * received

    def cancel(self, *, now: datetime) -> None:
        """Nothing more is claimed; whoever is still waiting becomes ``skipped(cancelled)``."""
        self._leave_for(BroadcastStatus.CANCELLED, "cancelled", now, allowed=_OPEN)
        self.pause_reason = self.pause_detail = None
        self.resending = ()

    def _leave_for(
        self,
        target: BroadcastStatus,
        verb: str,
        now: datetime,
        *,
        allowed: frozenset[BroadcastStatus],
    ) -> None:
        if self.status not in allowed:
            raise BroadcastStateConflict(verb, self.status)
        self.status = target
        self.changed_at = now


RESENDABLE = frozenset({DeliveryStatus.FAILED, DeliveryStatus.UNCERTAIN})
"""Outcomes of which nobody knows that the message arrived."""

_STOPPED = frozenset({BroadcastStatus.PAUSED, BroadcastStatus.INTERRUPTED})
_OPEN = _STOPPED | {BroadcastStatus.SENDING}


class BroadcastReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one broadcast has come to: outcomes with their reasons."""

    broadcast: Broadcast
    reasons: Mapping[Reason, int]
    """Rows with an outcome, by reason; most that were sent have none."""
