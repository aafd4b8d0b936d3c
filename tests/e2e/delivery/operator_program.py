"""Does one thing that an operator asks for, in a process that may be killed in the middle.

``python … set-token SLUG`` (the token in ``SKUA_TEST_TOKEN``), ``python … pause SLUG BROADCAST``.
"""

import asyncio
import os
import sys
from uuid import UUID

from skua_app.container import make_container
from skua_app.settings import load
from skua_core import faults
from skua_core.domain.secret import BotToken
from skua_core.ids import BroadcastId
from skua_core.use_cases.bots import SetToken, SetTokenCommand
from skua_core.use_cases.broadcasts import PauseBroadcast, PauseBroadcastCommand
from tests.e2e.delivery.installation import enter_bot


async def _run(action: str, slug: str, *rest: str) -> None:
    settings = load(os.environ)
    faults.install(settings.fault_plan())
    container = make_container(settings)
    try:
        access = await enter_bot(container, slug)
        if action == "set-token":
            token = BotToken(os.environ["SKUA_TEST_TOKEN"])
            set_token = await container.get(SetToken)
            await set_token(SetTokenCommand(access=access, token=token))
        else:
            pause = await container.get(PauseBroadcast)
            broadcast_id = BroadcastId(UUID(rest[0]))
            await pause(PauseBroadcastCommand(access=access, broadcast_id=broadcast_id))
    finally:
        await container.close()


if __name__ == "__main__":
    asyncio.run(_run(*sys.argv[1:]))
