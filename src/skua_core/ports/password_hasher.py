"""Port: hash passwords, slowly on purpose, without making anybody else wait."""

from abc import abstractmethod
from typing import Protocol

import msgspec

from skua_core.domain.account import PasswordHash
from skua_core.domain.secret import Secret


class Verification(msgspec.Struct, frozen=True):
    right: bool
    outdated: bool = False
    """It was hashed at less than today's cost: time to hash it anew, now that it is known."""


class PasswordHasher(Protocol):
    """Shared by all tasks. Hashing happens in threads of its own, a bounded number at a time.

    Each method raises PasswordCheckBusy when so many wait that it would take too long.
    """

    @abstractmethod
    async def hash(self, password: Secret) -> PasswordHash:
        """With a new salt. Passwords of any length count whole."""

    @abstractmethod
    async def verify(self, password: Secret, hashed: PasswordHash | None) -> Verification:
        """Whether the hash was made of this password.

        Takes as long for None and for a hash that can't be read, of which nothing is right.
        """
