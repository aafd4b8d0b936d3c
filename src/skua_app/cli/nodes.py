"""Starts the programs that stay, and lets them end in good order."""

import asyncio
import contextlib
import logging

from click.exceptions import Exit

from skua_adapters.token_vault.keys import KeyRing
from skua_app.child import UNFIT
from skua_app.cli.plain import note
from skua_app.embedded import EmbeddedInstallation
from skua_app.logs import set_up_logs
from skua_app.node import NodeParts, listen, run_node, stop_on_signals
from skua_app.settings import Settings
from skua_app.supervisor import ChildUnfit, Supervisor

_LOOK = 0.05


def up(settings: Settings, *, host: str, port: int) -> None:
    """Raises PortTaken before anything is started, and EmbeddedPostgresError."""
    set_up_logs(settings.skua_log)
    settings.fault_plan()
    listen(host, port).close()
    with EmbeddedInstallation(settings) as installation:
        try:
            asyncio.run(_supervise(installation.settings, host, port))
        except ChildUnfit:
            # It said why itself.
            raise Exit(UNFIT) from None


def serve(settings: Settings, *, host: str, port: int) -> None:
    _run(settings, NodeParts(web=True, host=host, port=port), f"Serving {_address(host, port)}.")


def worker(settings: Settings) -> None:
    _run(settings, NodeParts(worker=True), "Working.")


async def _supervise(settings: Settings, host: str, port: int) -> None:
    stop = asyncio.Event()
    told = asyncio.create_task(_tell_when_up(settings, host, port))
    try:
        with stop_on_signals(stop):
            await Supervisor(settings, host=host, port=port).run(stop)
    finally:
        told.cancel()
    note("Stopped.")


async def _tell_when_up(settings: Settings, host: str, port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            break
        await asyncio.sleep(_LOOK)
    updates = "calls" if settings.skua_public_url else "is asked for updates"
    logging.getLogger("skua").info(
        "Skua is up at %s; Telegram %s. Ctrl-C stops it.", _address(host, port), updates
    )


def _run(settings: Settings, parts: NodeParts, begun: str) -> None:
    set_up_logs(settings.skua_log)
    KeyRing.from_settings(settings.web_secret_key or "", settings.web_secret_keys_old)

    async def run() -> None:
        stop = asyncio.Event()
        with stop_on_signals(stop):
            logging.getLogger("skua").info("%s Ctrl-C stops it.", begun)
            await run_node(settings, parts, stop)

    asyncio.run(run())


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
