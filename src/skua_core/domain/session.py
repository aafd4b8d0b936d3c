"""Sessions, known devices and API keys: what stands for a user between two proofs."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from skua_core.domain.user import User
from skua_core.ids import ApiKeyId, BotId, DeviceId, SessionId, UserId

SESSION_LIVES = timedelta(days=30)
"""Since it was last rolled."""
SESSION_ROLLS_AFTER = timedelta(hours=24)
STEP_UP_LIVES = timedelta(minutes=15)
MOST_SESSIONS = 20
"""Live ones of a user; the oldest gives way."""
DEVICE_LIVES = timedelta(days=180)
MOST_DEVICES = 50
"""Known ones of a user; the one that was made first gives way."""


class SessionPolicy(msgspec.Struct, frozen=True):
    """What an installation may set about sessions."""

    absolute: timedelta = timedelta(days=90)
    """A session ends this long after its beginning, however often it is used."""


class EndReason(StrEnum):
    """Why a session was revoked."""

    LOGGED_OUT = "logged-out"
    ENDED_BY_USER = "ended-by-user"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - a reason
    EMAIL_CHANGED = "email-changed"
    USER_DISABLED = "user-disabled"
    TOO_MANY = "too-many"


class Session(msgspec.Struct, kw_only=True):
    """Signed in, on one browser. This row is the truth; the cookie merely names it."""

    id: SessionId
    """For lists; worth nothing to whoever would sign in with it."""
    sid_hash: bytes
    """SHA-256 of the 128 random bits in the cookie."""
    user_id: UserId
    created_at: datetime
    issued_at: datetime
    """When its cookie was made or rolled."""
    last_seen_at: datetime
    absolute_until: datetime
    stepped_up_at: datetime | None = None
    """When the password was last shown in it."""
    ip: str | None = None
    """At the beginning."""
    user_agent: str | None = None
    device_id: DeviceId | None = None
    revoked_at: datetime | None = None
    end_reason: EndReason | None = None

    def live(self, now: datetime) -> bool:
        return (
            self.revoked_at is None
            and now < self.absolute_until
            and now < self.issued_at + SESSION_LIVES
        )

    def stepped_up(self, now: datetime) -> bool:
        return self.stepped_up_at is not None and now < self.stepped_up_at + STEP_UP_LIVES


class Device(msgspec.Struct, kw_only=True):
    """A browser that has signed in before: attackers elsewhere can't lock it out."""

    id: DeviceId
    token_hash: bytes
    """SHA-256 of what its cookie holds."""
    user_id: UserId
    created_at: datetime
    last_seen_at: datetime
    ip: str | None = None
    user_agent: str | None = None


class KeyAccess(StrEnum):
    READ = "read"
    WRITE = "write"
    """And read."""


class ApiKey(msgspec.Struct, kw_only=True):
    """For programs: ``skua_`` and 43 random characters, as its user was shown once."""

    id: ApiKeyId
    secret_hash: bytes
    """SHA-256 of the whole key, which has 256 random bits."""
    user_id: UserId
    name: str
    access: KeyAccess
    bots: tuple[BotId, ...] | None
    """None for all that the user may see, now and later."""
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = None

    def live(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


class LiveSession(msgspec.Struct, frozen=True, kw_only=True):
    """What one look-up tells about a cookie: whose it is, and how fresh."""

    session: Session
    user: User
    totp_enabled: bool


class LiveKey(msgspec.Struct, frozen=True, kw_only=True):
    key: ApiKey
    user: User
