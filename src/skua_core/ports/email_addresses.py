"""Port: read an e-mail address that somebody typed."""

from abc import abstractmethod
from typing import Protocol


class EmailAddresses(Protocol):
    """Pure, and shared by all tasks."""

    @abstractmethod
    def normalise(self, text: str) -> str:
        """The one spelling under which an account is known: lower case, NFC, as mail is sent to.

        Looks nothing up. Raises EmailInvalid, which says what is wrong.
        """
