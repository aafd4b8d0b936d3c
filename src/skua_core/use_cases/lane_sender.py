"""The sending half of a held lane: paced sends, and answers turned into settlements."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from skua_core.domain.content import CompiledMessage, RenderedMessage
from skua_core.domain.delivery import (
    ClaimedDelivery,
    DeliveryKey,
    DeliveryKind,
    DeliveryStatus,
    Reason,
    Settlement,
)
from skua_core.domain.pace import Backoff, ChatPace, Pace, RateLearner, SendWindow
from skua_core.domain.secret import BotToken, SealedSecret
from skua_core.errors import SkuaError
from skua_core.ports.clock import Clock
from skua_core.ports.messenger import (
    Messenger,
    NotSent,
    OutboundMessage,
    SendOutcome,
    Sent,
    Throttled,
    Unauthorized,
    Unknown,
)
from skua_core.ports.renderer import Renderer
from skua_core.use_cases.lane_guard import LaneGuard
from skua_core.use_cases.lane_place import SendRates
from skua_core.use_cases.outcomes import ThrottleScope, Verdict, judge, settle

_log = logging.getLogger(__name__)
_PUT_BACK = Verdict(DeliveryStatus.PENDING)
_SHORT_PAUSE = 1.0
"""Seconds. Through a pause no longer than this, claimed deliveries wait where they are."""
_STARTED_AT_ONCE = 4
"""Sends that begin before anything else may go on: answers, other lanes, and the turn that records
and claims, whose statements would each wait for a whole window to leave."""
_FENCE_LOOK = 0.05
"""Seconds between two looks at a closed fence."""


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A claimed delivery with what it takes to send it."""

    delivery: ClaimedDelivery
    token: BotToken
    sealed_token: SealedSecret
    compiled: CompiledMessage | None
    """The broadcast's message; a direct message brings its own."""


