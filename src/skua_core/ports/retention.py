"""Port: what is kept for so many months, and dropped when they are over."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Protocol

import msgspec

from skua_core.ids import BotId, BroadcastId


class KeptMonths(msgspec.Struct, frozen=True, kw_only=True):
    """How many whole months are kept beside the current one."""

    deliveries: Annotated[int, msgspec.Meta(ge=1)] = 13
    """Who got what, single messages, and former attempts."""
    updates: Annotated[int, msgspec.Meta(ge=2)] = 2
    """Two at least: an update is known again until the end of the month after its own."""


class Retention(Protocol):
    """Finds over all bots what has been kept for long enough, by the store's clock, and drops it.

    A month is that in which something began, by its id, or came in. Shared by all tasks. Any
    method may raise StorageUnavailable.
    """

    @abstractmethod
    async def to_archive(
        self, keep: KeptMonths, *, after: BroadcastId | None, limit: int
    ) -> Sequence[tuple[BotId, BroadcastId]]:
        """Broadcasts of months that aren't kept which are over and not archived, by id."""

    @abstractmethod
    async def drop_next(self, keep: KeptMonths) -> str | None:
        """Drop one table's oldest month that isn't kept; its name, None when there is no more.

        A month of deliveries stays while it has a broadcast that isn't archived, or a message that
        may still be sent. Counters of broadcasts are no part of it, and stay.
        """
