"""Threads whose queue is never longer than anybody would wait."""

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from skua_core.errors import PasswordCheckBusy

T = TypeVar("T")
_WEIGHT_OF_NEWEST = 0.1


class BoundedPool:
    """Runs pieces of work that take about equally long. Shared by tasks and threads.

    Not ``asyncio.to_thread``: its few threads serve everything else that blocks, and its queue
    has no end.
    """

    def __init__(
        self, *, name: str, threads: int | None, longest_wait: float, seconds_each: float
    ) -> None:
        """``seconds_each`` is a first guess; what the work really takes is measured."""
        self._threads = threads or os.cpu_count() or 1
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix=name)
        self._longest_wait = longest_wait
        self._seconds_each = seconds_each
        self._unfinished = 0
        self._lock = Lock()

    async def run(self, work: Callable[[], T]) -> T:
        """Raises PasswordCheckBusy when it would be begun too late, or turns out not to be in time.

        The former is a guess, on a machine that has other things to do as well.
        """
        with self._lock:
            wait = self._wait()
            if wait > self._longest_wait:
                raise PasswordCheckBusy(wait)
            self._unfinished += 1
        begin_until = time.monotonic() + self._longest_wait
        future = self._executor.submit(self._timed, work, begin_until)
        # Also for work that nobody waits for any more, and that was therefore never begun.
        future.add_done_callback(self._finished)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _wait(self) -> float:
        """Seconds until a thread is free for whoever comes now."""
        ahead = max(0, self._unfinished + 1 - self._threads)
        return ahead * self._seconds_each / self._threads

    def _timed(self, work: Callable[[], T], begin_until: float) -> T:
        began = time.monotonic()
        if began > begin_until:
            with self._lock:
                raise PasswordCheckBusy(max(1, self._wait()))
        try:
            return work()
        finally:
            took = time.monotonic() - began
            with self._lock:
                self._seconds_each += (took - self._seconds_each) * _WEIGHT_OF_NEWEST

    def _finished(self, _: "Future[T]") -> None:
        with self._lock:
            self._unfinished -= 1
