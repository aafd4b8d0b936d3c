"""Port: make a mail of a letter."""

from abc import abstractmethod
from typing import Protocol

from skua_core.domain.letter import Letter, Mail


class LetterRenderer(Protocol):
    """Pure, and shared by all tasks.

    What people have typed stays text, wherever it ends up: it makes no tag, and no line of the
    subject. Every fact that the letter needs stands in the text and in the HTML.
    """

    @abstractmethod
    def render(self, letter: Letter) -> Mail:
        """Raises ValueError for a fact that can't be read: a defect, not bad input."""
