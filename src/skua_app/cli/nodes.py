"""Starts the programs that stay, and lets them end in good order."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from click.exceptions import Exit

from skua_adapters._keys.ring import KeyRing
from skua_app import event_loop
from skua_app.child import UNFIT
from skua_app.cli.database import check
from skua_app.cli.plain import note
from skua_app.embedded import EmbeddedInstallation
from skua_app.logs import set_up_logs
from skua_app.mail import NO_MAIL
from skua_app.node import NodeParts, check_queue, listen, run_node, stop_on_signals
from skua_app.settings import Settings
from skua_app.supervisor import ChildUnfit, Supervisor
from skua_app.tls_files import TlsFiles
from skua_core.errors import SkuaError

_log = logging.getLogger("skua")
_LOOK = 0.1
"""Seconds between two looks at a server that is starting."""


def up(settings: Settings, *, host: str, port: int) -> None:
    """Raises PortTaken before anything is started, and EmbeddedPostgresError."""
    set_up_logs(settings.skua_log)
    settings.fault_plan()
    listen(host, port).close()
    with _defects_logged(), EmbeddedInstallation(settings) as installation:
        try:
            asyncio.run(_supervise(installation, host, port))
        except ChildUnfit:
            # It said why itself.
            raise Exit(UNFIT) from None


def serve(
    settings: Settings, *, host: str, port: int, tls: TlsFiles | None, processes: int
) -> None:
    """Raises PortTaken, CertificateUnfit and whatever makes a database or a queue unfit."""
    from skua_app import serving  # noqa: PLC0415 - the other programs don't need Granian

    _set_up(settings)
    with listen(host, port) as listener:
        door = serving.Door(ip=listener.getsockname()[0], port=port, tls=tls, processes=processes)
    if tls is not None:
        tls.check()

    async def check_surroundings() -> None:
        await check(settings)
        await check_queue(settings)

    with _defects_logged():
        asyncio.run(check_surroundings())
        if settings.skua_smtp_url is None:
            _log.warning(NO_MAIL)
        serving.serve(door)


def worker(settings: Settings) -> None:
    _run(settings, NodeParts(worker=True, greeting="Working."))


async def _supervise(installation: EmbeddedInstallation, host: str, port: int) -> None:
    stop = asyncio.Event()
    settings = installation.settings
    told = asyncio.create_task(_tell_when_up(settings, host, port))
    kept = asyncio.create_task(installation.keep_database())
    try:
        with stop_on_signals(stop):
            await Supervisor(settings, host=host, port=port).run(stop)
    finally:
        told.cancel()
        kept.cancel()
    note("Stopped.")


async def _tell_when_up(settings: Settings, host: str, port: int) -> None:
    while not await _answers(host, port):  # noqa: ASYNC110 - another process's, without an Event
        await asyncio.sleep(_LOOK)
    updates = "calls" if settings.skua_public_url else "is asked for updates"
    _log.info("Skua is up at %s; Telegram %s. Ctrl-C stops it.", _address(host, port), updates)
    here = _address(_within_reach(host), port)
    _log.info("%s/api/docs shows its interface, %s/healthz that it lives.", here, here)
    if settings.skua_smtp_url is None:
        _log.info("SKUA_SMTP_URL isn't set, so mails are shown here.")


async def _answers(host: str, port: int) -> bool:
    """Whether the server works, not only listens."""
    try:
        reader, writer = await asyncio.open_connection(_within_reach(host), port)
    except OSError:
        return False
    with contextlib.suppress(OSError):
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
        line = await reader.readline()
        writer.close()
        return b" 200 " in line
    return False


def _within_reach(host: str) -> str:
    """Where somebody on this machine finds a server that listens on ``host``."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - looked up


def _set_up(settings: Settings) -> None:
    """The log; and whether the settings can be used, as far as no other program is needed."""
    set_up_logs(settings.skua_log)
    settings.fault_plan()
    KeyRing.from_settings(settings.web_secret_key or "", settings.web_secret_keys_old)


def _run(settings: Settings, parts: NodeParts) -> None:
    _set_up(settings)

    async def run() -> None:
        await check(settings)
        stop = asyncio.Event()
        with stop_on_signals(stop):
            await run_node(settings, parts, stop)

    with _defects_logged():
        event_loop.run(run())


@contextlib.contextmanager
def _defects_logged() -> Iterator[None]:
    """A program that stays is asked about in its log, long after its last line is gone."""
    try:
        yield
    except (SkuaError, Exit):
        raise
    except Exception:
        _log.exception("Skua was ended by a defect of its own")
        raise


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
