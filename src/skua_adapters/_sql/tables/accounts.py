"""How users prove who they are, what stands for them afterwards, and letters that have to leave.

All of it must be found before a bot is known, or belongs to no bot.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from skua_adapters._sql.tables.base import PlatformBase


def _of_user(name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["user_id"], ["platform.users.id"], name=name, ondelete="CASCADE")


class CredentialsRow(PlatformBase):
    __tablename__ = "credentials"
    __table_args__ = (_of_user("credentials_user"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    password_hash: Mapped[str | None]
    totp_sealed: Mapped[str | None]
    totp_confirmed: Mapped[bool]
    totp_last_step: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int]


class ChallengeRow(PlatformBase):
    __tablename__ = "challenges"
    __table_args__ = (
        _of_user("challenges_user"),
        Index("challenges_login", "login", "purpose"),
        Index("challenges_expires_at", "expires_at"),
        Index("challenges_user_id", "user_id"),
    )

    handle_hash: Mapped[bytes] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    login: Mapped[str]
    code_mac: Mapped[bytes | None]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    tries: Mapped[int]
    closed: Mapped[bool]
    user_id: Mapped[UUID | None]
    name: Mapped[str]
    password_hash: Mapped[str | None]


class DeviceRow(PlatformBase):
    __tablename__ = "devices"
    __table_args__ = (
        _of_user("devices_user"),
        UniqueConstraint("user_id", "token_hash", name="devices_token"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes]
    user_id: Mapped[UUID]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]


class SessionRow(PlatformBase):
    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("sid_hash", name="sessions_sid"),
        _of_user("sessions_user"),
        ForeignKeyConstraint(
            ["device_id"], ["platform.devices.id"], name="sessions_device", ondelete="SET NULL"
        ),
        Index("sessions_user_id", "user_id"),
        Index("sessions_device_id", "device_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sid_hash: Mapped[bytes]
    user_id: Mapped[UUID]
    created_at: Mapped[datetime]
    issued_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    absolute_until: Mapped[datetime]
    stepped_up_at: Mapped[datetime | None]
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]
    device_id: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class ApiKeyRow(PlatformBase):
    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("secret_hash", name="api_keys_secret"),
        _of_user("api_keys_user"),
        Index("api_keys_user_id", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret_hash: Mapped[bytes]
    user_id: Mapped[UUID]
    name: Mapped[str]
    access: Mapped[str]
    bot_ids: Mapped[list[UUID] | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class RecoveryCodeRow(PlatformBase):
    __tablename__ = "recovery_codes"
    __table_args__ = (_of_user("recovery_codes_user"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(primary_key=True)


class MailRow(PlatformBase):
    __tablename__ = "mails"
    __table_args__ = (Index("mails_due_at", "due_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sealed: Mapped[str]
    written_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int]


class InvitationRow(PlatformBase):
    __tablename__ = "invitations"
    __table_args__ = (
        UniqueConstraint("token_hash", name="invitations_token"),
        ForeignKeyConstraint(
            ["bot_id"], ["platform.bots.id"], name="invitations_bot", ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["invited_by"], ["platform.users.id"], name="invitations_inviter", ondelete="SET NULL"
        ),
        Index("invitations_login", "login"),
        Index("invitations_bot_id", "bot_id"),
        Index("invitations_invited_by", "invited_by"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    bot_id: Mapped[UUID]
    login: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[bytes]
    invited_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
