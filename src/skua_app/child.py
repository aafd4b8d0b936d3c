"""The one child of the supervisor: server, worker and poller on one event loop.

Run as ``python -m skua_app.child HOST PORT``; its settings come from the environment.
"""

import asyncio
import os
import sys

from skua_app import event_loop, lifeline
from skua_app.container import QueueKind
from skua_app.logs import set_up_logs
from skua_app.node import NodeParts, run_node, stop_on_signals
from skua_app.settings import Settings, load
from skua_core.errors import SkuaError

UNFIT = 2
"""Exit code of a child that can't run as it was asked to: starting it again wouldn't help."""
_ORPHANED = 3
"""Exit code of a child whose supervisor died."""
_ORPHAN_SECONDS = 5.0
"""The database ends with the supervisor, so after this long nothing more can be recorded."""


async def _run(settings: Settings, host: str, port: int) -> None:
    stop = asyncio.Event()
    parts = NodeParts(
        web=True,
        worker=True,
        poller=settings.skua_public_url is None,
        mail_on_console=True,
        queue=QueueKind.IN_PROCESS,
        host=host,
        port=port,
    )
    with stop_on_signals(stop):
        running = asyncio.create_task(run_node(settings, parts, stop))
        following = asyncio.create_task(_follow_parent(stop, running))
        try:
            await running
        finally:
            following.cancel()


async def _follow_parent(stop: asyncio.Event, running: asyncio.Task[None]) -> None:
    descriptor = lifeline.own_lifeline()
    if descriptor is not None:
        await lifeline.parent_is_gone(descriptor)
        stop.set()
        await asyncio.sleep(_ORPHAN_SECONDS)
        running.cancel()


def main() -> int:
    settings = load(os.environ)
    set_up_logs(settings.skua_log)
    try:
        event_loop.run(_run(settings, sys.argv[1], int(sys.argv[2])))
    except SkuaError as error:
        print(f"skua: {error}", file=sys.stderr)  # noqa: T201 - the last line of a program
        return UNFIT
    except asyncio.CancelledError:
        return _ORPHANED
    return 0


if __name__ == "__main__":
    sys.exit(main())
