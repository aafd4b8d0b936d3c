"""The claiming and recording half of a held lane."""

import asyncio
import contextlib
from functools import partial

from skua_core.domain.delivery import Claim, DeliveryKind, DeliveryStatus, Settlement
from skua_core.domain.lane import ClaimOrder
from skua_core.domain.pace import ChatPace, FairShare
from skua_core.domain.secret import SealedSecret
from skua_core.errors import LeaseLost, SecretUnreadable, StorageUnavailable
from skua_core.faults import fault
from skua_core.ids import SourceId
from skua_core.ports.clock import Clock
from skua_core.ports.token_vault import TokenVault
from skua_core.use_cases.lane_budget import LaneBudget
from skua_core.use_cases.lane_chores import RETRY, LaneChores
from skua_core.use_cases.lane_guard import LaneGuard
from skua_core.use_cases.lane_messages import LaneMessages, Prepared
from skua_core.use_cases.lane_place import LaneEnd, LanePlace, LaneSettings
from skua_core.use_cases.lane_sender import LaneSender
from skua_core.use_cases.lane_stops import LaneStops
from skua_core.use_cases.lane_turns import LaneTurns, Turn
from skua_core.use_cases.token_in_use import TokenInUse
from skua_core.use_cases.tokens import TokenFailedCommand

_BROADCAST = DeliveryKind.BROADCAST
_LINGER = 0.1
"""Seconds that an outcome waits at most for others, to be recorded together."""
_DRAIN = 35.0
"""Seconds that a lane waits at its end for answers, and then for the database: longer than one
send may last that uploads nothing."""
_MEDIUM_RETRY = 1.0
"""Seconds until a reply is claimed again whose medium another delivery is carrying."""


