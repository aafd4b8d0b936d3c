"""Serve one bot's lane: claim, send, record, until the work or the lease is over."""

from skua_core.domain.lane import AcquiredLane
from skua_core.domain.pace import RateLearner
from skua_core.ids import BotId
from skua_core.ports.clock import Clock
from skua_core.ports.media_store import MediaStore
from skua_core.ports.messenger import Messenger
from skua_core.ports.renderer import Renderer
from skua_core.ports.tenant_storage import TenantStorage, UnitKind
from skua_core.ports.token_vault import TokenVault
from skua_core.use_cases.gathered_turns import GatheredTurns
from skua_core.use_cases.held_lane import HeldLane
from skua_core.use_cases.item_stops import PauseItem
from skua_core.use_cases.lane_budget import LaneBudget
from skua_core.use_cases.lane_chores import LaneChores
from skua_core.use_cases.lane_guard import LaneGuard
from skua_core.use_cases.lane_judge import LaneJudge
from skua_core.use_cases.lane_lessons import LaneLessons
from skua_core.use_cases.lane_media import LaneMedia
from skua_core.use_cases.lane_messages import LaneMessages
from skua_core.use_cases.lane_place import LaneEnd, LanePlace, LaneSettings
from skua_core.use_cases.lane_sender import LaneSender
from skua_core.use_cases.lane_stops import LaneStops
from skua_core.use_cases.lane_turns import LaneTurns
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
        media_store: MediaStore,
        vault: TokenVault,
        renderer: Renderer,
        clock: Clock,
        token_failed: TokenFailed,
        pause_item: PauseItem,
        gathered: GatheredTurns,
        settings: LaneSettings,
    ) -> None:
        self._storage = storage
        self._messenger = messenger
        self._media_store = media_store
        self._vault = vault
        self._renderer = renderer
        self._clock = clock
        self._token_failed = token_failed
        self._pause_item = pause_item
        self._gathered = gathered
        self._settings = settings

    async def __call__(self, acquired: AcquiredLane, guard: LaneGuard, place: LanePlace) -> LaneEnd:
        lane = self._assemble(guard, place, self._budget(acquired))
        end = await lane.serve()
        if lane.failed_token is not None:
            await self._token_failed(lane.failed_token)
        return end

    def _budget(self, acquired: AcquiredLane) -> LaneBudget:
        rates, now = self._settings.rates, self._clock.monotonic()
        learned = acquired.learned_rate
        budget = LaneBudget(rates, RateLearner(1.0 if learned is None else learned / rates.free))
        # The holder before may have sent until a moment ago. It recorded its answers before it let
        # go, or it is dead: one interval from here keeps the distance to its last message.
        budget.pace.rest(now + 1 / budget.rate(now, paid=False))
        if acquired.wait > 0:
            budget.pace.hold(now + acquired.wait)
        return budget

    def _assemble(self, guard: LaneGuard, place: LanePlace, budget: LaneBudget) -> HeldLane:
        bot_id = guard.lease.bot_id
        lessons = LaneLessons()
        media = LaneMedia(lessons, done=place.wake)
        stops = LaneStops(self._pause_item, done=place.wake)
        sender = LaneSender(
            guard=guard,
            messenger=self._messenger,
            renderer=self._renderer,
            judge=LaneJudge(bot_id=bot_id, media=media, lessons=lessons, stops=stops),
            media=media,
            budget=budget,
            clock=self._clock,
            withhold=self._settings.withhold,
        )
        return HeldLane(
            vault=self._vault,
            clock=self._clock,
            settings=self._settings,
            guard=guard,
            place=place,
            budget=budget,
            sender=sender,
            messages=LaneMessages(
                storage=self._storage, store=self._media_store, media=media, bot_id=bot_id
            ),
            turns=LaneTurns(
                storage=self._storage,
                clock=self._clock,
                lease=guard.lease,
                sender=sender,
                budget=budget,
                lessons=lessons,
                gathered=self._gathered,
            ),
            stops=stops,
            chores=LaneChores(self._storage, bot_id, done=place.wake),
        )
