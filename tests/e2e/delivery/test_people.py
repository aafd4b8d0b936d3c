"""What people do is answered, and tells of what they had got before."""

from typing import Any

import pytest

from skua_adapters.telegram_simulator import FaultAction, FaultMoment, FaultRule, LatencySettings
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.content import InlineButton, MessageSource
from skua_core.domain.delivery import DeliveryStatus
from skua_core.ids import CampaignId
from skua_core.use_cases.auto_messages import AddAutoMessage, AddAutoMessageCommand
from skua_core.use_cases.resends import ResendBroadcast, ResendBroadcastCommand
from skua_core.use_cases.tests_to_oneself import LinkChat, SendTest, SendTestCommand
from tests.e2e.delivery.conftest import Scene, SetUp
from tests.e2e.delivery.installation import ConnectedBot

pytestmark = [pytest.mark.external, pytest.mark.timeout(180)]

LATENCY = LatencySettings(mean=0.05, deviation=0.01)
LOST_ANSWER = FaultRule(action=FaultAction.DROP, when=FaultMoment.AFTER)
COMING = ((InlineButton("I'm coming", answer="See you there!", alert=True, tag="coming"),),)
NEWCOMER = 9_000_001


async def test_start_and_keywords_are_answered_ahead_of_a_broadcast(set_up: SetUp) -> None:
    scene, bot, audience = await _open(set_up, people=2000)
    await _answer(scene, bot, "Welcome, {{ first_name }}!")
    await _answer(scene, bot, "From 3 €", keyword="Prices")
    broadcast = await scene.installation.broadcast(bot, "spring")
    await scene.installation.until_broadcast(broadcast, lambda row: row["sent"] > 50)

    await scene.telegram.ask("POST", "/simulator/users", {"first_id": NEWCOMER, "count": 1})
    await _do(scene, bot, "start", user_id=NEWCOMER)
    await _do(scene, bot, "text", user_id=audience[5], text=" PRICES ")
    welcome = await _until_said(scene, bot, NEWCOMER, "Welcome, ")
    prices = await _until_said(scene, bot, audience[5], "From 3 €")
    row = await scene.installation.broadcast_row(broadcast)

    assert welcome["text"].startswith("Welcome, ")
    assert prices["text"] == "From 3 €"
    assert row["pending"] > 0, "the answers came at the broadcast's end"
    await scene.installation.cancel(bot, broadcast)
    await _until_over(scene, broadcast)
    await scene.assert_promises_kept()


async def test_a_press_is_answered_tagged_and_proves_that_a_message_arrived(set_up: SetUp) -> None:
    scene, bot, audience = await _open(set_up, people=3)
    await scene.telegram.set_faults(LOST_ANSWER)
    source = MessageSource("party: tonight", buttons=COMING)
    broadcast = await scene.installation.send(bot, "party", source)
    over = await _until_over(scene, broadcast)
    await scene.telegram.set_faults()

    pressed = await _do(scene, bot, "press", user_id=audience[0])
    answer = await _until_answered(scene, bot, pressed["callback_query_id"])
    proven = await scene.installation.until_broadcast(broadcast, lambda row: row["sent"] == 1)
    tagged = await scene.installation.row(
        "SELECT tags FROM tenant.subscribers WHERE chat_id = $1", audience[0]
    )

    assert over["uncertain"] == 3
    assert (answer["text"], answer["show_alert"]) == ("See you there!", True)
    assert tagged["tags"] == ["coming"]
    assert proven["uncertain"] == 2
    await scene.assert_promises_kept()


async def test_those_without_proof_get_it_again_only_when_an_operator_says_so(
    set_up: SetUp,
) -> None:
    scene, bot, audience = await _open(set_up, people=4)
    await scene.telegram.set_faults(LOST_ANSWER)
    broadcast = await scene.installation.broadcast(bot, "spring")
    await _until_over(scene, broadcast)
    await scene.telegram.set_faults()
    shown = await _messages(scene, bot, audience[0])
    await _do(
        scene, bot, "reply", user_id=audience[0], message_id=shown[-1]["message_id"], text="Nice"
    )
    await scene.installation.until_broadcast(broadcast, lambda row: row["sent"] == 1)

    resend = await scene.installation.container.get(ResendBroadcast)
    await resend(
        ResendBroadcastCommand(
            access=bot.access, broadcast_id=broadcast.id, outcomes={DeliveryStatus.UNCERTAIN}
        )
    )
    over = await scene.installation.until_broadcast(
        broadcast, lambda row: row["status"] == "completed" and row["finished_at"] is not None
    )

    assert (over["sent"], over["uncertain"]) == (4, 0)
    received = [len(await _messages(scene, bot, person)) for person in audience]
    assert received == [1, 2, 2, 2]
    former = await scene.installation.row(
        "SELECT count(*) AS number, max(status::text) AS status FROM tenant.delivery_attempts"
    )
    assert (former["number"], former["status"]) == (3, "uncertain")


