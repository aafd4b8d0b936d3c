"""Port: send one mail; and make one of a letter."""

from abc import abstractmethod
from typing import Protocol

from skua_core.domain.letter import Letter, Mail


class Mailer(Protocol):
    """Shared by all tasks."""

    @abstractmethod
    async def send(self, mail: Mail) -> None:
        """Returns when the mail server has taken it.

        Raises MailUnavailable when it may work later, and MailUndeliverable when it never will.
        """

    @abstractmethod
    async def close(self) -> None: ...


class LetterRenderer(Protocol):
    """Pure, and shared by all tasks."""

    @abstractmethod
    def render(self, letter: Letter) -> Mail:
        """Raises ValueError when its template misses a fact: a defect, not bad input."""
