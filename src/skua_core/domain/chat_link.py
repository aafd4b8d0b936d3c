"""Which chat is a user's own, so that tests go there."""

import hashlib
import secrets
from datetime import datetime

import msgspec

from skua_core.ids import SubscriberId, UserId

CODE_PREFIX = "me-"
"""Begins the ``/start`` payload by which a user links their chat."""
CODE_LIFETIME = 900.0
"""Seconds for which a code may be used; once."""


class ChatLink(msgspec.Struct, kw_only=True):
    """One user's own chat with one bot: asked for, or found."""

    user_id: UserId
    fingerprint: bytes | None
    """SHA-256 of the code that would link it now; None when none is open."""
    expires_at: datetime | None
    subscriber_id: SubscriberId | None = None
    linked_at: datetime | None = None


def make_code() -> str:
    """At most 64 characters of ``A-Za-z0-9_-``, as Telegram asks of a payload."""
    return f"{CODE_PREFIX}{secrets.token_urlsafe(16)}"


def fingerprint(code: str) -> bytes:
    """Codes are unguessable, so that a plain digest keeps them."""
    return hashlib.sha256(code.encode(errors="surrogatepass")).digest()
