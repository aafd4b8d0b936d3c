"""Rows that are more, or other, than an entity of the domain."""

from datetime import UTC, datetime

import msgspec

from skua_core.domain.account import PasswordHash
from skua_core.domain.content import RenderedMessage
from skua_core.domain.delivery import (
    DeliveryKey,
    DeliveryKind,
    DeliveryStatus,
    DirectOrigin,
    Reason,
)
from skua_core.domain.lane import LaneTimes
from skua_core.domain.secret import SealedSecret
from skua_core.ids import BotId, LeaseId, MailId, MediaId, SubscriberId, UserId

BEHIND = datetime.max.replace(tzinfo=UTC)
"""``due_at`` of a row that was put back behind all the rest of its broadcast."""


class LaneRow(msgspec.Struct, kw_only=True):
    lease_id: LeaseId | None = None
    epoch: int = 0
    holder: str | None = None
    heartbeat_at: datetime | None = None
    not_before: datetime | None = None
    learned_rate: float | None = None

    def lives(self, now: datetime, times: LaneTimes) -> bool:
        """Whether it has a holder that nobody may replace."""
        if self.lease_id is None or self.heartbeat_at is None:
            return False
        age = (now - self.heartbeat_at).total_seconds()
        return -times.future_tolerance <= age <= times.takeover

    def free(self) -> None:
        """The heartbeat stays: it tells when the lane was served last."""
        self.lease_id = self.holder = None


class DeliveryRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    key: DeliveryKey
    subscriber_id: SubscriberId
    kind: DeliveryKind
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempt: int = 1
    migrated: bool = False
    revision: int | None = None
    epoch: int | None = None
    """Of the lease under which it was claimed."""
    message_id: int | None = None
    due_at: datetime | None = None
    """None until the broadcast's cursor has passed it; direct messages always have one."""
    not_after: datetime | None = None
    claimed_at: datetime | None = None
    finished_at: datetime | None = None
    reason: Reason | None = None
    detail: str | None = None


class Progress(msgspec.Struct, kw_only=True):
    """How far a broadcast's lane has come."""

    cursor: int = 0
    """Position of the last row that was claimed in order."""
    resend_cursor: int = 0
    """Position up to which outcomes have been made pending again."""
    served_at: datetime | None = None


class DirectMessage(msgspec.Struct, frozen=True):
    content: RenderedMessage
    origin: DirectOrigin | None = None


class FormerOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery had come to before an operator had it sent again."""

    status: DeliveryStatus
    reason: Reason | None
    detail: str | None
    message_id: int | None
    finished_at: datetime | None


class UpdateRow(msgspec.Struct, frozen=True):
    update_id: int
    received_at: datetime


class SetAside(msgspec.Struct, frozen=True):
    """An update that couldn't be processed."""

    update_id: int | None
    raw: bytes
    problem: str
    received_at: datetime


class StoredFile(msgspec.Struct, frozen=True):
    media_id: MediaId
    data: bytes
    stored_at: datetime


class CredentialsRow(msgspec.Struct, frozen=True, kw_only=True):
    """How a user proves who they are; the local user of the command has none."""

    password: PasswordHash | None
    totp_sealed: SealedSecret | None
    totp_confirmed: bool
    totp_last_step: int
    failures: int


class RecoveryCodeRow(msgspec.Struct, frozen=True):
    user_id: UserId
    code_hash: bytes


class MailRow(msgspec.Struct, kw_only=True):
    id: MailId
    sealed: SealedSecret
    written_at: datetime
    due_at: datetime
    attempts: int = 0


class InvitationRow(msgspec.Struct, kw_only=True):
    bot_id: BotId
    login: str
    expires_at: datetime
    accepted_at: datetime | None = None
    revoked_at: datetime | None = None
