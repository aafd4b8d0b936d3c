"""Letters: what Skua mails to people."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from skua_core.domain.secret import SealedSecret
from skua_core.ids import MailId


class LetterKind(StrEnum):
    """Each has a template of this name, as text and as HTML."""

    VERIFY_EMAIL = "verify-email"
    ALREADY_REGISTERED = "already-registered"
    NOT_INVITED = "not-invited"
    """Somebody without an invitation asked to join where it takes one."""
    RESET_PASSWORD = "reset-password"  # noqa: S105 - the name of a letter
    NO_ACCOUNT = "no-account"
    """A reset was asked for, for an address without an account."""
    CONFIRM_NEW_EMAIL = "confirm-new-email"
    EMAIL_CHANGED = "email-changed"
    """To the old address."""
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - the name of a letter
    NEW_DEVICE = "new-device"
    UNLOCK_LOGIN = "unlock-login"
    TOKEN_CHANGED = "token-changed"  # noqa: S105 - the name of a letter
    INVITATION = "invitation"


NEEDED_FACTS: Mapping[LetterKind, frozenset[str]] = {
    LetterKind.VERIFY_EMAIL: frozenset({"code"}),
    LetterKind.ALREADY_REGISTERED: frozenset(),
    LetterKind.NOT_INVITED: frozenset(),
    LetterKind.RESET_PASSWORD: frozenset({"code"}),
    LetterKind.NO_ACCOUNT: frozenset(),
    LetterKind.CONFIRM_NEW_EMAIL: frozenset({"code"}),
    LetterKind.EMAIL_CHANGED: frozenset({"email", "at"}),
    LetterKind.PASSWORD_CHANGED: frozenset({"at"}),
    LetterKind.NEW_DEVICE: frozenset({"at"}),
    LetterKind.UNLOCK_LOGIN: frozenset({"code"}),
    LetterKind.TOKEN_CHANGED: frozenset({"bot", "at"}),
    LetterKind.INVITATION: frozenset({"bot", "role", "inviter", "url"}),
}
"""What a letter of each kind can't do without."""

KNOWN_FACTS = frozenset(
    {"code", "name", "ip", "user_agent", "at", "email", "bot", "role", "inviter", "url"}
)
"""``name`` is of whom it goes to; ``at`` is as ``datetime.isoformat`` gives it, with its offset."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is told; the template of its kind makes words of the facts."""

    to: str
    kind: LetterKind
    facts: Mapping[str, str] = {}
    """Those of ``NEEDED_FACTS``, and any other of ``KNOWN_FACTS``."""

    def __post_init__(self) -> None:
        # Here, not where it is rendered: whoever writes a letter hears of the defect at once.
        missing = NEEDED_FACTS[self.kind] - self.facts.keys()
        unknown = self.facts.keys() - KNOWN_FACTS
        if missing or unknown:
            raise ValueError(f"{self.kind}: misses {sorted(missing)}, unknown {sorted(unknown)}")

    def __repr__(self) -> str:
        # Codes and addresses are among the facts.
        return f"Letter({self.kind})"


class QueuedLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A letter in the outbox, sealed whole."""

    id: MailId
    sealed: SealedSecret
    written_at: datetime
    """By the storage's time."""
    attempts: int
    """This one included."""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A letter as it leaves."""

    to: str
    subject: str
    text: str
    html: str

    def __repr__(self) -> str:
        return "Mail(***)"
