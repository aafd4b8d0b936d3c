"""Port: the keyed half of accounts: what is sealed, what is recognised, what is signed."""

from abc import abstractmethod
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from skua_core.domain.secret import SealedSecret, Secret


class AccountPurpose(StrEnum):
    """Each has keys of its own, derived from the ring."""

    TOTP = "totp"
    MAIL = "mail"
    CODE = "code"


class AccountVault(Protocol):
    """Shared by tasks and threads. Nothing in the clear is kept after a call."""

    @abstractmethod
    def seal(self, purpose: AccountPurpose, subject: UUID, secret: Secret) -> SealedSecret:
        """Bound to the purpose and to the row (``subject``) it belongs to."""

    @abstractmethod
    def unseal(self, purpose: AccountPurpose, subject: UUID, sealed: SealedSecret) -> Secret:
        """Raises SecretUnreadable, whatever is wrong with the value."""

    @abstractmethod
    def mac(self, purpose: AccountPurpose, message: str) -> bytes:
        """A keyed digest (32 bytes) by which something is recognised without being stored."""

    @abstractmethod
    def recognise(self, purpose: AccountPurpose, message: str, mac: bytes | None) -> bool:
        """Whether ``mac`` was made of this message, by any key of the ring.

        Takes the same time whatever the answer, for None too.
        """
