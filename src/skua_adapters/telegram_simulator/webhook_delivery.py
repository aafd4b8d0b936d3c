"""Delivering updates to webhooks: order within a queue, retries, and what getWebhookInfo says."""

import asyncio
import contextlib
import heapq
import os
import random
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import aiohttp
import msgspec

from .retry_schedule import RetrySchedule
from .settings import WebhookSettings
from .update_queue import QueuedUpdate, QueueName
from .world import SimulatedBot, Webhook

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
_GONE_FOR = 23 * 3600.0
"""A webhook that answers 410 for this long is removed."""

QueueKey = tuple[QueueName, int]


class _Failure(msgspec.Struct, frozen=True):
    reason: str
    status: int = 0
    retry_after: int = 0


class WebhookDelivery:
    """Delivers the updates of one bot until it is closed."""

    def __init__(
        self,
        bot: SimulatedBot,
        settings: WebhookSettings,
        *,
        call: Callable[[SimulatedBot, bytes], Awaitable[None]],
        seed: int,
    ) -> None:
        """``call`` is given the body of each answer, which may call a method of the Bot API."""
        self._bot = bot
        self._call = call
        self._webhook: Webhook = bot.webhook
        self._settings = settings
        self._random = random.Random(f"{seed}:webhook:{bot.id}")  # noqa: S311 - nothing secret
        self._queues: dict[QueueKey, deque[QueuedUpdate]] = {}
        self._retries: dict[QueueKey, RetrySchedule] = {}
        """Of the update at the head of each queue that failed."""
        self._ready: list[tuple[float, int, QueueKey]] = []
        self._order = 0
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(self._webhook.max_connections)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._webhook.max_connections, ssl=not settings.allow_local
            ),
            timeout=aiohttp.ClientTimeout(total=settings.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._gone_since: float | None = None
        self._deliveries: set[asyncio.Task[None]] = set()
        for update in bot.updates.pending():
            self._add(update)
        bot.updates.on_added = self._add
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        self._bot.updates.on_added = None
        tasks = [self._task, *self._deliveries]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._session.close()

    def _add(self, update: QueuedUpdate) -> None:
        waiting = self._queues.get(update.queue)
        if waiting is None:
            self._queues[update.queue] = deque([update])
            self._schedule(update.queue, time.monotonic())
        else:
            waiting.append(update)

    def _schedule(self, queue: QueueKey, at: float) -> None:
        self._order += 1
        heapq.heappush(self._ready, (at, self._order, queue))
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._slots.acquire()
            queue = await self._next_queue()
            task = asyncio.create_task(self._deliver_head(queue))
            self._deliveries.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._deliveries.discard(task)
        self._slots.release()
        if not task.cancelled():
            task.result()

    async def _next_queue(self) -> QueueKey:
        while True:
            self._wake.clear()
            wait = self._ready[0][0] - time.monotonic() if self._ready else None
            if wait is not None and wait <= 0:
                return heapq.heappop(self._ready)[2]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()

    async def _deliver_head(self, queue: QueueKey) -> None:
        waiting = self._queues[queue]
        failure = await self._post(waiting[0])
        if failure is None:
            self._gone_since = None
            self._drop_head(queue)
            return
        self._webhook.last_error_at = int(time.time())
        self._webhook.last_error = failure.reason
        if self._is_gone(failure):
            self._bot.webhook = Webhook()
            self._bot.updates.on_added = None
            self._task.cancel()
            return
        self._retry_head(queue, failure)

    def _drop_head(self, queue: QueueKey) -> None:
        waiting = self._queues[queue]
        self._bot.updates.forget(waiting.popleft().update_id)
        self._retries.pop(queue, None)
        if waiting:
            self._schedule(queue, time.monotonic())
        else:
            del self._queues[queue]

    def _retry_head(self, queue: QueueKey, failure: _Failure) -> None:
        schedule = self._retries.setdefault(queue, RetrySchedule(self._random))
        factor = self._settings.time_factor
        at = time.monotonic() + schedule.next_wait(failure.retry_after) * factor
        update = self._queues[queue][0]
        if at > update.created + update.life * factor:
            self._drop_head(queue)
        else:
            self._schedule(queue, at)

    def _is_gone(self, failure: _Failure) -> bool:
        if failure.status != HTTPStatus.GONE:
            self._gone_since = None
            return False
        now = time.monotonic()
        if self._gone_since is None:
            self._gone_since = now
        return now - self._gone_since > _GONE_FOR * self._settings.time_factor

    async def _post(self, update: QueuedUpdate) -> _Failure | None:
        headers = {"Content-Type": "application/json"}
        if self._webhook.secret_token:
            headers[SECRET_HEADER] = self._webhook.secret_token
        url = self._webhook.url if "://" in self._webhook.url else f"https://{self._webhook.url}"
        try:
            async with self._session.post(
                url, data=update.body, headers=headers, allow_redirects=False
            ) as response:
                answer = await response.read()
        except TimeoutError:
            return _Failure("Read timeout expired")
        except aiohttp.ClientConnectorError as error:
            reason = os.strerror(error.errno) if error.errno else "No address"
            return _Failure(f"Can't connect to the webhook: {reason}")
        except (aiohttp.ClientError, OSError, ValueError):
            return _Failure("Webhook connection closed")
        if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            await self._call(self._bot, answer)
            return None
        return _Failure(
            f"Wrong response from the webhook: {response.status} {response.reason}",
            response.status,
            _retry_after(response.headers.get("Retry-After", "")),
        )


def _retry_after(text: str) -> int:
    """Seconds; 0 for a date, which Telegram doesn't read either."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
