"""Port: the signed token that a browser keeps."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol

import msgspec

from skua_core.domain.secret import Secret
from skua_core.ids import UserId


class SessionClaims(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UserId
    sid: Secret
    """128 random bits, base64url."""
    issued_at: datetime
    """Whole seconds."""
    authenticated_at: datetime
    """When the password was shown, whole seconds."""


class SessionTokens(Protocol):
    """Pure, shared by all tasks. A token says whose session it might be; the storage decides."""

    @abstractmethod
    def issue(self, claims: SessionClaims) -> Secret:
        """Good for ``SESSION_LIVES`` from ``issued_at``."""

    @abstractmethod
    def read(self, token: str, *, now: datetime) -> SessionClaims | None:
        """None for whatever isn't a token that ``issue`` made, with any key of the ring, and that
        is still good."""
