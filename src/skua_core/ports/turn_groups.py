"""Port: take the turns of many lanes together."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

import msgspec

from skua_core.domain.delivery import Claim, DeliveryStatus, Settlement
from skua_core.domain.lane import ClaimOrder, Lease


class PlainTurn(msgspec.Struct, frozen=True, kw_only=True):
    """What almost every turn of a lane in the middle of a broadcast is: record, then claim."""

    lease: Lease
    settlements: Sequence[Settlement]
    """Plain ones alone (``is_plain``)."""
    order: ClaimOrder
    """Without a ``broadcast_room`` of its own."""


def is_plain(settlement: Settlement) -> bool:
    """Whether it moves no chat, makes none wait, and puts nothing back behind the rest or at once:
    that would come into the very claim that follows."""
    at_once = settlement.status is DeliveryStatus.PENDING and settlement.retry_in <= 0
    return (
        settlement.new_chat_id is None
        and settlement.chat_wait is None
        and not settlement.behind
        and not at_once
    )


class TurnGroups(Protocol):
    """The short way for turns that ask for nothing special; ``LaneLedger`` can do everything.

    Shared by all tasks.
    """

    @abstractmethod
    async def take(self, turns: Sequence[PlainTurn]) -> Sequence[Claim | None]:
        """Take turns of different lanes, which are committed together; each claim at its place.

        Each is what ``LaneLedger.settle`` and then ``claim`` would have been in a unit of its own.
        None says that nothing was done for this lane, because it needs more than is done here, or
        has lost its lease, or somebody holds a row of it: its holder takes the turn in a unit. No
        lane ever waits for the locks of another's here.

        Raises StorageUnavailable; nothing was done for any of them then, unless it is ``unsure``.
        """
