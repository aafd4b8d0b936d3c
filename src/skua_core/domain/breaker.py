"""When refusals in a row stop being one recipient's bad luck."""

from skua_core.ids import SubscriberId

REFUSALS_IN_A_ROW = 5
"""Different recipients that are refused with no success between them, before sending is paused."""


class Breaker:
    """Counts different recipients of one thing that were refused since the last success."""

    def __init__(self) -> None:
        self._refused: set[SubscriberId] = set()

    def __bool__(self) -> bool:
        """Whether anything was refused since the last success."""
        return bool(self._refused)

    def succeed(self) -> None:
        """Somebody got it, so what was refused before says nothing about the rest."""
        self._refused.clear()

    def refuse(self, recipient: SubscriberId) -> bool:
        """Whether this one, or one before it, was one too many."""
        self._refused.add(recipient)
        return len(self._refused) >= REFUSALS_IN_A_ROW
