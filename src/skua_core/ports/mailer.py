"""Port: send one mail."""

from abc import abstractmethod
from typing import Protocol

from skua_core.domain.letter import Mail
from skua_core.ids import MailId


class Mailer(Protocol):
    """Shared by all tasks. Never tries twice: when to try again is the outbox's business.

    What it raises says what went wrong without the address, the server's own words, or a secret.
    """

    @abstractmethod
    async def send(self, mail_id: MailId, mail: Mail) -> None:
        """Returns when the mail server has taken it.

        Each attempt at one mail has the same id, by which a mailbox may know a repetition.
        Raises MailUnavailable when it may work later, and MailUndeliverable when it never will.
        """

    @abstractmethod
    async def close(self) -> None: ...
