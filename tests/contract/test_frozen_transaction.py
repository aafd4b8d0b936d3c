"""A process that freezes inside a transaction loses it, and hears of it as of a lost connection."""

import asyncio
import contextlib
import os
import time

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql.errors import Trouble
from skua_adapters._sql.sessions import Sessions
from skua_core.errors import StorageUnavailable

pytestmark = pytest.mark.external

_WHO = text("SELECT pg_backend_pid()")


async def _freeze_in_a_transaction(sessions: Sessions, *, while_asking: bool) -> None:
    async with sessions.begin() as session:
        backend: int = await session.scalar(_WHO)
        asked = asyncio.create_task(session.scalar(_WHO)) if while_asking else None
        # Long enough to ask, too short to take the answer in: that and the server's farewell lie
        # in the socket together then.
        await asyncio.sleep(0)
        _freeze_until_gone(backend)
        if asked is not None:
            await asked
        await session.scalar(_WHO)


def _freeze_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.02)


@pytest.mark.parametrize("while_asking", [False, True])
async def test_transaction_that_ended_in_a_frost_is_a_lost_connection(
    app_engine: AsyncEngine, *, while_asking: bool
) -> None:
    sessions = Sessions(app_engine, idle_timeout=0.05)

    with pytest.raises(StorageUnavailable) as lost:
        await _freeze_in_a_transaction(sessions, while_asking=while_asking)

    assert lost.value.reason == Trouble.LOST
    async with sessions.begin() as session:
        assert await session.scalar(_WHO)
