"""Challenges: a code is mailed, and whoever knows it has shown that the address is theirs."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from skua_core.domain.account import PasswordHash
from skua_core.ids import UserId

CODE_DIGITS = 8
CODE_LIVES = timedelta(minutes=15)
MOST_TRIES = 5
"""Per code."""
RESENDS_FOR = timedelta(hours=24)
"""How long after a challenge was begun a new code may take the place of the former."""


class ChallengePurpose(StrEnum):
    REGISTER = "register"
    RESET_PASSWORD = "reset-password"  # noqa: S105 - the name of a purpose
    CHANGE_EMAIL = "change-email"
    UNLOCK = "unlock"
    """A login from a device that isn't known, after very many wrong passwords."""


class Challenge(msgspec.Struct, kw_only=True):
    """One attempt to prove an address; another one for the same address is another challenge.

    Whoever began it holds its handle, 128 random bits, and the owner of the address its code:
    both are needed, so a code confirms nothing that somebody else began.
    """

    handle_hash: bytes
    """SHA-256 of the handle."""
    purpose: ChallengePurpose
    login: str
    """The address that the code went to, normalised."""
    code_mac: bytes | None
    """None when no code went out: no try is ever right then, and nobody can tell."""
    expires_at: datetime
    created_at: datetime
    tries: int = 0
    """With the current code."""
    closed: bool = False
    """Used, or superseded by another one."""
    user_id: UserId | None = None
    """Whose password or address it changes."""
    name: str = ""
    password: PasswordHash | None = None
    """What a registration asked for."""

    def open(self, now: datetime) -> bool:
        """Whether the right code would still count."""
        return (
            not self.closed
            and self.code_mac is not None
            and self.tries < MOST_TRIES
            and now < self.expires_at
        )

    def attempt(self, *, fits: bool, now: datetime) -> bool:
        """Count one try; whether it succeeds, which closes the challenge."""
        if not self.open(now):
            return False
        self.tries += 1
        self.closed = fits
        return fits

    def renewable(self, now: datetime) -> bool:
        return not self.closed and now < self.created_at + RESENDS_FOR

    def renew(self, code_mac: bytes | None, now: datetime) -> None:
        """A new code takes the place of the former."""
        self.code_mac = code_mac
        self.expires_at = now + CODE_LIVES
        self.tries = 0
