"""A worker that freezes past its takeover and thaws again."""

import signal
import time

import pytest

from skua_adapters.telegram_simulator import LatencySettings
from skua_core.domain.delivery import DeliveryStatus
from skua_core.faults import FaultAction
from tests.e2e.delivery.conftest import Scene, SetUp
from tests.e2e.delivery.programs import Plan

pytestmark = [pytest.mark.external, pytest.mark.timeout(180)]


async def test_thawed_worker_claims_nothing_and_sends_only_what_was_uncertain(
    set_up: SetUp,
) -> None:
    scene = await set_up(rate=100, latency=LatencySettings(mean=0.2, deviation=0.05))
    installation = scene.installation
    bot, _ = await scene.connect(700)
    broadcast = await installation.broadcast(bot, "spring")
    # From its hundredth send on each stands for a while between its last look at the fence and
    # its first byte, so that the frost catches some just there.
    slow = Plan("send.before_http", skip=100, action=FaultAction.SLEEP, seconds=0.5)
    frozen = await installation.start(installation.worker("frozen"), slow)
    await installation.until_broadcast(broadcast, lambda row: row["sent"] > 120)
    other = await installation.start(installation.worker("other"))
    assert await _holder(scene) == frozen.pid

    await installation.until_broadcast(broadcast, lambda row: row["in_flight"] > 10)
    frozen.send(signal.SIGSTOP)
    await installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)
    (at_thaw,) = await installation.books()
    assert await _holder(scene) == other.pid
    thawed_at = time.monotonic()
    frozen.send(signal.SIGCONT)
    await installation.until(lambda: _chats_served_since(scene, thawed_at), "a late send")
    assert await frozen.stop() == 0

    (after,) = await installation.books()
    late = await _chats_served_since(scene, thawed_at)
    uncertain = {row.chat_id for row in at_thaw.rows if row.status is DeliveryStatus.UNCERTAIN}
    changed = {row.chat_id for row in set(after.rows) - set(at_thaw.rows)}
    assert late
    assert late <= changed <= uncertain, installation.tails()
    assert {row.status for row in after.rows if row.chat_id in changed} == {DeliveryStatus.SENT}
    assert [row.claimed_at for row in after.rows] == [row.claimed_at for row in at_thaw.rows]
    assert after.lane_epoch == at_thaw.lane_epoch == 2
    await scene.assert_promises_kept()


async def _holder(scene: Scene) -> int | None:
    row = await scene.installation.row("SELECT holder FROM platform.lanes")
    return None if row["holder"] is None else int(row["holder"].split(":")[1])


async def _chats_served_since(scene: Scene, moment: float) -> set[int | str | None] | None:
    arrived = scene.telegram.book().accepted()
    return {receipt.chat_id for receipt in arrived if receipt.monotonic > moment} or None
