"""Port: claim a lane's deliveries, record what became of them, hand the lane over."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from skua_core.domain.delivery import Claim, ClaimedDelivery, Settlement
from skua_core.domain.lane import AcquiredLane, ClaimOrder, Lease


class LaneHolding(Protocol):
    """Taking a lane, holding it and letting it go."""

    @abstractmethod
    async def acquire(self, holder: str) -> AcquiredLane | None:
        """Take the lane if it is free or its holder is gone; None while another lives.

        What an older lease left in flight becomes uncertain(lane_taken_over).
        """

    @abstractmethod
    async def hold_until(
        self, lease: Lease, *, wait: float | None, learned_rate: float | None
    ) -> None:
        """Store the lane's pause (seconds from now; never shortens one) and its learned rate.

        The pause counts whoever holds the lane: Telegram asked it of the token.
        """

    @abstractmethod
    async def release(self, lease: Lease) -> None:
        """Free the lane for whoever wants it next. Harmless when it is lost already."""


class LaneLedger(LaneHolding, Protocol):
    """One bot's lane and its deliveries, inside one unit of kind ``lane``.

    Locks are taken in the order lane, bot, item, deliveries, subscribers by id. ``claim`` and
    ``settle`` share the lane's row, so an acquisition waits for them and they never see half of
    one. Nothing here holds beyond the unit's commit; a claim is real only after it.
    """

    @abstractmethod
    async def claim(self, lease: Lease, order: ClaimOrder) -> Claim:
        """Mark what leaves next as in flight: replies, tests, auto-messages, then the broadcast.

        Subscribers who left meanwhile, and what expired, are skipped. A claim that finds the
        sending broadcast at its end completes it. Nothing is claimed while ``not_before`` lasts,
        nor from a broadcast that isn't frozen yet: ``Claim.to_freeze`` names it. What was put back
        behind the rest comes when nothing else of its broadcast is pending. A group that gets
        something waits ``GROUP_SPACING`` seconds for the next; what is due to a chat that has to
        wait comes due then. Raises LeaseLost.
        """

    @abstractmethod
    async def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> None:
        """Record outcomes, counters and what was learned of the subscribers, once each.

        A settlement whose row has moved on is passed over, with two exceptions: a definite outcome
        of the same attempt still settles an uncertain row, and a ``sent`` of a former attempt one
        that was made pending again and isn't claimed. Works without a valid lease too, in these
        respects alone: then it raises nothing. ``chat_wait`` counts in any case.
        """

    @abstractmethod
    async def note_received(self, lease: Lease, item_id: UUID, wording: str) -> None:
        """Somebody has received that wording of a broadcast or an auto-message (``wording``).

        Once is enough, again is harmless, and so is an item that is gone.
        """

    @abstractmethod
    async def in_flight(self, lease: Lease) -> Sequence[ClaimedDelivery]:
        """What is claimed under this lease, for a holder that isn't sure of its last commit."""
