"""Starts what the demo needs, runs it, and ends it in good order."""

import asyncio
import contextlib
import logging

from skua_app.demo.result import DemoResult
from skua_app.demo.scenario import Demo, DemoOptions
from skua_app.demo.view import ConsoleView, DemoView, SilentView
from skua_app.embedded import EmbeddedInstallation
from skua_app.logs import set_up_logs
from skua_app.node import listen, stop_on_signals
from skua_app.settings import Settings


def run_demo(settings: Settings, options: DemoOptions, *, silent: bool) -> DemoResult:
    """Raises EmbeddedPostgresError, PortTaken, and KeyboardInterrupt when it was stopped."""
    set_up_logs(settings.skua_log)
    logging.getLogger("skua_app").setLevel(logging.ERROR)  # what dies here is meant to
    with listen("127.0.0.1", options.port) as listener:
        port: int = listener.getsockname()[1]
    view = SilentView() if silent else ConsoleView(settings.skua_data_dir)
    view.stage(f"Starting PostgreSQL in {settings.skua_data_dir}")
    with EmbeddedInstallation(settings) as installation:
        return asyncio.run(_run(installation.settings, options, view, port))


async def _run(settings: Settings, options: DemoOptions, view: DemoView, port: int) -> DemoResult:
    stop = asyncio.Event()
    with stop_on_signals(stop):
        playing = asyncio.create_task(Demo(settings, options, view).run(port))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({playing, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                return await playing
            view.close()
            playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await playing
            raise KeyboardInterrupt
        finally:
            stopped.cancel()
            view.close()