class HeldLane:
    """Turns: each is one transaction that records what was answered and claims what goes next."""

    def __init__(
        self,
        *,
        vault: TokenVault,
        clock: Clock,
        settings: LaneSettings,
        guard: LaneGuard,
        place: LanePlace,
        budget: LaneBudget,
        sender: LaneSender,
        messages: LaneMessages,
        turns: LaneTurns,
        stops: LaneStops,
        chores: LaneChores,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._guard = guard
        self._bot_id = guard.lease.bot_id
        self._token = TokenInUse(vault, self._bot_id)
        self._place = place
        self._budget = budget
        self._pace = budget.pace
        self._sender = sender
        sender.on_answer = self._answered
        self._messages = messages
        self._turns = turns
        self._stops = stops
        stops.on_stop = sender.put_back
        self._chores = chores
        self._share = FairShare()
        self._paid = False
        self._sources: set[SourceId] = set()
        self._window = self._batch = 1
        self._more = True
        self._look_at = self._busy_at = self._taken_at = clock.monotonic()
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
                self._sender.settle_withheld()
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
        if self._sender.carrying:
            self._busy_at = now
            return None  # its outcome would be lost with the lane
        if self._pace.held(now) > patience:
            return LaneEnd.HELD_BACK
        if self._place.wanted() and now - self._taken_at > patience:
            return LaneEnd.YIELDED
        if self._sender.open or self._chores.busy or self._stops.busy:
            self._busy_at = now
        if now - self._busy_at > patience:
            return LaneEnd.IDLE
        return None

    def _fail_token(self, sealed: SealedSecret, *, unreadable: bool) -> None:
        self.failed_token = TokenFailedCommand(
            bot_id=self._bot_id, sealed_token=sealed, unreadable=unreadable
        )

    async def _leave(self) -> None:
        """Let go of what hasn't left, wait for what has, record all of it, free the lane."""
        if self._guard.lost:
            self._sender.forget_queued()
        else:
            self._sender.put_back()
        with contextlib.suppress(TimeoutError):  # an upload may last longer
            async with asyncio.timeout(_DRAIN):
                await self._sender.drain()
        self._sender.let_go_of_withheld()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN):
                await self._record_all()
        self._stops.abandon()

    async def _record_all(self) -> None:
        while self._sender.finished or self._turns.anything_unstored():
            await self._turn(claiming=False)
        await self._stops.finish()
        if not self._guard.lost:
            await self._turns.release()

    # Turns

    async def _turn(self, *, claiming: bool) -> None:
        if claiming:
            # No claim is under way now that might be older than its pause.
            self._stops.open_stored()
        if not (
            self._sender.finished
            or self._turns.anything_unstored()
            or (claiming and self._wants_order())
        ):
            return
        try:
            result = await self._turns.take(partial(self._ask, claiming=claiming))
        except LeaseLost:
            self._guard.lose()
        except StorageUnavailable:
            await asyncio.sleep(RETRY)
        else:
            self._sender.return_unsent(result.orphans)
            if result.order is not None and result.claim is not None:
                await fault("claim.after_commit")
                await self._take_in(result.order, result.claim)

    def _ask(self, *, claiming: bool) -> Turn:
        settlements = self._sender.take_finished()
        self._look_again(settlements)
        return Turn(settlements, self._order() if claiming else None)

    def _look_again(self, settlements: list[Settlement]) -> None:
        """What is put back is claimed again when it comes due, be it in this very turn."""
        now = self._clock.monotonic()
        for settlement in settlements:
            if settlement.status is DeliveryStatus.PENDING:
                self._look_at = min(self._look_at, now + settlement.retry_in)

    def _wants_order(self) -> bool:
        now = self._clock.monotonic()
        self._window = self._budget.window(now, paid=self._paid)
        self._batch = max(1, self._window // 4)
        wanted = self._more or self._place.woken or now >= self._look_at
        return wanted and self._room() > 0 and self._may_claim()

    def _room(self) -> int:
        return self._window - len(self._sender.open)

    def _order(self) -> ClaimOrder | None:
        if not self._wants_order():
            return None
        now, room = self._clock.monotonic(), self._room()
        self._place.woken = False
        waits = self._stops.stops_broadcast() or self._messages.being_carried()
        return ClaimOrder(
            room=room,
            direct_room=self._share.direct_room(room),
            broadcast_room=0 if waits else None,
            busy_chats=self._sender.chats.busy(now),
            busy_with_others=self._sender.direct_chats.busy(now),
        )

    def _may_claim(self) -> bool:
        return self._guard.may_act() and self._pace.held(self._clock.monotonic()) <= 0

    async def _take_in(self, order: ClaimOrder, claim: Claim) -> None:
        now = self._clock.monotonic()
        # Whatever the broadcast waits for wakes this lane.
        self._more = claim.more and order.broadcast_room is None
        self._look_at = now + self._settings.poll
        if claim.next_due_in is not None and claim.next_due_in < self._settings.times.patience:
            # Worth keeping the place for, though nothing can be sent right now.
            self._look_at = self._busy_at = now + max(_LINGER, claim.next_due_in)
        self._begin_chores(claim)
        if not claim.deliveries:
            return
        self._busy_at = now
        self._paid = any(delivery.paid for delivery in claim.deliveries)
        sources = {each.key.source_id for each in claim.deliveries if each.kind is _BROADCAST}
        broadcast = sum(each.kind is _BROADCAST for each in claim.deliveries)
        self._share.claimed(direct=len(claim.deliveries) - broadcast, broadcast=broadcast)
        if sources and self._sources and sources != self._sources:
            # One broadcast follows another: give their common recipients their second.
            self._pace.rest(now + ChatPace.GAP)
        self._sources = sources or self._sources
        if self._sender.holds_back:
            self._sender.return_unsent(claim.deliveries)
            return
        await self._send(claim)

    def _begin_chores(self, claim: Claim) -> None:
        if claim.to_freeze is not None:
            self._chores.freeze(claim.to_freeze)
        if claim.to_cancel is not None:
            self._chores.cancel_rest(claim.to_cancel)
        if claim.to_resend is not None:
            self._chores.resend(claim.to_resend)

    async def _send(self, claim: Claim) -> None:
        try:
            prepared = await self._prepared(claim)
        except StorageUnavailable:
            self._sender.return_unsent(claim.deliveries)
            return
        except SecretUnreadable:
            self._sender.return_unsent(claim.deliveries)
            if claim.sealed_token is not None:
                self._fail_token(claim.sealed_token, unreadable=True)
            return
        self._sender.enqueue(prepared.ready)
        for item in self._stops.items:
            self._sender.put_back(item)
        for delivery in prepared.waiting:
            retry_in = 0.0 if delivery.kind is _BROADCAST else _MEDIUM_RETRY
            self._sender.return_unsent([delivery], retry_in=retry_in)

    async def _prepared(self, claim: Claim) -> Prepared:
        if claim.sealed_token is None:
            raise SecretUnreadable(self._bot_id, "a claim came without its token")
        token = self._token.open(claim.sealed_token)
        return await self._messages.prepare(claim, token, claim.sealed_token)

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
        enough = 1 if self._place.woken else self._batch
        return (self._more or self._place.woken) and self._room() >= enough and self._may_claim()

    def _longest_rest(self) -> float:
        now = self._clock.monotonic()
        if self._sender.finished or self._sender.open or self._turns.pause_unstored():
            return _LINGER
        if (held := self._pace.held(now)) > 0:
            return held
        if not self._guard.may_act() or self._more:
            return _LINGER
        return max(_LINGER, min(self._look_at - now, self._settings.times.patience))
