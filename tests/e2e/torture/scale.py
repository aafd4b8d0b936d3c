"""How large a torture is, how fast its clockwork runs, and how long it may take."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from tests.e2e.delivery.installation import SHORT_LANES


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    bots: int = 50
    people: int = 400
    """Recipients of each bot's broadcast."""
    servers: int = 2
    workers: int = 3
    kills: int = 24
    """From outside, beside those at fault points."""
    freezes: int = 8
    database_falls: int = 2
    queue_troubles: int = 4
    rate: float = 10.0
    """Messages per second and bot. So low that all bots together keep no machine busy, and that
    sending lasts as long as the disturbances do."""
    begin: float = 1.0
    over: float = 62.0
    """Disturbances happen between these two, in seconds from the time when messages leave."""
    limit: float = 360.0
    """Seconds after which what isn't finished has failed; a busy machine is no defect."""
    heartbeat: float = 0.4
    fence: float = 1.2
    takeover: float = 2.0
    lanes: Mapping[str, str] = MappingProxyType(SHORT_LANES | {"SKUA_LANE_UNSERVED": "600"})
    """SKUA_LANE_… of all programs; empty for the times as they are shipped. On a busy machine a bot
    may wait long for its turn, and nobody is there to resume what was interrupted."""


SHORT = Scale()
"""All times ten times shorter."""

FULL = Scale(
    kills=48,
    freezes=10,
    database_falls=4,
    queue_troubles=8,
    rate=3.0,
    begin=5.0,
    over=240.0,
    limit=1500.0,
    heartbeat=4.0,
    fence=12.0,
    takeover=20.0,
    lanes=MappingProxyType({}),
)
"""As shipped."""
