"""The supervisor of embedded mode: owns PostgreSQL, and restarts its one child."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from skua_app import child, lifeline
from skua_app.container import make_container, make_holder
from skua_app.settings import Settings
from skua_core.errors import ErrorKind, SkuaError, StorageUnavailable
from skua_core.ports.platform_storage import LaneRegistry

_log = logging.getLogger(__name__)
_SHORT_LIFE = 5.0
"""Seconds. A child that ends sooner is restarted more slowly each time."""
_SHORT_LIVES = 5
"""So many in a row, and the supervisor gives up."""
_STOP_WAIT = 45.0
"""Seconds that a child may take to finish what is under way; longer than a lane may take."""


class ChildKeepsDying(SkuaError):
    kind = ErrorKind.UNAVAILABLE
    code = "child-keeps-dying"

    def __init__(self, code: int) -> None:
        super().__init__(
            f"Skua's process ended {_SHORT_LIVES} times right after its start (exit code {code}). "
            "What it printed last says why."
        )


class ChildUnfit(SkuaError):
    """The child said on standard error why it can't run."""

    kind = ErrorKind.INVALID
    code = "child-unfit"

    def __init__(self) -> None:
        super().__init__("Skua's process could not start; it said why above.")


class Supervisor:
    """Keeps one child running. When one dies its lanes are freed at once, so a crash costs seconds.

    ``started`` is called with the process id of each child.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        host: str,
        port: int,
        started: Callable[[int], Awaitable[None]] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._address = (host, str(port))
        self._started = started
        self._environment = dict(os.environ if environment is None else environment)
        self._lifeline = lifeline.Lifeline()

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; the child then finishes what is under way.

        Raises ChildUnfit and ChildKeepsDying.
        """
        short_lives = 0
        try:
            while not stop.is_set():
                began = time.monotonic()
                code = await self._live(stop)
                if stop.is_set():
                    return
                if code == child.UNFIT:
                    raise ChildUnfit
                lived = time.monotonic() - began
                short_lives = short_lives + 1 if lived < _SHORT_LIFE else 0
                if short_lives == _SHORT_LIVES:
                    raise ChildKeepsDying(code)
                _log.warning("Skua's process ended (%s); starting it again", _describe(code))
                await asyncio.sleep(0.1 * 2**short_lives if short_lives else 0)
        finally:
            self._lifeline.close()

    async def _live(self, stop: asyncio.Event) -> int:
        """One life of the child, from its start to the freeing of its lanes; its exit code."""
        holder = make_holder()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "skua_app.child",
            *self._address,
            env=self._environment | _environment(self._settings, holder, self._lifeline.child_end),
            pass_fds=[self._lifeline.child_end],
            start_new_session=True,  # Ctrl-C is ours to pass on
        )
        if self._started is not None:
            await self._started(process.pid)
        ended = asyncio.create_task(process.wait())
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                process.terminate()
                await asyncio.wait({ended}, timeout=_STOP_WAIT)
        finally:
            stopped.cancel()
            if process.returncode is None:
                process.kill()
            code = await ended
        await self._free_lanes(holder)
        return code

    async def _free_lanes(self, holder: str) -> None:
        container = make_container(self._settings)
        try:
            registry = await container.get(LaneRegistry)
            freed = await registry.free(holder)
        except StorageUnavailable as error:
            _log.warning("The lanes of %s will come free by themselves: %s", holder, error)
        else:
            if freed:
                _log.warning("Freed %d lanes that the process held", freed)
        finally:
            await container.close()


def _environment(settings: Settings, holder: str, descriptor: int) -> dict[str, str]:
    """What a child needs beyond what the operator set."""
    own = msgspec.structs.replace(settings, skua_holder=holder)
    names = ("web_secret_key", "skua_database_url", "skua_telegram_api_base", "skua_holder")
    given = {name.upper(): getattr(own, name) for name in (*names, "skua_public_url")}
    return {name: value for name, value in given.items() if value} | {
        lifeline.VARIABLE: str(descriptor),
        "SKUA_DATA_DIR": str(settings.skua_data_dir),
    }


def _describe(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
