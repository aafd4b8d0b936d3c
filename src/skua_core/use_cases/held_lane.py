"""The claiming and recording half of a held lane."""

import asyncio
import contextlib

from skua_core.domain.content import CompiledMessage
from skua_core.domain.delivery import (
    Claim,
    ClaimedDelivery,
    DeliveryKind,
    DeliveryStatus,
    Settlement,
)
from skua_core.domain.lane import ClaimOrder
from skua_core.domain.pace import ChatPace, FairShare
from skua_core.domain.secret import SealedSecret
from skua_core.errors import LeaseLost, SecretUnreadable, StorageUnavailable
from skua_core.faults import fault
from skua_core.ids import CampaignId, SourceId
from skua_core.ports.clock import Clock
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind
from skua_core.ports.token_vault import TokenVault
from skua_core.use_cases.lane_chores import RETRY, LaneChores
from skua_core.use_cases.lane_guard import LaneGuard
from skua_core.use_cases.lane_place import LaneEnd, LanePlace, LaneSettings
from skua_core.use_cases.lane_sender import LaneSender, Outgoing
from skua_core.use_cases.tokens import TokenFailedCommand

_BROADCAST = DeliveryKind.BROADCAST
_LINGER = 0.1
"""Seconds that an outcome waits at most for others, to be recorded together."""
_DRAIN = 35.0
"""Seconds that a lane may take to end: longer than one send may last."""


