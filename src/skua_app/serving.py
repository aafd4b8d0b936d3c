"""``skua serve``: Granian's worker processes at one address, each with an application of its own.

The first process serves nothing: it starts the others, replaces those that die and stops them.
"""

import logging
import multiprocessing
import os
import socket
import time
from functools import partial
from typing import Any

import msgspec
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from skua_app.serving_process import LOOK, end_before_serving, load_application
from skua_app.tls_files import CertificateUnfit, TlsFiles
from skua_core.errors import ErrorKind, SkuaError

_log = logging.getLogger(__name__)
_GRACE = 25
"""Seconds for the requests in flight when the server stops; Kubernetes waits 30, systemd 90."""
_CONNECTIONS = 2048
"""Open ones per process; more wait in the system's queue. Granian lifts a shell's 1024 files."""
_MOST_HEADER_BYTES = 64 * 1024
"""Of one request; Granian allows 400 KiB, and 16 MiB for each of the streams of HTTP/2."""


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
        server.serve(
            target_loader=partial(load_application, door.processes, server.stopping),
            wrap_loader=False,
        )
    except SystemExit:
        # Granian's word for workers that ended unasked. One may do so while all are being stopped.
        if not server.interrupt_signal:
            raise ProcessesKeepDying from None


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
        self.stopping = multiprocessing.RawValue("b", 0)
        """Seen by all processes. A signal may come to one that is only beginning, and get lost."""

    def startup(self, spawn_target: Any, target_loader: Any) -> None:
        super().startup(spawn_target, target_loader)  # type: ignore[no-untyped-call] # Granian's
        # Not its wait(): a signal's handler sets it in this very thread.
        while not self.main_loop_interrupt.is_set():
            if _accepts(self._door):
                processes = self._door.processes
                by = "one process" if processes == 1 else f"{processes} processes"
                _log.info("Serving %s by %s. Ctrl-C stops it.", self._door.url, by)
                return
            time.sleep(LOOK)

    def _stop_workers(self) -> None:
        self.stopping.value = 1
        super()._stop_workers()  # type: ignore[no-untyped-call] # Granian's

    def signal_handler_interrupt(self, *_: object, **__: object) -> None:
        if os.getpid() != self.pid:
            # A process that was forked a moment ago, and has no handlers of its own yet.
            end_before_serving()
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
