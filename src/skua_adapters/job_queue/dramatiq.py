"""Jobs through Dramatiq on Redis; nudges through a queue that every process hears."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.worker import ConsumerThread, WorkerThread

from skua_adapters.job_queue.in_process import Unheard
from skua_adapters.job_queue.redis_server import explained, look, make_broker
from skua_core.errors import QueueUnavailable, QueueUnfit
from skua_core.ids import BotId, parse_id
from skua_core.ports.job_queue import JobQueue

_log = logging.getLogger(__name__)
_QUEUE, _ACTOR = "lanes", "wake_lane"
_MOST_WAITING = 10_000
"""No more jobs are published while so many wait: nobody takes them, and Redis must not fill up."""
_ROUND_SECONDS = 0.05
_AGAIN_SECONDS = 1.0
"""A bot that is woken again and again gets one job in so long. Who took the first holds its lane
by then, and hears the nudges."""
_LOOK_SECONDS = 5.0
_PREFETCH = 100
_IDLE_MILLISECONDS = 100
"""How long Dramatiq sleeps at most between two looks at an empty queue."""
_STOP_MILLISECONDS = 2000


class DramatiqJobQueue(JobQueue):
    """``nudges`` carries what whoever holds a lane must hear also while Redis is away.

    A message holds a bot's id and nothing else. Publishing happens behind ``wake``, which so takes
    no longer than ``nudges`` does, whatever Redis does. Trouble is logged when it begins and when
    it is over.
    """

    def __init__(self, url: str, *, nudges: JobQueue, timeout: float = 1.0) -> None:
        """``timeout`` is how many seconds Redis may take. Raises QueueUnfit."""
        self._url = url
        self._timeout = timeout
        self._nudges = nudges
        self._broker = make_broker(url, timeout=timeout)
        # A dictionary for its order.
        self._unpublished: dict[BotId, None] = {}
        self._published_at: dict[BotId, float] = {}
        self._news = asyncio.Event()
        self._all_published = asyncio.Event()
        self._all_published.set()
        self._tasks: list[asyncio.Task[None]] = []
        self._looking: asyncio.Task[int] | None = None
        self._consumers: dict[Unheard, _Consumer] = {}
        self._waiting = 0
        self._in_trouble = False
        self._closed = False

    async def wake(self, bot_id: BotId) -> None:
        if self._closed:
            return
        self._start()
        self._unpublished[bot_id] = None
        self._all_published.clear()
        self._news.set()
        await self._nudges.wake(bot_id)

    def nudges(self) -> AsyncIterator[BotId]:
        return self._nudges.nudges()

    async def jobs(self) -> AsyncGenerator[BotId]:
        if self._closed:
            return
        self._start()
        inbox = Unheard()
        consumer = _Consumer(make_broker(self._url, timeout=self._timeout), _into(inbox))
        self._consumers[inbox] = consumer
        try:
            await asyncio.to_thread(consumer.start)
            async for bot_id in inbox:
                yield bot_id
        finally:
            await self._stop_consumer(inbox)

    async def check(self) -> None:
        await self._nudges.check()
        try:
            await self._look()
        except (QueueUnavailable, QueueUnfit):
            # Whoever asked tells of it.
            self._in_trouble = True
            raise

    async def close(self) -> None:
        self._closed = True
        for inbox in list(self._consumers):
            inbox.end()
            # Not left to whoever listens, who may never come back to see that it is over.
            await self._stop_consumer(inbox)
        with contextlib.suppress(TimeoutError):
            # A command wakes and ends: what it said has to get out.
            async with asyncio.timeout(self._timeout):
                await self._all_published.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._nudges.close()
        self._broker.client.close()

    async def _stop_consumer(self, inbox: Unheard) -> None:
        consumer = self._consumers.get(inbox)
        if consumer is not None:
            # Whoever comes while another stops it waits for that.
            await asyncio.to_thread(consumer.stop)
            self._consumers.pop(inbox, None)

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._keep_publishing()),
                asyncio.create_task(self._keep_looking()),
            ]

    async def _keep_publishing(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                if bots := self._take_due():
                    await asyncio.to_thread(_publish, self._broker, bots)
            except (redis.RedisError, OSError) as error:
                self._tell(explained(error))
                # By the time that Redis is back the sweep has found them.
                self._unpublished.clear()
            if self._unpublished.keys() <= self._published_at.keys():
                self._all_published.set()
            await asyncio.sleep(_ROUND_SECONDS)
            if self._unpublished:
                self._news.set()

    def _take_due(self) -> list[BotId]:
        """Bots whose jobs are to be published now."""
        now = asyncio.get_running_loop().time()
        self._published_at = {
            bot_id: at for bot_id, at in self._published_at.items() if at > now - _AGAIN_SECONDS
        }
        due = [bot_id for bot_id in self._unpublished if bot_id not in self._published_at]
        for bot_id in due:
            del self._unpublished[bot_id]
            self._published_at[bot_id] = now
        return due if self._waiting < _MOST_WAITING else []

    async def _keep_looking(self) -> None:
        while True:
            try:
                self._waiting = await self._look()
            except (QueueUnavailable, QueueUnfit) as trouble:
                self._tell(trouble)
            else:
                self._tell(None)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> int:
        # One at a time: threads that wait for a Redis that hangs must not become many.
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(asyncio.to_thread(look, self._broker, _QUEUE))
            # Whoever asked may have gone meanwhile, and asyncio would call that a defect.
            self._looking.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(self._looking)

    def _tell(self, trouble: QueueUnavailable | QueueUnfit | None) -> None:
        if trouble is None and self._in_trouble:
            _log.warning("The job queue works again")
        elif trouble is not None and not self._in_trouble:
            _log.warning("%s Until it works again the sweep finds new work.", trouble)
        self._in_trouble = trouble is not None


class _Consumer:
    """Dramatiq's threads in this process. All that they do is to hand jobs to the event loop."""

    def __init__(self, broker: RedisBroker, take: Callable[[BotId], None]) -> None:
        self._take = take
        self._broker = broker
        # Of whoever starts or stops: two threads may come for that at once.
        self._turn = threading.Lock()
        self._over = False
        dramatiq.actor(broker=broker, queue_name=_QUEUE, actor_name=_ACTOR)(self._hand_over)
        # Nothing is ever delayed, so nobody needs to ask for it ten times a second.
        broker.delay_queues.clear()
        self._worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=_IDLE_MILLISECONDS)
        # By default two, of which one process would make 260 a second.
        self._worker.queue_prefetch = _PREFETCH

    def start(self) -> None:
        with self._turn:
            if self._over:
                return
            self._worker.start()
            # A stop that comes before they run would be forgotten by them.
            threads: list[WorkerThread | ConsumerThread] = [
                *self._worker.workers,
                *self._worker.consumers.values(),
            ]
            while not all(thread.running for thread in threads):
                time.sleep(0.001)

    def stop(self) -> None:
        """Gives back what was fetched; if Redis is away that is lost, and found by the sweep."""
        with self._turn:
            if self._over:
                return
            self._over = True
            with contextlib.suppress(redis.RedisError, OSError):
                self._worker.stop(timeout=_STOP_MILLISECONDS)
            self._broker.add_middleware(_NoFurtherTries())
            self._broker.client.close()

    def _hand_over(self, text: str) -> None:
        bot_id = parse_id(BotId, text)
        if bot_id is not None:
            self._take(bot_id)


class _NoFurtherTries(dramatiq.Middleware):
    """Ends the thread that would tell a Redis that went away, for ever, that a job is done."""

    def before_ack(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        del broker, message
        # Dramatiq catches every Exception here, and a thread ends by this one without a word.
        raise SystemExit


def _into(inbox: Unheard) -> Callable[[BotId], None]:
    """To be called from another thread."""
    loop = asyncio.get_running_loop()

    def put(bot_id: BotId) -> None:
        loop.call_soon_threadsafe(inbox.put, bot_id)

    return put


def _publish(broker: RedisBroker, bots: Iterable[BotId]) -> None:
    for bot_id in bots:
        broker.enqueue(
            dramatiq.Message(
                queue_name=_QUEUE, actor_name=_ACTOR, args=(str(bot_id),), kwargs={}, options={}
            )
        )
