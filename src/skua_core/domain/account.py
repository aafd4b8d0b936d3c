"""Accounts: how a user proves who they are."""

from enum import StrEnum

import msgspec

from skua_core.domain.secret import SealedSecret
from skua_core.domain.user import User


class PasswordHash(msgspec.Struct, frozen=True):
    """As it is stored, salt and cost included: ``$2b$12$…``."""

    value: str

    def __repr__(self) -> str:
        return "PasswordHash(***)"


class Totp(msgspec.Struct, kw_only=True):
    """A time-based second factor (RFC 6238)."""

    sealed: SealedSecret
    confirmed: bool = False
    """A code of it was seen; until then it isn't asked for."""
    last_step: int = -1
    """The newest 30-second step whose code was used: no code counts twice."""


class Account(msgspec.Struct, kw_only=True):
    """A user with the means to sign in. Only a verified address has one."""

    user: User
    password: PasswordHash | None = None
    """None for the local user of the command, who can't sign in."""
    totp: Totp | None = None
    failures: int = 0
    """Wrong passwords in a row from devices that aren't known."""

    @property
    def totp_enabled(self) -> bool:
        return self.totp is not None and self.totp.confirmed


class Registration(StrEnum):
    """Who may make an account (``SKUA_REGISTRATION``)."""

    OPEN = "open"
    INVITED = "invited"
    """Addresses with an invitation to a bot that is still good."""
    CLOSED = "closed"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request comes from, before anybody knows whose it is."""

    ip: str | None = None
    """None at the shell."""
    user_agent: str | None = None
    device_token: str | None = None
    """What the device says about itself; nobody has checked it yet."""

    def __repr__(self) -> str:
        return "Caller(***)"


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes a user once their address is proven."""

    login: str
    name: str
    password: PasswordHash


def display_name(user: User) -> str:
    return user.name or user.login
