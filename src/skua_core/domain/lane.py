"""Lanes: the single place from which one bot's deliveries leave."""

from collections.abc import Set as AbstractSet
from datetime import datetime

import msgspec

from skua_core.ids import BotId, LeaseId

GROUP_SPACING = 3.0
"""Seconds between two messages to one group: Telegram takes 20 a minute."""


class LaneTimes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clockwork of lanes, in seconds. Its order is what keeps two holders apart."""

    heartbeat: float = 4.0
    fence: float = 12.0
    """A holder whose last committed heartbeat was issued longer ago claims and sends nothing."""
    takeover: float = 20.0
    """A lane whose heartbeat is older is free, by the database's clock."""
    future_tolerance: float = 5.0
    """A heartbeat further in the future than this is taken for a broken clock: the lane is free."""
    sweep: float = 5.0
    patience: float = 20.0
    """A lane gives up its place after this long, when others wait for one."""
    unserved: float = 600.0
    """A broadcast that nobody served for this long is interrupted."""

    def __post_init__(self) -> None:
        if not 0 < 2 * self.heartbeat < self.fence < self.takeover:
            raise ValueError(
                f"lane times must rise: twice the heartbeat ({self.heartbeat:g} s) "
                f"< fence ({self.fence:g} s) < takeover ({self.takeover:g} s)"
            )
        if not self.sweep > 0 or not self.future_tolerance > 0 or not self.patience > 0:
            raise ValueError("lane times must be longer than zero")


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to claim from one lane. It ends when another lease is written over it."""

    bot_id: BotId
    lease_id: LeaseId
    epoch: int
    """Rises by one with every lease of the lane; each claim is marked with it."""
    holder: str
    """Names the process, so that its lanes can be freed when it is seen to die."""


class AcquiredLane(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh lease, and what the lane remembers."""

    lease: Lease
    wait: float = 0.0
    """Seconds until ``not_before`` is over, by the database's clock."""
    learned_rate: float | None = None
    made_uncertain: int = 0
    """Deliveries that an older lease had left in flight."""


class ClaimOrder(msgspec.Struct, frozen=True, kw_only=True):
    """How much a holder wants to claim, and what must wait."""

    room: int
    """At most this many deliveries altogether."""
    direct_room: int
    """At most this many replies, tests and auto-messages while a broadcast waits."""
    broadcast_room: int | None = None
    """At most this many of the broadcast; None for no limit of its own. One, until Telegram has its
    media; none, while it is about to be paused."""
    busy_chats: AbstractSet[int] = frozenset()
    """Chats that may get nothing now: one of theirs is in flight, or their second isn't over."""
    busy_with_others: AbstractSet[int] = frozenset()
    """Those of them that are busy with something else than the broadcast that is being sent. Its
    own recipients come once each, so for the rows at its cursor these are all that matter."""


class LaneSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A lane as an operator may look at it."""

    bot_id: BotId
    epoch: int
    holder: str | None
    heartbeat_at: datetime | None
    not_before: datetime | None
    learned_rate: float | None