class HeldLane:
    """Turns: each is one transaction that records what was answered and claims what goes next."""

    def __init__(
        self,
        *,
        storage: TenantStorage,
        vault: TokenVault,
        clock: Clock,
        settings: LaneSettings,
        guard: LaneGuard,
        place: LanePlace,
        sender: LaneSender,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._clock = clock
        self._settings = settings
        self._guard = guard
        self._lease = guard.lease
        self._place = place
        self._sender = sender
        sender.on_answer = self._answered
        self._share = FairShare()
        self._compiled: dict[tuple[CampaignId, int], CompiledMessage] = {}
        self._chores = LaneChores(storage, self._lease.bot_id, done=place.wake)
        self._paid = False
        self._sources: set[SourceId] = set()
        self._window = self._batch = 1
        self._more = True
        self._look_at = self._busy_at = self._taken_at = clock.monotonic()
        self._stored_pause = sender.pace.held_until
        self._unsure = False
        self.failed_token: TokenFailedCommand | None = None
        """A token that Telegram refuses, or that no key opens."""

    async def serve(self) -> LaneEnd:
        try:
            end = await self._take_turns()
        except Exception:
            # A defect, and none of it may be lost: what has left, and what Telegram asked for.
            with contextlib.suppress(Exception):
                await self._leave()
            raise
        await self._leave()
        return end

    async def _take_turns(self) -> LaneEnd:
        sending = asyncio.create_task(self._sender.run())
        try:
            while (end := self._end()) is None:
                await self._turn(claiming=True)
                await self._rest()
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
            self._chores.stop()
        return end

    def _end(self) -> LaneEnd | None:  # noqa: PLR0911 - one line per reason
        now, patience = self._clock.monotonic(), self._settings.times.patience
        if self._sender.refused_token is not None:
            self._fail_token(self._sender.refused_token, unreadable=False)
        if self._guard.lost:
            return LaneEnd.LOST
        if self._place.stopping:
            return LaneEnd.STOPPED
        if self.failed_token is not None:
            return LaneEnd.TOKEN
        if self._sender.pace.held(now) > patience:
            return LaneEnd.HELD_BACK
        if self._place.wanted() and now - self._taken_at > patience:
            return LaneEnd.YIELDED
        if self._sender.open or self._chores.busy:
            self._busy_at = now
        if now - self._busy_at > patience:
            return LaneEnd.IDLE
        return None

    def _fail_token(self, sealed: SealedSecret, *, unreadable: bool) -> None:
        self.failed_token = TokenFailedCommand(
            bot_id=self._lease.bot_id, sealed_token=sealed, unreadable=unreadable
        )

    async def _leave(self) -> None:
        """Let go of what hasn't left, wait for what has, record all of it, free the lane."""
        if self._guard.lost:
            self._sender.forget_queued()
        else:
            self._sender.put_back()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN):
                await self._sender.drain()
                while self._sender.finished or self._pause_unstored():
                    await self._turn(claiming=False)
                await self._release()

    async def _release(self) -> None:
        if self._guard.lost:
            return
        try:
            async with self._storage.unit(self._lease.bot_id, UnitKind.LANE) as unit:
                await unit.lane.hold_until(
                    self._lease, wait=None, learned_rate=self._learned_rate()
                )
                await unit.lane.release(self._lease)
                await unit.commit()
        except StorageUnavailable:
            return  # its heartbeat ends with us, so the lane comes free by itself

    # Turns

    async def _turn(self, *, claiming: bool) -> None:
        order = self._order() if claiming else None
        settlements = self._sender.take_finished()
        if order is None and not settlements and not self._pause_unstored():
            return
        try:
            claim, orphans = await self._transact(settlements, order)
        except BaseException as error:
            self._sender.give_back(settlements)
            if isinstance(error, LeaseLost):
                self._guard.lose()
            elif isinstance(error, StorageUnavailable):
                self._unsure = self._unsure or error.unsure
                await asyncio.sleep(RETRY)
            else:
                raise
            return
        self._sender.return_unsent(orphans)
        if claim is not None:
            await fault("claim.after_commit")
            await self._take_in(claim)

    async def _transact(
        self, settlements: list[Settlement], order: ClaimOrder | None
    ) -> tuple[Claim | None, list[ClaimedDelivery]]:
        claim: Claim | None = None
        orphans: list[ClaimedDelivery] = []
        pause = self._stored_pause
        async with self._storage.unit(self._lease.bot_id, UnitKind.LANE) as unit:
            if self._unsure:
                orphans = await self._orphans(unit, settlements)
            if settlements:
                await unit.lane.settle(self._lease, settlements)
            if self._pause_unstored():
                # Read here: a 429 may come in while this very turn waits for the database.
                pause = self._sender.pace.held_until
                wait = pause - self._clock.monotonic()
                await unit.lane.hold_until(
                    self._lease, wait=wait, learned_rate=self._learned_rate()
                )
            if order is not None:
                claim = await unit.lane.claim(self._lease, order)
            await fault("result.before_commit")
            await unit.commit()
        self._unsure = False
        self._stored_pause = pause
        self._look_again(settlements)
        return claim, orphans

    def _look_again(self, settlements: list[Settlement]) -> None:
        """What was put back is claimed again when it comes due."""
        now = self._clock.monotonic()
        for settlement in settlements:
            if settlement.status is DeliveryStatus.PENDING:
                self._look_at = min(self._look_at, now + settlement.retry_in)

    async def _orphans(
        self, unit: TenantUnit, settlements: list[Settlement]
    ) -> list[ClaimedDelivery]:
        """What a commit claimed whose answer never came: nothing of it has left."""
        known = self._sender.open.keys() | {settlement.key for settlement in settlements}
        claimed = await unit.lane.in_flight(self._lease)
        return [delivery for delivery in claimed if delivery.key not in known]

    def _order(self) -> ClaimOrder | None:
        now = self._clock.monotonic()
        rate = self._settings.rates.of(paid=self._paid) * self._sender.learner.share(now)
        self._window = self._sender.window.size(rate)
        self._batch = max(1, self._window // 4)
        room = self._window - len(self._sender.open)
        wanted = self._more or self._place.woken or now >= self._look_at
        if not wanted or room <= 0 or not self._may_claim():
            return None
        self._place.woken = False
        return ClaimOrder(
            room=room,
            direct_room=self._share.direct_room(room),
            busy_chats=self._sender.chats.busy(now),
            busy_with_others=self._sender.direct_chats.busy(now),
        )

    def _may_claim(self) -> bool:
        return self._guard.may_act() and self._sender.pace.held(self._clock.monotonic()) <= 0

    async def _take_in(self, claim: Claim) -> None:
        now = self._clock.monotonic()
        self._more = claim.more
        self._look_at = now + self._settings.poll
        if claim.next_due_in is not None and claim.next_due_in < self._settings.times.patience:
            # Worth keeping the place for, though nothing can be sent right now.
            self._look_at = self._busy_at = now + max(_LINGER, claim.next_due_in)
        if claim.to_freeze is not None:
            self._chores.freeze(claim.to_freeze)
        if claim.to_cancel is not None:
            self._chores.cancel_rest(claim.to_cancel)
        if not claim.deliveries:
            return
        self._busy_at = now
        self._paid = any(delivery.paid for delivery in claim.deliveries)
        sources = {each.key.source_id for each in claim.deliveries if each.kind is _BROADCAST}
        broadcast = sum(each.kind is _BROADCAST for each in claim.deliveries)
        self._share.claimed(direct=len(claim.deliveries) - broadcast, broadcast=broadcast)
        if sources and self._sources and sources != self._sources:
            # One broadcast follows another: give their common recipients their second.
            self._sender.pace.rest(now + ChatPace.GAP)
        self._sources = sources or self._sources
        if self._sender.holds_back:
            self._sender.return_unsent(claim.deliveries)
            return
        try:
            self._sender.enqueue(await self._outgoing(claim))
        except StorageUnavailable:
            self._sender.return_unsent(claim.deliveries)
        except SecretUnreadable:
            self._sender.return_unsent(claim.deliveries)
            if claim.sealed_token is not None:
                self._fail_token(claim.sealed_token, unreadable=True)

    async def _outgoing(self, claim: Claim) -> list[Outgoing]:
        sealed = claim.sealed_token
        if sealed is None:
            raise SecretUnreadable(self._lease.bot_id, "a claim came without its token")
        token = self._vault.unseal_token(self._lease.bot_id, sealed)
        return [
            Outgoing(delivery, token, sealed, await self._message_of(delivery))
            for delivery in claim.deliveries
        ]

    async def _message_of(self, delivery: ClaimedDelivery) -> CompiledMessage | None:
        if delivery.campaign_id is None or delivery.revision is None:
            return None
        key = (delivery.campaign_id, delivery.revision)
        compiled = self._compiled.get(key)
        if compiled is None:
            async with self._storage.unit(self._lease.bot_id, UnitKind.LANE) as unit:
                revision = await unit.campaigns.revision(*key)
            if revision is None:
                raise StorageUnavailable(f"revision {key[1]} of a campaign is missing")
            compiled = self._compiled[key] = revision.compiled
        return compiled

    # Waiting

    async def _rest(self) -> None:
        """Wait until a turn is worth its transaction."""
        if self._worth_a_turn() or self._end() is not None:
            return
        self._place.attention.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._longest_rest()):
                await self._place.attention.wait()

    def _answered(self) -> None:
        if self._worth_a_turn():
            self._place.attention.set()

    def _worth_a_turn(self) -> bool:
        if self._sender.finished >= self._batch or self._sender.refused_token is not None:
            return True
        room = self._window - len(self._sender.open)
        enough = 1 if self._place.woken else self._batch
        return (self._more or self._place.woken) and room >= enough and self._may_claim()

    def _longest_rest(self) -> float:
        now = self._clock.monotonic()
        if self._sender.finished or self._sender.open or self._pause_unstored():
            return _LINGER
        if (held := self._sender.pace.held(now)) > 0:
            return held
        if not self._guard.may_act() or self._more:
            return _LINGER
        return max(_LINGER, min(self._look_at - now, self._settings.times.patience))

    def _pause_unstored(self) -> bool:
        return self._sender.pace.held_until > self._stored_pause

    def _learned_rate(self) -> float:
        share = self._sender.learner.share(self._clock.monotonic())
        return self._settings.rates.free * share
