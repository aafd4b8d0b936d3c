"""``skua serve``: Granian's worker processes at one address, each with an application of its own.

The first process serves nothing: it starts the others, replaces those that die and stops them.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
from dishka import AsyncContainer, Provider, Scope, provide
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server.mp import MPServer
from litestar import Litestar

from skua_adapters.password_hasher.bcrypt import BcryptPasswordHasher
from skua_app import event_loop
from skua_app.container import make_container
from skua_app.logs import set_up_logs
from skua_app.settings import load
from skua_app.tls_files import CertificateUnfit, TlsFiles
from skua_app.web import HttpProvider, http_settings
from skua_core import faults
from skua_core.domain.limits import Bucket, Limits
from skua_core.errors import ErrorKind, SkuaError
from skua_core.ports.password_hasher import PasswordHasher
from skua_http.app import create_app

_log = logging.getLogger(__name__)
_GRACE = 25
"""Seconds for the requests in flight when the server stops; Kubernetes waits 30, systemd 90."""
_CONNECTIONS = 2048
"""Open ones per process; more wait in the system's queue. Granian lifts a shell's 1024 files."""
_MOST_HEADER_BYTES = 64 * 1024
"""Of one request; Granian allows 400 KiB, and 16 MiB for each of the streams of HTTP/2."""
_QUIET = 5.0
"""Seconds without a request after which a stopping process waits for its connections no longer."""
_LEAVE = signal.SIGUSR1
"""Tells a process that it is being stopped, beside SIGTERM, which is Granian's own."""
_HEAD_START = 0.5
_LOOK = 0.1
"""Seconds between two looks at another process."""
_SERVER = (b"server", b"skua")
"""Granian names itself to everybody unless the application gives a name."""


