"""One process of Skua: the web server, the worker, or both on one event loop."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Coroutine, Iterator

import msgspec
import uvicorn
from dishka import AsyncContainer, Provider
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql.boot_check import check_storage
from skua_adapters.job_queue.postgres import PostgresJobQueue
from skua_app.container import QueueKind, make_container
from skua_app.mail import NO_MAIL, ConsoleMailProvider
from skua_app.settings import SettingInvalid, Settings, database_url
from skua_app.upkeep import scheduled_jobs
from skua_app.web import HttpProvider, http_settings
from skua_core import faults
from skua_core.errors import ErrorKind, QueueUnavailable, QueueUnfit, SkuaError
from skua_core.ports.job_queue import JobQueue
from skua_core.ports.scheduled_jobs import ScheduledJobs
from skua_http.app import create_app
from skua_worker.outbox import OutboxLoop
from skua_worker.poller import UpdatePoller
from skua_worker.runner import LaneRunner, RunnerSettings
from skua_worker.scheduled_jobs import ScheduledJobRunner

_log = logging.getLogger(__name__)


class PortTaken(SkuaError):
    kind = ErrorKind.CONFLICT
    code = "port-taken"

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"Can't listen on {host}, port {port} ({reason}). Choose another with --port."
        )


class NodeParts(msgspec.Struct, frozen=True, kw_only=True):
    """What one process does."""

    web: bool = False
    worker: bool = False
    poller: bool = False
    """Fetches updates where there is no public URL; in one process only."""
    mail_on_console: bool = False
    """Where no mail server is set."""
    queue: QueueKind = QueueKind.SHARED
    host: str = "127.0.0.1"
    port: int = 8080
    greeting: str | None = None
    """Logged when everything that has to be right has been found to be."""


async def run_node(settings: Settings, parts: NodeParts, stop: asyncio.Event) -> None:
    """Run until ``stop``; then finish what is under way and let the lanes go.

    Raises PortTaken, SettingInvalid, StorageUnavailable and StorageUnfit before anything is begun.
    """
    faults.install(settings.fault_plan())
    listener = listen(parts.host, parts.port) if parts.web else None
    container = make_container(settings, queue=parts.queue, more=_more(settings, parts))
    try:
        await check_storage(await container.get(AsyncEngine))
        await _check_queue(await container.get(JobQueue))
        if parts.greeting is not None:
            _log.info("%s Ctrl-C stops it.", parts.greeting)
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(coroutine)
                for coroutine in await _background(container, parts, settings)
            ]
            server = None
            if listener is not None:
                server = _server(create_app(container, http_settings(settings)))
                tasks.create_task(server.serve(sockets=[listener]))
            await stop.wait()
            if server is not None:
                server.should_exit = True
            for task in background:
                task.cancel()
    except BaseExceptionGroup as group:
        deliberate = group.subgroup(SkuaError)
        if deliberate is None:
            raise
        # One of the tasks can't go on; its own word is what the operator needs.
        raise _first(deliberate) from None
    finally:
        await container.close()


def _more(settings: Settings, parts: NodeParts) -> tuple[Provider, ...]:
    more: list[Provider] = [HttpProvider()] if parts.web else []
    if settings.skua_smtp_url is None and parts.mail_on_console:
        more.append(ConsoleMailProvider())
    return tuple(more)


async def check_queue(settings: Settings) -> None:
    """Raises SettingInvalid for a queue that can't be used."""
    container = make_container(settings)
    try:
        await _check_queue(await container.get(JobQueue))
    finally:
        await container.close()


async def _check_queue(queue: JobQueue) -> None:
    """One that is merely away isn't waited for: it comes back, and until then the sweep works."""
    try:
        await queue.check()
    except QueueUnavailable as error:
        _log.warning("%s Until it works again the sweep finds new work.", error)
    except QueueUnfit as error:
        raise SettingInvalid("SKUA_REDIS_URL", error.problem) from None


def _first(errors: BaseExceptionGroup[SkuaError]) -> SkuaError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


async def _background(
    container: AsyncContainer, parts: NodeParts, settings: Settings
) -> list[Coroutine[None, None, None]]:
    running: list[Coroutine[None, None, None]] = []
    if parts.worker:
        if settings.skua_smtp_url is not None or parts.mail_on_console:
            running.append((await container.get(OutboxLoop)).run())
        else:
            _log.warning(NO_MAIL)
        runner = await container.get(LaneRunner)
        scheduled = ScheduledJobRunner(
            await scheduled_jobs(container),
            await container.get(ScheduledJobs),
            holder=(await container.get(RunnerSettings)).holder,
        )
        running += [runner.run(), scheduled.run()]
        if parts.queue is QueueKind.IN_PROCESS:
            running.append(_hear_other_processes(runner, settings))
    if parts.poller:
        poller = await container.get(UpdatePoller)
        running.append(poller.run())
    return running


async def _hear_other_processes(runner: LaneRunner, settings: Settings) -> None:
    """Commands run beside this node; what they queue is announced through the database."""
    queue = PostgresJobQueue(database_url(settings))
    try:
        async with contextlib.aclosing(queue.jobs()) as jobs:
            async for bot_id in jobs:
                runner.take(bot_id)
    finally:
        await queue.close()


def _server(app: Litestar) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        access_log=False,  # its lines would hold webhook addresses, which are half of a secret
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=5,
        http="httptools",
        ws="none",
    )
    return _QuietServer(config)


class _QuietServer(uvicorn.Server):
    """Leaves signals to whoever runs the node."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises PortTaken, which says why not."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        raise PortTaken(host, port, error.strerror or type(error).__name__) from None
    listener.setblocking(False)  # noqa: FBT003 - the socket module's own parameter
    return listener


@contextlib.contextmanager
def stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set ``stop``; a second one ends the process as usual."""
    loop = asyncio.get_running_loop()

    def ask() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask)
    yield
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
