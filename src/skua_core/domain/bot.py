"""Bots: one Telegram bot is one tenant."""

import re
import secrets
from datetime import datetime
from enum import StrEnum

import msgspec

from skua_core.errors import BotReadOnly, NameInvalid, SlugInvalid, TokenMissing
from skua_core.ids import BotId, TelegramId, UserId

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,38}[a-z0-9]", re.ASCII)
_REAL_SLUG = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_SUFFIX_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_SUFFIX_LENGTH = 5
NAME_LIMIT = 100


class TokenState(StrEnum):
    MISSING = "missing"
    ACTIVE = "active"
    REVOKED = "revoked"
    """Telegram answered 401 to it."""
    UNREADABLE = "unreadable"
    """It is stored, but no key in the ring opens it."""


class WebhookState(StrEnum):
    NONE = "none"
    PENDING = "pending"
    """A new secret is stored and Telegram hasn't been told yet; a repair will."""
    SET = "set"
    POLLING = "polling"
    """Updates are fetched, because this installation has no public URL."""


class GateReason(StrEnum):
    """Why a bot may not send."""

    READ_ONLY = "read_only"
    NO_TOKEN = "no_token"  # noqa: S105 - a reason
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - a reason
    TOKEN_UNREADABLE = "token_unreadable"  # noqa: S105 - a reason


_TOKEN_GATE = {
    TokenState.MISSING: GateReason.NO_TOKEN,
    TokenState.REVOKED: GateReason.TOKEN_REVOKED,
    TokenState.UNREADABLE: GateReason.TOKEN_UNREADABLE,
}


class Bot(msgspec.Struct, kw_only=True):
    """One connected bot. Its secrets are kept apart, among the tenant's rows."""

    id: BotId
    slug: str
    """Part of the API's addresses; the owner's wish plus five random characters."""
    public_id: str
    """Part of the webhook's address; says nothing about the bot."""
    name: str
    owner_id: UserId
    telegram_id: TelegramId | None = None
    telegram_username: str | None = None
    token_state: TokenState = TokenState.MISSING
    webhook_state: WebhookState = WebhookState.NONE
    read_only: bool = False
    created_at: datetime
    updated_at: datetime

    def closed_gate(self) -> GateReason | None:
        """What keeps this bot from sending; None when nothing does."""
        if self.read_only:
            return GateReason.READ_ONLY
        return _TOKEN_GATE.get(self.token_state)

    def require_open_gates(self) -> None:
        """Raises BotReadOnly and TokenMissing."""
        if self.read_only:
            raise BotReadOnly(self.slug)
        if self.closed_gate() is not None:
            raise TokenMissing(self.slug, self.token_state)


def make_slug(wish: str) -> str:
    """The wished slug plus random characters: nobody learns of a slug by colliding with it.

    Raises SlugInvalid.
    """
    if _SLUG.fullmatch(wish) is None:
        raise SlugInvalid(wish)
    suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(_SUFFIX_LENGTH))
    return f"{wish}-{suffix}"


def is_slug(text: str) -> bool:
    """Whether there could be such a slug; what can't be one needn't be looked up."""
    return _REAL_SLUG.fullmatch(text) is not None


def make_public_id() -> str:
    return secrets.token_urlsafe(16)


def is_public_id(text: str) -> bool:
    return _PUBLIC_ID.fullmatch(text) is not None


def check_name(what: str, name: str) -> str:
    """The name without surrounding space. Raises NameInvalid."""
    cleaned = name.strip()
    if not cleaned or len(cleaned) > NAME_LIMIT or not cleaned.isprintable():
        raise NameInvalid(what, NAME_LIMIT)
    return cleaned
