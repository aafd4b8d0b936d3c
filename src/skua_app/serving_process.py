"""One process of ``skua serve``, and the application in it from its first request to its last."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from typing import Any, Protocol

import msgspec
from dishka import AsyncContainer, Provider, Scope, provide
from litestar import Litestar

from skua_adapters.password_hasher.bcrypt import BcryptPasswordHasher
from skua_app import event_loop
from skua_app.container import make_container
from skua_app.logs import set_up_logs
from skua_app.settings import load
from skua_app.web import HttpProvider, http_settings
from skua_core import faults
from skua_core.domain.limits import Bucket, Limits
from skua_core.ports.password_hasher import PasswordHasher
from skua_http.app import create_app

LOOK = 0.1
"""Seconds between two looks at another process."""
_QUIET = 5.0
"""Seconds without a request after which a stopping process waits for its connections no longer."""
_HEAD_START = 0.5
_SERVER = (b"server", b"skua")
"""Granian names itself to everybody unless the application gives a name."""


class Flag(Protocol):
    """A ``multiprocessing.RawValue`` of type "b"."""

    value: int


def share_of(limits: Limits, processes: int) -> Limits:
    """What each of so many processes may allow by itself, so that all of them keep the limits.

    But requests of one session, which guess at nothing: they come over few connections, often one.
    """
    return Limits(
        **{
            name: Bucket(bucket.name, max(1, bucket.burst // processes), bucket.seconds * processes)
            for name, bucket in msgspec.structs.asdict(limits).items()
            if name != "api_session"
        },
        api_session=limits.api_session,
    )


def load_application(processes: int, stopping: Flag) -> "WorkerApplication":
    """What one of so many processes serves, until ``stopping`` is set.

    Called in that process, before anything else.
    """
    signal.signal(signal.SIGTERM, end_before_serving)
    _leave_to_the_first_process()
    # Not handed over: where processes aren't forked that would be a copy of every secret.
    settings = load(os.environ)
    if settings.skua_redis_url is None:
        limits = share_of(settings.limits, processes)
        settings = msgspec.structs.replace(settings, limits=limits)
    set_up_logs(settings.skua_log)
    faults.install(settings.fault_plan())
    container = make_container(settings, more=(HttpProvider(), ShareProvider(processes)))
    application = WorkerApplication(
        create_app(container, http_settings(settings)), container, stopping
    )
    event_loop.tune_collector()
    return application


class ShareProvider(Provider):
    """What one of several processes gets of a machine that it doesn't have to itself."""

    scope = Scope.APP

    def __init__(self, processes: int) -> None:
        super().__init__()
        self._processes = processes

    @provide(override=True)
    def password_hasher(self) -> Iterator[PasswordHasher]:
        # One thread for each processor in every process would leave the event loops nothing.
        hasher = BcryptPasswordHasher(threads=max(1, (os.cpu_count() or 1) // self._processes))
        yield hasher
        hasher.close()


def end_before_serving(*_: object) -> None:
    # Not before the first process, which takes an end for an accident, has had the signal too.
    time.sleep(_HEAD_START)
    os._exit(0)


def _leave_to_the_first_process() -> None:
    """A terminal sends these to all processes at once; the first one says what is to be done."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


class WorkerApplication:
    """The application of one process, and its container from the first request to the last."""

    def __init__(self, application: Litestar, container: AsyncContainer, stopping: Flag) -> None:
        self._application = application
        self._container = container
        self._stopping = stopping
        self._in_flight = 0
        self._following: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return

        async def send_named(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _SERVER]
            await send(message)

        self._in_flight += 1
        try:
            await self._application(scope, receive, send_named)
        finally:
            self._in_flight -= 1

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        async def pass_on(message: Any) -> None:
            match message["type"]:
                case "lifespan.startup.complete":
                    self._begin()
                case "lifespan.shutdown.complete" | "lifespan.shutdown.failed":
                    await self._end()
            await send(message)

        await self._application(scope, receive, pass_on)

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGINT)  # Granian has just set it
        _leave_to_the_first_process()
        self._following = loop.create_task(self._follow_the_first_process())

    async def _end(self) -> None:
        if self._following is not None:
            self._following.cancel()
        await self._container.close()

    async def _follow_the_first_process(self) -> None:
        """Stop when it says so, and when it was killed: the port would stay taken."""
        first = multiprocessing.parent_process()
        while (  # noqa: ASYNC110 - not of this process
            not self._stopping.value and first is not None and os.getppid() == first.pid
        ):
            await asyncio.sleep(LOOK)
        if not self._stopping.value:
            os.kill(os.getpid(), signal.SIGTERM)
        # The first process's own may have come before anybody here could hear it.
        await self._leave_when_quiet()

    async def _leave_when_quiet(self) -> None:
        """Granian waits for each connection to be closed, and an idle one of HTTP/2 whose client
        doesn't listen never is."""
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < _QUIET:
            if self._in_flight:
                quiet_since = time.monotonic()
            await asyncio.sleep(LOOK)
        await self._container.close()
        os._exit(0)
