"""What is sent: campaigns, their media, and what sends them by itself."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKeyConstraint,
    Index,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from skua_adapters._sql.tables.base import TenantBase, TenantRow


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


class AutoMessageRow(TenantRow, TenantBase):
    __tablename__ = "auto_messages"
    __table_args__ = (
        ForeignKeyConstraint(
            ["bot_id", "campaign_id"],
            ["tenant.campaigns.bot_id", "tenant.campaigns.id"],
            name="auto_messages_campaign",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID]
    trigger: Mapped[str]
    keyword: Mapped[str | None]
    status: Mapped[str]
    pause_reason: Mapped[str | None]
    pause_detail: Mapped[str | None]
    received: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


Index(
    "auto_messages_trigger",
    AutoMessageRow.bot_id,
    AutoMessageRow.trigger,
    func.coalesce(AutoMessageRow.keyword, ""),
    unique=True,
)


class MediaRow(TenantRow, TenantBase):
    __tablename__ = "media"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class MediaChunkRow(TenantRow, TenantBase):
    __tablename__ = "media_chunks"

    media_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes]
    stored_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class MediaFileRow(TenantRow, TenantBase):
    """By what Telegram has a medium of this bot."""

    __tablename__ = "media_files"

    key: Mapped[str] = mapped_column(primary_key=True)
    file_id: Mapped[str]
    seen_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
