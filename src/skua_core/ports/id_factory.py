"""Port: make ids."""

from abc import abstractmethod
from typing import Protocol
from uuid import UUID


class IdFactory(Protocol):
    """Makes ids that nobody else makes. Shared by all tasks."""

    @abstractmethod
    def new(self) -> UUID:
        """A version-7 UUID: rises with time, so that rows are stored in the order they came."""

    @abstractmethod
    def unguessable(self) -> UUID:
        """A random (version-4) UUID, for what must not be foreseen, such as a lease."""
