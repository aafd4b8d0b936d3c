"""P19: two clicks never send twice."""

import asyncio
from collections import Counter

import pytest

from skua_adapters._sql.engine import create_engine
from skua_adapters.clock.system import SystemClock
from skua_adapters.id_factory.uuid7 import Uuid7IdFactory
from skua_adapters.job_queue.in_process import InProcessJobQueue
from skua_adapters.tenant_storage.postgres import PostgresTenantStorage
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.lane import LaneTimes
from skua_core.errors import AlreadySent, BroadcastAlreadySending, SkuaError
from skua_core.use_cases.broadcasts import (
    InterruptUnserved,
    SendBroadcast,
    SendBroadcastCommand,
)
from tests.e2e.delivery.conftest import Scene, SetUp

pytestmark = [pytest.mark.external, pytest.mark.promise("P19"), pytest.mark.timeout(180)]

CLICKS = 50


async def test_one_of_fifty_clicks_at_once_sends(set_up: SetUp) -> None:
    scene = await set_up(rate=100)
    bot, _ = await scene.connect(20)
    campaign_id = await scene.installation.compose(bot, "spring")
    command = SendBroadcastCommand(access=bot.access, campaign_id=campaign_id)
    answers = await _click_at_once(scene, command)

    won = [answer for answer in answers if isinstance(answer, Broadcast)]
    assert len(won) == 1, answers
    refusals = Counter(type(answer) for answer in answers if not isinstance(answer, Broadcast))
    assert refusals == {BroadcastAlreadySending: CLICKS - 1}
    bot.markers[won[0].id] = "spring"
    await scene.installation.start(scene.installation.worker())
    await scene.installation.until_broadcast(won[0], lambda row: row["status"] == "completed")
    await scene.assert_promises_kept()

    send = await scene.installation.container.get(SendBroadcast)
    with pytest.raises(AlreadySent):
        await send(command)


async def test_slot_that_nobody_serves_comes_free_and_is_not_taken_back(set_up: SetUp) -> None:
    scene = await set_up(rate=100, SKUA_LANE_UNSERVED="0.5")
    installation = scene.installation
    bot, _ = await scene.connect(20)
    first = await installation.broadcast(bot, "spring")
    with pytest.raises(BroadcastAlreadySending):
        await installation.broadcast(bot, "summer")
    interrupt = await installation.container.get(InterruptUnserved)

    async def look() -> bool | None:
        return True if await interrupt() == [(bot.id, first.id)] else None

    await installation.until(look, "the unserved broadcast to be released")
    second = await installation.broadcast(bot, "autumn")

    with pytest.raises(BroadcastAlreadySending):
        await installation.resume(bot, first)
    statuses = [(await installation.broadcast_row(each))["status"] for each in (first, second)]
    assert statuses == ["interrupted", "sending"]
    await scene.assert_promises_kept()


async def _click_at_once(
    scene: Scene, command: SendBroadcastCommand
) -> list[Broadcast | SkuaError]:
    """Each over a connection of its own, all begun before the first is through."""
    engine = create_engine(scene.installation.environment["SKUA_DATABASE_URL"], pool_size=CLICKS)
    ids = Uuid7IdFactory()
    send = SendBroadcast(
        storage=PostgresTenantStorage(engine, times=LaneTimes(), ids=ids),
        queue=InProcessJobQueue(),
        clock=SystemClock(),
        ids=ids,
    )
    ready = asyncio.Barrier(CLICKS)

    async def click() -> Broadcast | SkuaError:
        async with engine.connect():
            # All connections stand; now they are free again, at the same moment.
            await ready.wait()
        try:
            return await send(command)
        except SkuaError as refusal:
            return refusal

    try:
        return await asyncio.gather(*(click() for _ in range(CLICKS)))
    finally:
        await engine.dispose()
