"""A bot's lane in PostgreSQL. The order of locks and statements is what makes it right.

Lane, bot, item, deliveries, subscribers by id: each is a statement of its own, so that each sees
what was committed while the one before waited for its lock.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from skua_adapters.tenant_storage.postgres import (
    claim_statements,
    lane_claims,
    lane_settlements,
    settle_statements,
)
from skua_adapters.tenant_storage.postgres import lane_statements as sql
from skua_core.domain.delivery import Claim, ClaimedDelivery, Settlement
from skua_core.domain.lane import AcquiredLane, ClaimOrder, LaneTimes, Lease
from skua_core.errors import LeaseLost
from skua_core.ids import BotId, LeaseId
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.lane_ledger import LaneLedger
from skua_core.ports.repositories import SubscriberRepository


class PostgresLaneLedger(LaneLedger):
    def __init__(
        self,
        session: AsyncSession,
        bot_id: BotId,
        *,
        subscribers: SubscriberRepository,
        times: LaneTimes,
        ids: IdFactory,
    ) -> None:
        self._session = session
        self._bot_id = bot_id
        self._subscribers = subscribers
        self._times = times
        self._ids = ids
        self._wait: float | None = None
        """Of the lane's row, once this unit has it under its lock."""

    async def acquire(self, holder: str) -> AcquiredLane | None:
        bot = {"bot": self._bot_id}
        free = await self._session.scalar(
            sql.LANE_IS_FREE,
            bot | {"takeover": self._times.takeover, "future": self._times.future_tolerance},
        )
        if not free:
            return None
        lease_id = LeaseId(self._ids.unguessable())
        taken = (
            await self._session.execute(sql.TAKE_LANE, bot | {"lease": lease_id, "holder": holder})
        ).one()
        await self._session.execute(sql.LOCK_ITEMS_IN_FLIGHT, bot)
        stranded = (await self._session.execute(sql.STRAND_IN_FLIGHT, bot)).scalar_one()
        return AcquiredLane(
            lease=Lease(bot_id=self._bot_id, lease_id=lease_id, epoch=taken.epoch, holder=holder),
            wait=max(0.0, taken.wait or 0.0),
            learned_rate=taken.learned_rate,
            made_uncertain=stranded,
        )

    async def claim(self, lease: Lease, order: ClaimOrder) -> Claim:
        wait = await self._share_lane(lease)
        if wait is None:
            raise LeaseLost(self._bot_id)
        if wait > 0:
            return Claim(next_due_in=wait)
        return await lane_claims.claim(self._session, lease, order)

    async def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> None:
        await self._share_lane(lease)
        await lane_settlements.settle(self._session, lease, settlements, self._subscribers)

    async def note_received(self, lease: Lease, item_id: UUID, wording: str) -> None:
        await self._share_lane(lease)
        await self._session.execute(
            settle_statements.NOTE_RECEIVED,
            {"bot": self._bot_id, "item": item_id, "wording": wording},
        )

    async def in_flight(self, lease: Lease) -> Sequence[ClaimedDelivery]:
        rows = await self._session.execute(
            claim_statements.IN_FLIGHT, {"bot": self._bot_id, "epoch": lease.epoch}
        )
        return [lane_claims.claimed(row) for row in rows]

    async def hold_until(
        self, lease: Lease, *, wait: float | None, learned_rate: float | None
    ) -> None:
        self._wait = None
        await self._session.execute(
            sql.HOLD_LANE,
            {
                "bot": self._bot_id,
                "lease": lease.lease_id,
                "wait": wait,
                "rate": learned_rate,
            },
        )

    async def release(self, lease: Lease) -> None:
        await self._session.execute(
            sql.RELEASE_LANE, {"bot": self._bot_id, "lease": lease.lease_id}
        )

    async def _share_lane(self, lease: Lease) -> float | None:
        """The lane's pause in seconds; None when it has another lease. Asked once, then held."""
        if self._wait is None:
            self._wait = await self._session.scalar(
                sql.SHARE_LANE, {"bot": self._bot_id, "lease": lease.lease_id}
            )
        return self._wait
