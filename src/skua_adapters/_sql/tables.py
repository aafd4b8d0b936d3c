"""The tables as SQLAlchemy sees them. The migrations make them; a test compares the two."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Computed,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
    or_,
)
from sqlalchemy.dialects.postgresql import ARRAY, ENUM, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from skua_core.domain.delivery import DeliveryKind, DeliveryStatus

_TYPES = {
    bytes: LargeBinary,
    datetime: DateTime(timezone=True),
    dict[str, Any]: JSONB,
    float: Double,
    int: Integer,
    list[int]: ARRAY(Integer),
    str: Text,
    UUID: Uuid,
}


class PlatformBase(DeclarativeBase):
    """What must be found before a bot is known; no row security."""

    metadata = MetaData(schema="platform")
    type_annotation_map: ClassVar[dict[Any, Any]] = _TYPES


class TenantBase(DeclarativeBase):
    metadata = MetaData(schema="tenant")
    type_annotation_map: ClassVar[dict[Any, Any]] = _TYPES


class TenantRow:
    """A row that belongs to one bot: what both tenancy locks are about."""

    bot_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)


def _enum(kind: type[StrEnum], name: str) -> ENUM:
    return ENUM(
        kind,
        name=name,
        schema="tenant",
        create_type=False,
        values_callable=lambda members: [member.value for member in members],
    )


class UserRow(PlatformBase):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("login", name="users_login"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str]
    created_at: Mapped[datetime]


class BotRow(PlatformBase):
    __tablename__ = "bots"
    __table_args__ = (
        UniqueConstraint("slug", name="bots_slug"),
        UniqueConstraint("public_id", name="bots_public_id"),
        ForeignKeyConstraint(["owner_id"], ["platform.users.id"], name="bots_owner"),
        Index("bots_owner_id", "owner_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str]
    public_id: Mapped[str]
    name: Mapped[str]
    owner_id: Mapped[UUID]
    telegram_id: Mapped[int | None] = mapped_column(BigInteger)
    telegram_username: Mapped[str | None]
    token_state: Mapped[str]
    webhook_state: Mapped[str]
    read_only: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    """Rises with each write, by a trigger: what an update sets here is overwritten."""


Index(
    "bots_telegram_id",
    BotRow.telegram_id,
    unique=True,
    postgresql_where=BotRow.token_state != "missing",  # noqa: S105 - a state
)


class BotPermissionRow(PlatformBase):
    __tablename__ = "bot_permissions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["bot_id"], ["platform.bots.id"], name="bot_permissions_bot", ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["user_id"], ["platform.users.id"], name="bot_permissions_user", ondelete="CASCADE"
        ),
        Index("bot_permissions_user_id", "user_id"),
    )

    bot_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str]


class LaneRow(PlatformBase):
    __tablename__ = "lanes"
    __table_args__ = (
        ForeignKeyConstraint(
            ["bot_id"], ["platform.bots.id"], name="lanes_bot", ondelete="CASCADE"
        ),
    )

    bot_id: Mapped[UUID] = mapped_column(primary_key=True)
    lease_id: Mapped[UUID | None]
    epoch: Mapped[int] = mapped_column(BigInteger, default=0)
    holder: Mapped[str | None]
    heartbeat_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    next_send_at: Mapped[datetime | None]
    learned_rate: Mapped[float | None]


class WakeRow(PlatformBase):
    __tablename__ = "wakes"

    bot_id: Mapped[UUID] = mapped_column(primary_key=True)
    woken_at: Mapped[datetime]


class BotSecretsRow(TenantRow, TenantBase):
    __tablename__ = "bot_secrets"

    sealed_token: Mapped[str | None]
    webhook_fingerprint: Mapped[bytes | None]
    updated_at: Mapped[datetime]


class SubscriberRow(TenantRow, TenantBase):
    __tablename__ = "subscribers"
    __table_args__ = (
        UniqueConstraint("bot_id", "chat_id", name="subscribers_chat"),
        Index("subscribers_status", "bot_id", "status", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    username: Mapped[str | None]
    language: Mapped[str | None]
    attributes: Mapped[dict[str, Any]]
    source: Mapped[str | None]
    subscribed: Mapped[bool]
    subscribed_changed_at: Mapped[datetime]
    reach: Mapped[str]
    reach_changed_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(
        Computed(
            "CASE WHEN reach <> 'reachable' THEN reach WHEN subscribed THEN 'active'"
            " ELSE 'unsubscribed' END",
            persisted=True,
        )
    )
    next_send_at: Mapped[datetime | None]
    """Nothing may leave to this chat earlier, whatever the lane's own pace."""
    joined_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]


class CampaignRow(TenantRow, TenantBase):
    __tablename__ = "campaigns"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    revision: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CampaignRevisionRow(TenantRow, TenantBase):
    __tablename__ = "campaign_revisions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["bot_id", "campaign_id"],
            ["tenant.campaigns.bot_id", "tenant.campaigns.id"],
            name="campaign_revisions_campaign",
            ondelete="CASCADE",
        ),
    )

    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    compiled: Mapped[str]
    created_at: Mapped[datetime]


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
    created_by: Mapped[UUID | None]
    frozen_at: Mapped[datetime | None]
    served_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


Index(
    "broadcasts_one_sending",
    BroadcastRow.bot_id,
    unique=True,
    postgresql_where=BroadcastRow.status == "sending",
)
Index(
    "broadcasts_unfinished",
    BroadcastRow.bot_id,
    postgresql_where=or_(
        BroadcastRow.status == "sending",
        and_(BroadcastRow.status == "cancelled", BroadcastRow.finished_at.is_(None)),
    ),
)


class DirectMessageRow(TenantRow, TenantBase):
    __tablename__ = "direct_messages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    content: Mapped[str]
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
    kind: Mapped[DeliveryKind] = mapped_column(_enum(DeliveryKind, "delivery_kind"))
    status: Mapped[DeliveryStatus] = mapped_column(
        _enum(DeliveryStatus, "delivery_status"), default=DeliveryStatus.PENDING
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


class UpdateRow(TenantRow, TenantBase):
    __tablename__ = "updates"

    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    received_at: Mapped[datetime]


class SetAsideUpdateRow(TenantRow, TenantBase):
    __tablename__ = "updates_set_aside"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    update_id: Mapped[int | None] = mapped_column(BigInteger)
    raw: Mapped[bytes]
    problem: Mapped[str]
    received_at: Mapped[datetime]
