"""Ids that are the same in each run."""

import itertools
from datetime import UTC, datetime
from uuid import UUID

from skua_core.ports.id_factory import IdFactory

_VARIANT = 0b10 << 62


class CountedIdFactory(IdFactory):
    """Counts, in the shape of UUIDs whose time is ``at``. Only for what ends with its process."""

    def __init__(self, at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        milliseconds = int(at.timestamp() * 1000)
        self._base = milliseconds << 80 | 0x7 << 76 | _VARIANT
        self._numbers = itertools.count(1)

    def new(self) -> UUID:
        return UUID(int=self._base + next(self._numbers))

    def unguessable(self) -> UUID:
        """Version 4 in shape alone: whoever counts along can guess it."""
        return UUID(int=0x4 << 76 | _VARIANT | next(self._numbers))
