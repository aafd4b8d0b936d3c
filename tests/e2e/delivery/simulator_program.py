"""Runs the simulator until it's ended: ``python … SETTINGS_JSON FILE_TO_MAKE_WHEN_READY``."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from skua_adapters.telegram_simulator import SimulatorSettings, TelegramSimulator


async def _run(settings: SimulatorSettings, tell_ready: Callable[[], None]) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with TelegramSimulator(settings):
        tell_ready()
        await ended.wait()


if __name__ == "__main__":
    given = msgspec.json.decode(
        sys.argv[1], type=SimulatorSettings, dec_hook=lambda kind, text: kind(text)
    )
    asyncio.run(_run(given, Path(sys.argv[2]).touch))