async def test_a_broadcast_over_which_people_block_the_bot_is_paused(set_up: SetUp) -> None:
    scene, bot, audience = await _open(
        set_up, people=2000, SKUA_HARM_AFTER="20", SKUA_HARM_SHARE="0.01"
    )
    broadcast = await scene.installation.broadcast(bot, "spring")
    await scene.installation.until_broadcast(broadcast, lambda row: row["sent"] > 60)

    await scene.telegram.block(bot.telegram_id, *audience[:30])
    row = await scene.installation.until_broadcast(broadcast, lambda row: row["status"] == "paused")

    assert row["pause_reason"] == "harm"
    assert "who got it blocked the bot" in row["pause_detail"]
    await scene.assert_promises_kept()


async def test_a_test_goes_to_ones_own_chat(set_up: SetUp) -> None:
    scene, bot, audience = await _open(set_up, people=3)
    link = await scene.installation.container.get(LinkChat)
    code = await link(bot.access)
    await _do(scene, bot, "start", user_id=audience[1], payload=code.code)
    await _until_said(scene, bot, audience[1], "This chat is linked")
    campaign_id = await scene.installation.compose(bot, "draft")

    send = await scene.installation.container.get(SendTest)
    await send(SendTestCommand(access=bot.access, campaign_id=campaign_id))
    await _until_said(scene, bot, audience[1], "draft: hello")

    assert await _messages(scene, bot, audience[0]) == []
    assert await _messages(scene, bot, audience[2]) == []


async def _open(
    set_up: SetUp, *, people: int, **settings: str
) -> tuple[Scene, ConnectedBot, range]:
    """Server and worker, a bot, and its people."""
    scene = await set_up(rate=100, latency=LATENCY, **settings)
    bot, audience = await scene.connect(people)
    await scene.installation.start(scene.installation.server())
    await scene.installation.start(scene.installation.worker())
    return scene, bot, audience


async def _answer(
    scene: Scene, bot: ConnectedBot, text: str, *, keyword: str | None = None
) -> CampaignId:
    name = keyword or "start"
    campaign_id = await scene.installation.compose(bot, name, MessageSource(text))
    add = await scene.installation.container.get(AddAutoMessage)
    command = AddAutoMessageCommand(access=bot.access, campaign_id=campaign_id, keyword=keyword)
    await add(command)
    return campaign_id


async def _do(scene: Scene, bot: ConnectedBot, what: str, **body: object) -> dict[str, Any]:
    """Somebody does it in the simulated Telegram."""
    path = f"/simulator/bots/{bot.telegram_id}/{what}"
    return await scene.telegram.ask("POST", path, body)


async def _messages(scene: Scene, bot: ConnectedBot, person: int) -> list[dict[str, Any]]:
    """What the bot wrote to them."""
    path = f"/simulator/bots/{bot.telegram_id}/chats/{person}/messages"
    shown = await scene.telegram.ask("GET", path)
    return [each for each in shown["messages"] if each["from"]["is_bot"]]


async def _until_said(
    scene: Scene, bot: ConnectedBot, person: int, beginning: str
) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        said = [
            each
            for each in await _messages(scene, bot, person)
            if each.get("text", "").startswith(beginning)
        ]
        return said[0] if said else None

    return await scene.installation.until(look, f"{beginning!r} in chat {person}")


async def _until_answered(scene: Scene, bot: ConnectedBot, query_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        path = f"/simulator/bots/{bot.telegram_id}/press/{query_id}"
        answer = await scene.telegram.ask("GET", path)
        found: dict[str, Any] | None = answer["answer"]
        return found

    return await scene.installation.until(look, "an answer to a press")


async def _until_over(scene: Scene, broadcast: Broadcast) -> Any:
    return await scene.installation.until_broadcast(
        broadcast, lambda row: row["finished_at"] is not None
    )
