"""A bot's secrets, its people, and what they did."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Computed,
    Index,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from skua_adapters._sql.tables.base import THIS_MONTH, TenantBase, TenantRow


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
    tags: Mapped[list[str]] = mapped_column(default=list)
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


class ChatLinkRow(TenantRow, TenantBase):
    """Which chat a user says is their own."""

    __tablename__ = "chat_links"
    __table_args__ = (
        UniqueConstraint("bot_id", "fingerprint", name="chat_links_fingerprint"),
        Index("chat_links_user_id", "user_id", "bot_id"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes | None]
    expires_at: Mapped[datetime | None]
    subscriber_id: Mapped[UUID | None]
    linked_at: Mapped[datetime | None]


class UpdateRow(TenantRow, TenantBase):
    __tablename__ = "updates"
    __table_args__ = ({"postgresql_partition_by": "RANGE (month)"},)

    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    received_at: Mapped[datetime]
    month: Mapped[date] = mapped_column(primary_key=True, server_default=THIS_MONTH)


class SetAsideUpdateRow(TenantRow, TenantBase):
    __tablename__ = "updates_set_aside"
    __table_args__ = ({"postgresql_partition_by": "RANGE (month)"},)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    update_id: Mapped[int | None] = mapped_column(BigInteger)
    raw: Mapped[bytes]
    problem: Mapped[str]
    received_at: Mapped[datetime]
    month: Mapped[date] = mapped_column(primary_key=True, server_default=THIS_MONTH)
