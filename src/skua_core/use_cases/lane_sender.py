"""The sending half of a held lane: paced sends, and answers turned into settlements."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime

from skua_core.domain.content import RenderedMessage
from skua_core.domain.delivery import (
    ClaimedDelivery,
    DeliveryKey,
    DeliveryKind,
    DeliveryStatus,
    Reason,
    Settlement,
)
from skua_core.domain.pace import ChatPace
from skua_core.domain.secret import SealedSecret
from skua_core.errors import SkuaError
from skua_core.ports.clock import Clock
from skua_core.ports.messenger import (
    Blame,
    Messenger,
    OutboundMessage,
    Refused,
    SendOutcome,
    Sent,
    Throttled,
    Unauthorized,
    Unknown,
)
from skua_core.ports.renderer import Renderer
from skua_core.use_cases.item_stops import Item
from skua_core.use_cases.lane_budget import LaneBudget
from skua_core.use_cases.lane_guard import LaneGuard
from skua_core.use_cases.lane_judge import LaneJudge
from skua_core.use_cases.lane_media import LaneMedia
from skua_core.use_cases.lane_messages import Outgoing
from skua_core.use_cases.outcomes import Verdict, settle

_log = logging.getLogger(__name__)
_PUT_BACK = Verdict(DeliveryStatus.PENDING)
_SHORT_PAUSE = 1.0
"""Seconds. Through a pause no longer than this, claimed deliveries wait where they are."""
_STARTED_AT_ONCE = 4
"""Sends that begin before anything else may go on: answers, other lanes, and the turn that records
and claims, whose statements would each wait for a whole window to leave."""
_FENCE_LOOK = 0.05
"""Seconds between two looks at a closed fence."""


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
        judge: LaneJudge,
        media: LaneMedia,
        budget: LaneBudget,
        clock: Clock,
        withhold: float,
    ) -> None:
        self._guard = guard
        self._judge = judge
        self._media = media
        self._messenger = messenger
        self._renderer = renderer
        self._clock = clock
        self._budget = budget
        self._pace = budget.pace
        self.on_answer: Callable[[], None] = _nothing
        """Called after each outcome."""
        self._queue: deque[Outgoing] = deque()
        self._queued = asyncio.Event()
        self._sends: set[asyncio.Task[None]] = set()
        self._finished: list[Settlement] = []
        self.chats = ChatPace()
        self.direct_chats = ChatPace()
        """The chats that are busy with something else than a broadcast."""
        self.open: dict[DeliveryKey, ClaimedDelivery] = {}
        """Claimed deliveries without an outcome, queued or under way."""
        self.refused_token: SealedSecret | None = None
        """The token that Telegram answered 401 to."""
        self._withhold = withhold
        self._quiet_since = clock.monotonic()

    @property
    def finished(self) -> int:
        """Outcomes that wait to be recorded."""
        return len(self._finished)

    @property
    def carrying(self) -> bool:
        """Whether a medium is on its way, which may take minutes."""
        return bool(self._media.carriers)

    @property
    def holds_back(self) -> bool:
        """Whether a pause lasts so long that nothing should be claimed for its end."""
        return self._pace.held(self._clock.monotonic()) > _SHORT_PAUSE

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

    def put_back(self, item: Item | None = None) -> None:
        """Let go of everything that hasn't left yet, or of what one item has queued."""
        if item is None:
            back, self._queue = self._queue, deque()
        else:
            back = deque(each for each in self._queue if each.delivery.key.source_id == item.id)
            self._queue = deque(
                each for each in self._queue if each.delivery.key.source_id != item.id
            )
        self.return_unsent(each.delivery for each in back)
        for each in back:
            self._close(each.delivery, sent_at=None)

    def return_unsent(
        self, deliveries: Iterable[ClaimedDelivery], *, retry_in: float = 0.0
    ) -> None:
        """Claimed deliveries that are certain not to have left: pending again."""
        now = self._clock.now()
        verdict = Verdict(DeliveryStatus.PENDING, retry_in=retry_in) if retry_in else _PUT_BACK
        self._finished.extend(settle(delivery, verdict, now) for delivery in deliveries)

    def settle_withheld(self) -> None:
        """Take withheld outcomes for what they seem to be, after a while in which nothing was under
        way that could have told more."""
        now = self._clock.monotonic()
        busy = self._sends or self._queue or self._pace.held(now) > 0
        if busy or not self._judge.withheld:
            self._quiet_since = now
        elif now - self._quiet_since >= self._withhold:
            self._judge.release()
            self._finish_released()

    def let_go_of_withheld(self) -> None:
        """The lane ends: whoever has it next shall find out, unless it's lost with the lease."""
        if self._guard.lost:
            self._judge.release()
        else:
            self._judge.put_back()
        self._finish_released()

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
                self._pace.rest(self._clock.monotonic())  # idle time is no credit for a burst
            elif not self._guard.may_act():
                await asyncio.sleep(_FENCE_LOOK)
            elif (delay := self._pace.delay(self._clock.monotonic())) > 0:
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
        self._budget.take(delivery, self._clock.monotonic())
        task = asyncio.create_task(self._send(item, content))
        self._sends.add(task)
        task.add_done_callback(self._sends.discard)

    def _content(self, item: Outgoing) -> RenderedMessage:
        if item.compiled is not None:
            return self._renderer.render(item.compiled, item.delivery.values)
        if item.content is None:
            raise ValueError(f"delivery {item.delivery.key} has no message")
        return item.content

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
        outcome = await self._outcome(item, content)
        now = self._clock.monotonic()
        self._budget.learn(delivery, outcome, now=now, latency=now - started)
        verdict = None if isinstance(outcome, Sent) else self._pause(item, outcome, now)
        if verdict is None:
            verdict = self._judge.verdict(item, content, outcome, started_at)
        if verdict is not None:
            arrived = verdict.status is not DeliveryStatus.PENDING
            self._finish(delivery, verdict, started_at, sent_at=started if arrived else None)
        if self._judge.released:
            self._finish_released()

    async def _outcome(self, item: Outgoing, content: RenderedMessage) -> SendOutcome:
        delivery = item.delivery
        if item.carriage is None:
            message = OutboundMessage(delivery.chat_id, content, delivery.paid)
        elif item.carriage.problem is None:
            message = OutboundMessage(delivery.chat_id, content, delivery.paid, item.carriage.files)
        else:
            return Refused(item.carriage.problem, Blame.MEDIUM)
        try:
            return await self._messenger.send(item.token, message)
        except Exception as error:  # noqa: BLE001 - a bug there must not strand the delivery
            _log.exception("The messenger raised instead of answering")
            return Unknown(type(error).__name__, answered=False)

    def _pause(self, item: Outgoing, outcome: SendOutcome, now: float) -> Verdict | None:
        """Do what an answer asks of the whole lane; its verdict, if that's all that it says."""
        match outcome:
            case Throttled(retry_after):
                return self._throttled(item.delivery, retry_after, now)
            case Unknown(retry_after=retry_after) if retry_after is not None:
                self._throttled(item.delivery, retry_after, now)
            case Unauthorized():
                self.refused_token = item.sealed_token
        return None

    def _throttled(self, delivery: ClaimedDelivery, retry_after: float, now: float) -> Verdict:
        if self._budget.throttled(delivery, retry_after, now):
            return Verdict(DeliveryStatus.PENDING, retry_in=retry_after, chat_wait=retry_after)
        if retry_after > _SHORT_PAUSE:
            self.put_back()
        return Verdict(DeliveryStatus.PENDING, retry_in=retry_after)

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

    def _finish_released(self) -> None:
        released, self._judge.released = self._judge.released, []
        for each in released:
            self._finish(each.outgoing.delivery, each.verdict, each.started_at, sent_at=None)

    def _close(self, delivery: ClaimedDelivery, *, sent_at: float | None) -> None:
        del self.open[delivery.key]
        self.chats.finished(delivery.chat_id, sent_at)
        if delivery.kind is not DeliveryKind.BROADCAST:
            self.direct_chats.finished(delivery.chat_id, sent_at)
        if self._media.carriers:
            self._media.end(delivery.key)


def _nothing() -> None:
    """Nobody is interested."""
