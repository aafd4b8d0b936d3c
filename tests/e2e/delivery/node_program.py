"""A server or a worker that follows its settings: ``python … web PORT`` or ``python … worker``."""

import asyncio
import os
import sys

from skua_app.logs import set_up_logs
from skua_app.node import NodeParts, run_node, stop_on_signals
from skua_app.settings import load


async def _run(part: str, *port: str) -> None:
    settings = load(os.environ)
    set_up_logs(settings.skua_log)
    stop = asyncio.Event()
    web = part == "web"
    parts = NodeParts(web=web, worker=not web, port=int(port[0]) if web else 0)
    with stop_on_signals(stop):
        await run_node(settings, parts, stop)


if __name__ == "__main__":
    asyncio.run(_run(*sys.argv[1:]))
