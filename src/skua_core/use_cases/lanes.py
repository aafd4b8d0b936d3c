"""Serve one bot's lane: claim, send, record, until the work or the lease is over."""

from skua_core.domain.lane import AcquiredLane
from skua_core.domain.pace import RateLearner
from skua_core.ids import BotId
from skua_core.ports.clock import Clock
from skua_core.ports.messenger import Messenger
from skua_core.ports.renderer import Renderer
from skua_core.ports.tenant_storage import TenantStorage, UnitKind
from skua_core.ports.token_vault import TokenVault
from skua_core.use_cases.held_lane import HeldLane
from skua_core.use_cases.lane_guard import LaneGuard
from skua_core.use_cases.lane_place import LaneEnd, LanePlace, LaneSettings
from skua_core.use_cases.lane_sender import LaneSender
from skua_core.use_cases.tokens import TokenFailed


class AcquireLane:
    """Take a bot's lane if nobody alive holds it.

    What an earlier holder left in flight becomes uncertain in the same transaction.
    """

    def __init__(self, *, storage: TenantStorage, clock: Clock, settings: LaneSettings) -> None:
        self._storage = storage
        self._clock = clock
        self._settings = settings

    async def __call__(self, bot_id: BotId, holder: str) -> tuple[AcquiredLane, LaneGuard] | None:
        issued_at = self._clock.monotonic()
        async with self._storage.unit(bot_id, UnitKind.LANE) as unit:
            acquired = await unit.lane.acquire(holder)
            if acquired is None:
                return None
            await unit.commit()
        guard = LaneGuard(acquired.lease, self._settings.times, self._clock, issued_at=issued_at)
        return acquired, guard


class ServeLane:
    """Serve one bot for as long as its lease holds and work is due.

    Claims are committed before the first byte leaves and outcomes after the answer, so a crash in
    between leaves deliveries that are known to be uncertain, never lost and never repeated.
    """

    def __init__(
        self,
        *,
        storage: TenantStorage,
        messenger: Messenger,
        vault: TokenVault,
        renderer: Renderer,
        clock: Clock,
        token_failed: TokenFailed,
        settings: LaneSettings,
    ) -> None:
        self._storage = storage
        self._messenger = messenger
        self._vault = vault
        self._renderer = renderer
        self._clock = clock
        self._token_failed = token_failed
        self._settings = settings

    async def __call__(self, acquired: AcquiredLane, guard: LaneGuard, place: LanePlace) -> LaneEnd:
        learned = acquired.learned_rate
        share = 1.0 if learned is None else learned / self._settings.rates.free
        sender = LaneSender(
            guard=guard,
            messenger=self._messenger,
            renderer=self._renderer,
            clock=self._clock,
            rates=self._settings.rates,
            learner=RateLearner(share),
        )
        if acquired.wait > 0:
            sender.pace.hold(self._clock.monotonic() + acquired.wait)
        lane = HeldLane(
            storage=self._storage,
            vault=self._vault,
            clock=self._clock,
            settings=self._settings,
            guard=guard,
            place=place,
            sender=sender,
        )
        end = await lane.serve()
        if lane.failed_token is not None:
            await self._token_failed(lane.failed_token)
        return end
