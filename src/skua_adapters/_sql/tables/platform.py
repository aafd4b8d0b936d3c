"""What must be found before a bot is known, and what belongs to no bot."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from skua_adapters._sql.tables.base import PlatformBase


class UserRow(PlatformBase):
    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("login", name="users_login"),
        UniqueConstraint("local_login", name="users_local_login"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str]
    created_at: Mapped[datetime]
    name: Mapped[str] = mapped_column(server_default="")
    disabled_at: Mapped[datetime | None]
    local_login: Mapped[str | None]


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
    learned_rate: Mapped[float | None]


class WakeRow(PlatformBase):
    __tablename__ = "wakes"

    bot_id: Mapped[UUID] = mapped_column(primary_key=True)
    woken_at: Mapped[datetime]


class ScheduledJobRow(PlatformBase):
    __tablename__ = "scheduled_jobs"

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
    turn_id: Mapped[UUID]
    holder: Mapped[str]
