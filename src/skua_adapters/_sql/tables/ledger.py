"""Broadcasts and deliveries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    UniqueConstraint,
    and_,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column

from skua_adapters._sql.tables.base import TenantBase, TenantRow, enum_type
from skua_core.domain.delivery import DeliveryKind, DeliveryStatus


class BroadcastRow(TenantRow, TenantBase):
    __tablename__ = "broadcasts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["bot_id", "campaign_id", "revision"],
            [
                "tenant.campaign_revisions.bot_id",
                "tenant.campaign_revisions.campaign_id",
                "tenant.campaign_revisions.number",
            ],
            name="broadcasts_revision",
        ),
        Index("broadcasts_campaign", "bot_id", "campaign_id", "revision"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID]
    revision: Mapped[int]
    former_revisions: Mapped[list[int]] = mapped_column(default=list)
    status: Mapped[str]
    pause_reason: Mapped[str | None]
    pause_detail: Mapped[str | None]
    paid: Mapped[bool]
    cursor: Mapped[int] = mapped_column(default=0)
    """Position of the last row that was claimed in order; later ones were never claimed."""
    audience: Mapped[int] = mapped_column(default=0)
    pending: Mapped[int] = mapped_column(default=0)
    in_flight: Mapped[int] = mapped_column(default=0)
    sent: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    uncertain: Mapped[int] = mapped_column(default=0)
    excluded: Mapped[dict[str, Any]]
    resending: Mapped[list[str]] = mapped_column(default=list)
    resend_cursor: Mapped[int] = mapped_column(default=0)
    """Position up to which outcomes have been made pending again."""
    received: Mapped[list[str]] = mapped_column(default=list)
    """Wordings that somebody has received."""
    unknown_chats_accepted: Mapped[bool] = mapped_column(default=False)
    blocks: Mapped[int] = mapped_column(default=0)
    blocks_since: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[UUID | None]
    frozen_at: Mapped[datetime | None]
    served_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    archived_reasons: Mapped[dict[str, Any] | None]
    """How many rows had each reason when it was archived."""


Index(
    "broadcasts_one_sending",
    BroadcastRow.bot_id,
    unique=True,
    postgresql_where=BroadcastRow.status == "sending",
)
Index(
    "broadcasts_unfinished",
    BroadcastRow.bot_id,
    BroadcastRow.id,
    postgresql_where=or_(
        BroadcastRow.status == "sending",
        and_(BroadcastRow.status == "cancelled", BroadcastRow.finished_at.is_(None)),
    ),
)


class DirectMessageRow(TenantRow, TenantBase):
    __tablename__ = "direct_messages"
    __table_args__ = ({"postgresql_partition_by": "RANGE (id)"},)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    content: Mapped[str]
    campaign_id: Mapped[UUID | None]
    revision: Mapped[int | None]
    variant: Mapped[str | None]
    auto_message_id: Mapped[UUID | None]
    created_at: Mapped[datetime]


class DeliveryRow(TenantRow, TenantBase):
    """A pending row has ``due_at``, unless its broadcast's cursor will reach it."""

    __tablename__ = "deliveries"
    __table_args__ = (
        PrimaryKeyConstraint("bot_id", "source_id", "position"),
        UniqueConstraint("bot_id", "source_id", "subscriber_id", name="deliveries_subscriber"),
        {"postgresql_partition_by": "RANGE (source_id)"},
    )

    source_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    subscriber_id: Mapped[UUID]
    kind: Mapped[DeliveryKind] = mapped_column(enum_type(DeliveryKind, "delivery_kind"))
    status: Mapped[DeliveryStatus] = mapped_column(
        enum_type(DeliveryStatus, "delivery_status"), default=DeliveryStatus.PENDING
    )
    attempt: Mapped[int] = mapped_column(SmallInteger, default=1)
    migrated: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int | None]
    epoch: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    due_at: Mapped[datetime | None]
    not_after: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    detail: Mapped[str | None]


Index(
    "deliveries_in_flight",
    DeliveryRow.bot_id,
    postgresql_where=DeliveryRow.status == DeliveryStatus.IN_FLIGHT,
)
Index(
    "deliveries_direct",
    DeliveryRow.bot_id,
    DeliveryRow.kind,
    DeliveryRow.due_at,
    postgresql_where=and_(
        DeliveryRow.status == DeliveryStatus.PENDING, DeliveryRow.kind != DeliveryKind.BROADCAST
    ),
)
Index(
    "deliveries_put_back",
    DeliveryRow.bot_id,
    DeliveryRow.source_id,
    DeliveryRow.due_at,
    postgresql_where=and_(
        DeliveryRow.status == DeliveryStatus.PENDING,
        DeliveryRow.kind == DeliveryKind.BROADCAST,
        DeliveryRow.due_at.is_not(None),
    ),
)


class DeliveryAttemptRow(TenantRow, TenantBase):
    """A former outcome of a delivery that an operator had sent again."""

    __tablename__ = "delivery_attempts"
    __table_args__ = ({"postgresql_partition_by": "RANGE (source_id)"},)

    source_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    status: Mapped[DeliveryStatus] = mapped_column(enum_type(DeliveryStatus, "delivery_status"))
    reason: Mapped[str | None]
    detail: Mapped[str | None]
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    finished_at: Mapped[datetime | None]