class LaneSender:
    """Sends what is queued, in order and at the lane's pace, and collects what became of it.

    One loop (``run``) starts the sends; each then lives in a task of its own, so that a slow answer
    delays nobody.
    """

    def __init__(
        self,
        *,
        guard: LaneGuard,
        messenger: Messenger,
        renderer: Renderer,
        clock: Clock,
        rates: SendRates,
        learner: RateLearner,
    ) -> None:
        self._guard = guard
        self._messenger = messenger
        self._renderer = renderer
        self._clock = clock
        self._rates = rates
        self.on_answer: Callable[[], None] = _nothing
        """Called after each outcome."""
        self._queue: deque[Outgoing] = deque()
        self._queued = asyncio.Event()
        self._sends: set[asyncio.Task[None]] = set()
        self._finished: list[Settlement] = []
        self._scope = ThrottleScope()
        self._backoff = Backoff()
        self.learner = learner
        self.pace = Pace()
        self.window = SendWindow()
        self.chats = ChatPace()
        self.direct_chats = ChatPace()
        """The chats that are busy with something else than a broadcast."""
        self.open: dict[DeliveryKey, ClaimedDelivery] = {}
        """Claimed deliveries without an outcome, queued or under way."""
        self.refused_token: SealedSecret | None = None
        """The token that Telegram answered 401 to."""

    @property
    def finished(self) -> int:
        """Outcomes that wait to be recorded."""
        return len(self._finished)

    @property
    def holds_back(self) -> bool:
        """Whether a pause lasts so long that nothing should be claimed for its end."""
        return self.pace.held(self._clock.monotonic()) > _SHORT_PAUSE

    def enqueue(self, outgoing: Iterable[Outgoing]) -> None:
        """Queue claimed deliveries; what a person waits for goes ahead of broadcasts."""
        urgent = []
        for item in outgoing:
            self.open[item.delivery.key] = item.delivery
            self.chats.claimed(item.delivery.chat_id)
            if item.delivery.kind is DeliveryKind.BROADCAST:
                self._queue.append(item)
            else:
                self.direct_chats.claimed(item.delivery.chat_id)
                urgent.append(item)
        self._queue.extendleft(reversed(urgent))
        self._queued.set()

    def take_finished(self) -> list[Settlement]:
        taken, self._finished = self._finished, []
        return taken

    def give_back(self, settlements: list[Settlement]) -> None:
        """They could not be recorded: keep them for the next try."""
        self._finished[:0] = settlements

    def put_back(self) -> None:
        """Let go of everything that hasn't left yet."""
        self.return_unsent(item.delivery for item in self._queue)
        for item in self._queue:
            self._close(item.delivery, sent_at=None)
        self._queue.clear()

    def return_unsent(self, deliveries: Iterable[ClaimedDelivery]) -> None:
        """Claimed deliveries that are certain not to have left: pending again."""
        now = self._clock.now()
        self._finished.extend(settle(delivery, _PUT_BACK, now) for delivery in deliveries)

    def forget_queued(self) -> None:
        """The lease is lost, so whatever hasn't left is somebody else's, and uncertain already."""
        while self._queue:
            self._close(self._queue.popleft().delivery, sent_at=None)

    async def drain(self) -> None:
        """Wait for the answers to everything that has left."""
        if self._sends:
            await asyncio.wait(self._sends)

    async def run(self) -> None:
        """Start sends at the lane's pace, for ever."""
        started = 0
        while True:
            if not self._queue:
                self._queued.clear()
                await self._queued.wait()
                self.pace.rest(self._clock.monotonic())  # idle time is no credit for a burst
            elif not self._guard.may_act():
                await asyncio.sleep(_FENCE_LOOK)
            elif (delay := self.pace.delay(self._clock.monotonic())) > 0:
                await asyncio.sleep(delay)
            else:
                self._start(self._queue.popleft())
                started += 1
                if started % _STARTED_AT_ONCE == 0:
                    await asyncio.sleep(0)

    def _start(self, item: Outgoing) -> None:
        delivery = item.delivery
        try:
            content = self._content(item)
        except SkuaError as error:
            verdict = Verdict(DeliveryStatus.FAILED, Reason.UNRENDERABLE, str(error))
            self._finish(delivery, verdict, self._clock.now(), sent_at=None)
            return
        now = self._clock.monotonic()
        rate = self._rates.of(paid=delivery.paid) * self.learner.share(now)
        self.pace.take(now, rate)
        task = asyncio.create_task(self._send(item, content))
        self._sends.add(task)
        task.add_done_callback(self._sends.discard)

    def _content(self, item: Outgoing) -> RenderedMessage:
        if item.delivery.message is not None:
            return item.delivery.message
        if item.compiled is None:
            raise ValueError(f"delivery {item.delivery.key} has no message")
        return self._renderer.render(item.compiled, item.delivery.values)

    async def _send(self, item: Outgoing, content: RenderedMessage) -> None:
        delivery = item.delivery
        # Time may have passed since this task was made: a frozen process must not send on waking.
        if self._guard.lost:
            self._close(delivery, sent_at=None)
            return
        if not self._guard.may_act():
            self._finish(delivery, _PUT_BACK, self._clock.now(), sent_at=None)
            return
        started_at, started = self._clock.now(), self._clock.monotonic()
        message = OutboundMessage(delivery.chat_id, content, delivery.paid)
        outcome = await self._outcome(item.token, message)
        now = self._clock.monotonic()
        self.window.observe(now - started)
        verdict = self._learn(item, outcome, now)
        arrived = verdict.status is not DeliveryStatus.PENDING
        self._finish(delivery, verdict, started_at, sent_at=started if arrived else None)

    async def _outcome(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        try:
            return await self._messenger.send(token, message)
        except Exception as error:  # noqa: BLE001 - a bug there must not strand the delivery
            _log.exception("The messenger raised instead of answering")
            return Unknown(type(error).__name__, answered=False)

    def _learn(self, item: Outgoing, outcome: SendOutcome, now: float) -> Verdict:
        delivery = item.delivery
        if delivery.kind is not DeliveryKind.BROADCAST or delivery.chat_id < 0:
            self._scope.sent(delivery.chat_id, now)
        match outcome:
            case Throttled(retry_after):
                if not self._scope.only_chat(delivery.chat_id, now):
                    self._throttle(retry_after, now)
            case Unauthorized():
                self.refused_token = item.sealed_token
            case Sent():
                self._scope.accepted(delivery.chat_id, now)
        self._slow_down_in_silence(outcome, now)
        return judge(outcome, migrated=delivery.migrated)

    def _slow_down_in_silence(self, outcome: SendOutcome, now: float) -> None:
        if not isinstance(outcome, NotSent | Unknown):
            self._backoff.definite()
        elif (until := self._backoff.indefinite(now)) is not None:
            _log.warning("Telegram gives no definite answers (%s); waiting", outcome.reason)
            self.pace.rest(until)

    def _throttle(self, retry_after: float, now: float) -> None:
        self.pace.hold(now + retry_after)
        self.learner.throttled(now)
        if retry_after > _SHORT_PAUSE:
            self.put_back()

    def _finish(
        self,
        delivery: ClaimedDelivery,
        verdict: Verdict,
        started_at: datetime,
        *,
        sent_at: float | None,
    ) -> None:
        self._finished.append(settle(delivery, verdict, started_at))
        self._close(delivery, sent_at=sent_at)
        self.on_answer()

    def _close(self, delivery: ClaimedDelivery, *, sent_at: float | None) -> None:
        del self.open[delivery.key]
        self.chats.finished(delivery.chat_id, sent_at)
        if delivery.kind is not DeliveryKind.BROADCAST:
            self.direct_chats.finished(delivery.chat_id, sent_at)


def _nothing() -> None:
    """Nobody is interested."""