class ProcessesKeepDying(SkuaError):
    kind = ErrorKind.UNAVAILABLE
    code = "processes-keep-dying"

    def __init__(self) -> None:
        super().__init__(
            "A process of the server ended again right after it was replaced. What was logged last "
            "says why."
        )


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server is found."""

    ip: str
    port: int
    tls: TlsFiles | None = None
    processes: int = 1

    @property
    def url(self) -> str:
        scheme = "http" if self.tls is None else "https"
        host = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"{scheme}://{host}:{self.port}"


def serve(door: Door) -> None:
    """Serve until SIGTERM or SIGINT; then answer the requests in flight and end.

    Each process reads the settings from the environment. SIGHUP replaces the processes one by one,
    which read the certificate anew. Whoever calls has made sure that settings, port and certificate
    can be used. Raises ProcessesKeepDying.
    """
    server = _Server(door)
    try:
        server.serve(target_loader=partial(load_application, door.processes), wrap_loader=False)
    except SystemExit:
        # Granian's word for workers that ended unasked. One may do so while all are being stopped.
        if not server.interrupt_signal:
            raise ProcessesKeepDying from None


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


class _Server(MPServer):
    def __init__(self, door: Door) -> None:
        tls = door.tls
        super().__init__(
            target="skua",
            address=door.ip,
            port=door.port,
            interface=Interfaces.ASGI,
            workers=door.processes,
            http=HTTPModes.auto,
            websockets=False,
            backpressure=_CONNECTIONS,
            http1_settings=HTTP1Settings(max_buffer_size=_MOST_HEADER_BYTES),
            http2_settings=HTTP2Settings(max_headers_size=_MOST_HEADER_BYTES),
            log_level=LogLevels.warning,
            log_dictconfig=_passed_to_ours(),
            log_access=False,  # its lines would hold webhook addresses, which are half of a secret
            ssl_cert=None if tls is None else tls.certificate,
            ssl_key=None if tls is None else tls.key,
            ssl_protocol_min=SSLProtocols.tls12,
            respawn_failed_workers=True,
            workers_kill_timeout=_GRACE,
        )
        self._door = door

    def startup(self, spawn_target: Any, target_loader: Any) -> None:
        signal.signal(_LEAVE, signal.SIG_IGN)  # and so do processes that are only beginning
        super().startup(spawn_target, target_loader)  # type: ignore[no-untyped-call] # Granian's
        # Not its wait(): a signal's handler sets it in this very thread.
        while not self.main_loop_interrupt.is_set():
            if _accepts(self._door):
                processes = self._door.processes
                by = "one process" if processes == 1 else f"{processes} processes"
                _log.info("Serving %s by %s. Ctrl-C stops it.", self._door.url, by)
                return
            time.sleep(_LOOK)

    def _stop_workers(self) -> None:
        # Granian waits for each connection to be closed, and an idle one of HTTP/2 whose client
        # doesn't listen never is.
        for worker in self.wrks:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.inner.pid, _LEAVE)
        super()._stop_workers()  # type: ignore[no-untyped-call] # Granian's

    def signal_handler_interrupt(self, *_: object, **__: object) -> None:
        if os.getpid() != self.pid:
            # A process that was forked a moment ago, and has no handlers of its own yet.
            _end_before_serving()
        for worker in self.wrks:
            worker.interrupt_by_parent = True  # whoever sent the signal may have sent it to them
        super().signal_handler_interrupt()  # type: ignore[no-untyped-call] # Granian's

    def signal_handler_reload(self, *_: object, **__: object) -> None:
        try:
            if self._door.tls is not None:
                self._door.tls.check()
        except CertificateUnfit as error:
            _log.error("The certificate stays the one that it was. %s", error)
        else:
            super().signal_handler_reload()  # type: ignore[no-untyped-call] # Granian's


def _passed_to_ours() -> dict[str, Any]:
    """For Granian, which would bring a log of its own."""
    return {
        "formatters": {},
        "handlers": {},
        "loggers": {"_granian": {"handlers": [], "propagate": True}},
    }


def _accepts(door: Door) -> bool:
    """A worker listens from the moment on in which its application is ready."""
    within_reach = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up
    try:
        address = (within_reach.get(door.ip, door.ip), door.port)
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def load_application(processes: int) -> "WorkerApplication":
    """What one of so many processes serves. Called in that process, before anything else."""
    # Not handed over: where processes aren't forked that would be a copy of every secret.
    settings = load(os.environ)
    if settings.skua_redis_url is None:
        limits = share_of(settings.limits, processes)
        settings = msgspec.structs.replace(settings, limits=limits)
    signal.signal(signal.SIGTERM, _end_before_serving)
    _leave_to_the_first_process()
    set_up_logs(settings.skua_log)
    faults.install(settings.fault_plan())
    container = make_container(settings, more=(HttpProvider(), ShareProvider(processes)))
    application = WorkerApplication(create_app(container, http_settings(settings)), container)
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


def _end_before_serving(*_: object) -> None:
    # Not before the first process, which takes an end for an accident, has had the signal too.
    time.sleep(_HEAD_START)
    os._exit(0)


def _leave_to_the_first_process() -> None:
    """A terminal sends these to all processes at once; the first one says what is to be done."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


class WorkerApplication:
    """The application of one process, and its container from the first request to the last."""

    def __init__(self, application: Litestar, container: AsyncContainer) -> None:
        self._application = application
        self._container = container
        self._in_flight = 0
        self._tasks: list[asyncio.Task[None]] = []

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
        loop.add_signal_handler(_LEAVE, self._leave)
        self._tasks.append(loop.create_task(self._follow_the_first_process()))

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._container.close()

    async def _follow_the_first_process(self) -> None:
        """Stop when it was killed: nobody would stop this one, and its port would stay taken."""
        first = multiprocessing.parent_process()
        while first is not None and os.getppid() == first.pid:  # noqa: ASYNC110 - not ours
            await asyncio.sleep(_LOOK)
        os.kill(os.getpid(), signal.SIGTERM)
        self._leave()

    def _leave(self) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(self._leave_when_quiet()))

    async def _leave_when_quiet(self) -> None:
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < _QUIET:
            if self._in_flight:
                quiet_since = time.monotonic()
            await asyncio.sleep(_LOOK)
        await self._container.close()
        os._exit(0)
