"""Telegram asks for a pause, and people write in the middle of a broadcast."""

import time

import pytest

from skua_adapters.telegram_simulator import LatencySettings, Receipt
from skua_core.domain.broadcast import Broadcast
from skua_core.use_cases.replies import UNSUBSCRIBED_REPLY
from tests.e2e.delivery.conftest import Scene, SetUp
from tests.e2e.delivery.installation import ConnectedBot

pytestmark = [pytest.mark.external, pytest.mark.timeout(180)]

LATENCY = LatencySettings(mean=0.1, deviation=0.03)
GRACE = 0.5
"""Seconds that a busy machine may take to read an answer."""


async def test_nothing_leaves_before_retry_after_is_over(set_up: SetUp) -> None:
    scene = await set_up(rate=100, latency=LATENCY)
    bot, audience, broadcast = await _begin(scene, people=400)
    await scene.installation.start(scene.installation.worker())
    await scene.installation.until_broadcast(broadcast, lambda row: row["sent"] > 100)
    throttled_at = time.monotonic()
    await scene.telegram.throttle(bot.telegram_id, 3)
    # A reply is no way around it: it's the token that waits.
    await scene.installation.until(lambda: _was_refused(scene), "a send that is answered 429")
    await scene.telegram.say(bot.telegram_id, audience[-1], "/stop")
    await _until_over(scene, broadcast)

    reply = await scene.installation.until(lambda: _reply(scene), "the reply")
    _assert_waited(scene, bot, throttled_at, 3)
    assert reply.monotonic >= throttled_at + 3
    assert reply.monotonic < max(receipt.monotonic for receipt in scene.telegram.book().accepted())
    await scene.assert_promises_kept()


async def test_retry_after_is_obeyed_by_whoever_takes_over(set_up: SetUp) -> None:
    scene = await set_up(rate=100, latency=LATENCY)
    bot, _, broadcast = await _begin(scene, people=400)
    installation = scene.installation
    worker = await installation.keep(installation.worker())
    await installation.until_broadcast(broadcast, lambda row: row["sent"] > 100)
    throttled_at = time.monotonic()
    await scene.telegram.throttle(bot.telegram_id, 6)
    await installation.until(lambda: _pause_is_stored(scene), "a pause that is stored")
    worker.kill("while it waits")
    await _until_over(scene, broadcast)

    (death,) = worker.deaths
    assert death.at < throttled_at + 3, "the next one had no wait to obey"
    _assert_waited(scene, bot, throttled_at, 6)
    await scene.assert_promises_kept()


async def test_reply_overtakes_the_broadcast(set_up: SetUp) -> None:
    scene = await set_up(rate=100, latency=LATENCY)
    bot, audience, broadcast = await _begin(scene, people=3000)
    await scene.installation.start(scene.installation.worker())
    await scene.installation.until_broadcast(broadcast, lambda row: row["sent"] > 100)
    await scene.telegram.say(bot.telegram_id, audience[0], "/stop")
    reply = await scene.installation.until(lambda: _reply(scene), "the reply")
    row = await scene.installation.broadcast_row(broadcast)
    after_reply = await scene.installation.until_broadcast(
        broadcast, lambda later: later["sent"] > row["sent"] + 100
    )

    assert reply.chat_id == audience[0]
    assert after_reply["pending"] > 1000, "the reply came at the broadcast's end"
    await scene.installation.cancel(bot, broadcast)
    await _until_over(scene, broadcast)
    await scene.assert_promises_kept()


async def _begin(scene: Scene, *, people: int) -> tuple[ConnectedBot, range, Broadcast]:
    bot, audience = await scene.connect(people)
    broadcast = await scene.installation.broadcast(bot, "spring")
    await scene.installation.start(scene.installation.server())
    return bot, audience, broadcast


async def _until_over(scene: Scene, broadcast: Broadcast) -> None:
    await scene.installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)


async def _was_refused(scene: Scene) -> bool | None:
    return True if any(call.retry_after for call in scene.telegram.book().calls()) else None


async def _pause_is_stored(scene: Scene) -> bool | None:
    row = await scene.installation.row("SELECT not_before FROM platform.lanes")
    return None if row["not_before"] is None else True


async def _reply(scene: Scene) -> Receipt | None:
    for receipt in scene.telegram.book().accepted():
        if receipt.text == UNSUBSCRIBED_REPLY.text:
            return receipt
    return None


def _assert_waited(scene: Scene, bot: ConnectedBot, throttled_at: float, seconds: float) -> None:
    """Only what was under way when the first 429 came back may have met the pause, too."""
    book = scene.telegram.book()
    assert book.sent_during_a_wait(bot_id=bot.telegram_id, grace=GRACE) == []
    refused = [call.monotonic for call in book.calls() if call.retry_after]
    later = [call.monotonic for call in book.calls() if call.monotonic > max(refused)]
    assert min(later) >= throttled_at + seconds
