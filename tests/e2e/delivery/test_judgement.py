"""What Telegram refuses pauses the broadcast, says why, and loses nobody."""

import asyncpg
import pytest

from skua_adapters.telegram_simulator import FaultAction, FaultRule, LatencySettings
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.content import MessageSource
from tests.e2e.delivery.conftest import FIRST_PERSON, Scene, SetUp
from tests.e2e.delivery.installation import ConnectedBot

pytestmark = [pytest.mark.external, pytest.mark.timeout(180)]

LATENCY = LatencySettings(mean=0.05, deviation=0.01)
RATE = 100.0
WINDOW = 45
"""Of a lane at that rate before it has measured anything: 100 per second, 0.3 s, half as much."""
REFUSAL = "Bad Request: BUTTON_URL_INVALID"
CONTENT = FaultRule(action=FaultAction.REFUSE, description=REFUSAL)


async def test_broken_content_pauses_after_at_most_a_window_and_fails_nobody(
    set_up: SetUp,
) -> None:
    scene, bot, broadcast = await _begin(set_up, people=300)
    await scene.telegram.set_faults(CONTENT)
    await scene.installation.start(scene.installation.worker())
    row = await _until_paused(scene, broadcast)

    assert (row["pause_reason"], row["pause_detail"]) == ("content_refused", REFUSAL)
    settled = await scene.installation.until_broadcast(broadcast, lambda row: not row["in_flight"])
    assert (settled["pending"], settled["failed"]) == (300, 0)
    assert 5 <= len(scene.telegram.book().sends()) <= WINDOW
    (books,) = await scene.installation.books()
    entry = books.audit[-1]
    assert (entry.actor, entry.action) == ("system", "broadcast.paused")
    assert entry.details == f'{{"detail":"{REFUSAL}","reason":"content_refused"}}'
    assert scene.installation.programs[-1].has_said(
        f"Paused broadcast {broadcast.id} of bot {bot.id}: content_refused"
    )

    await scene.telegram.set_faults()
    await scene.installation.resume(bot, broadcast)
    over = await _until_over(scene, broadcast)
    assert over["sent"] == 300
    await scene.assert_promises_kept()


async def test_recipients_whose_own_values_break_it_fail_alone(set_up: SetUp) -> None:
    scene, _, broadcast = await _begin(set_up, people=300)
    await scene.telegram.set_faults(
        FaultRule(
            action=FaultAction.REFUSE,
            description="Bad Request: message is too long",
            chat_modulus=25,
            chat_remainder=FIRST_PERSON % 25,
        )
    )
    await scene.installation.start(scene.installation.worker())
    over = await _until_over(scene, broadcast)

    assert (over["status"], over["sent"], over["failed"]) == ("completed", 288, 12)
    failed = await scene.installation.row(
        "SELECT array_agg(DISTINCT reason) AS reasons, array_agg(DISTINCT detail) AS details"
        " FROM tenant.deliveries WHERE status = 'failed'"
    )
    assert failed["reasons"] == ["content"]
    assert failed["details"] == ["Bad Request: message is too long"]
    await scene.assert_promises_kept()


async def test_another_bots_audience_pauses_it_with_everybody_still_active(
    set_up: SetUp,
) -> None:
    scene, bot, broadcast = await _begin(set_up, people=200, known=False)
    await scene.installation.start(scene.installation.worker())
    row = await _until_paused(scene, broadcast)
    await scene.installation.until_broadcast(broadcast, lambda row: not row["in_flight"])

    assert row["pause_reason"] == "chats_not_found"
    assert row["pause_detail"] == "Bad Request: chat not found"
    active = await scene.installation.row(
        "SELECT count(*) FROM tenant.subscribers WHERE bot_id = $1 AND status = 'active'", bot.id
    )
    assert active["count"] == 200
    assert len(scene.telegram.book().sends()) <= WINDOW
    await scene.assert_promises_kept()


async def test_a_paid_broadcast_on_a_bot_that_may_not_pauses_with_telegrams_words(
    set_up: SetUp,
) -> None:
    scene, bot, broadcast = await _begin(set_up, people=200, paid=True)
    await scene.installation.start(scene.installation.worker())
    row = await _until_paused(scene, broadcast)
    await scene.installation.until_broadcast(broadcast, lambda row: row["pending"] == 200)

    assert row["pause_reason"] == "payment_refused"
    assert row["pause_detail"] == "Bad Request: BALANCE_TOO_LOW"

    await scene.telegram.give_stars(bot.telegram_id, 100)
    await scene.installation.resume(bot, broadcast)
    over = await _until_over(scene, broadcast)
    assert over["sent"] == 200
    await scene.assert_promises_kept()


async def _begin(
    set_up: SetUp, *, people: int, known: bool = True, paid: bool = False
) -> tuple[Scene, ConnectedBot, Broadcast]:
    """``known`` says whether the audience are the bot's own people."""
    scene = await set_up(rate=RATE, latency=LATENCY, SKUA_SEND_RATE_PAID=str(RATE))
    bot = await scene.installation.add_bot(scene.tokens[0])
    audience = range(FIRST_PERSON, FIRST_PERSON + people)
    if known:
        await scene.telegram.add_audience(bot.telegram_id, audience)
    await scene.installation.subscribe(bot, audience)
    source = MessageSource("spring: hello {{ first_name }}")
    broadcast = await scene.installation.send(bot, "spring", source, paid=paid)
    return scene, bot, broadcast


async def _until_paused(scene: Scene, broadcast: Broadcast) -> asyncpg.Record:
    return await scene.installation.until_broadcast(
        broadcast, lambda row: row["status"] == "paused"
    )


async def _until_over(scene: Scene, broadcast: Broadcast) -> asyncpg.Record:
    return await scene.installation.until_broadcast(
        broadcast, lambda row: row["finished_at"] is not None
    )
