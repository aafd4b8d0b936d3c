"""Runs the simulator until it's ended: ``python … SETTINGS_JSON FILE_FOR_ITS_ADDRESS``."""

import asyncio
import signal
import sys
from pathlib import Path

import msgspec

from skua_adapters.telegram_simulator import SimulatorSettings, TelegramSimulator


async def _run(settings: SimulatorSettings, address_file: Path) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with TelegramSimulator(settings) as simulator:
        written = address_file.with_suffix(".new")
        written.write_text(simulator.base_url)
        written.rename(address_file)
        await ended.wait()


if __name__ == "__main__":
    given = msgspec.json.decode(
        sys.argv[1], type=SimulatorSettings, dec_hook=lambda kind, text: kind(text)
    )
    asyncio.run(_run(given, Path(sys.argv[2])))
