"""An auto-message that Telegram refuses is paused, unless it's one recipient's bad luck."""

import asyncio
from dataclasses import dataclass

import msgspec
import pytest

from skua_core.domain.auto_message import AutoMessage, AutoMessageStatus, Trigger
from skua_core.domain.broadcast import PauseReason
from skua_core.domain.campaign import Campaign
from skua_core.domain.delivery import DeliveryStatus, DirectOrigin, Reason
from skua_core.domain.subscriber import Subscriber
from skua_core.ids import AutoMessageId, CampaignId
from skua_core.use_cases.lane_place import LaneSettings, SendRates
from tests.unit.lanes.conftest import SWIFT, Bench

WORDS = "Bad Request: BUTTON_URL_INVALID"
PATIENT = LaneSettings(
    times=msgspec.structs.replace(SWIFT, patience=1.3), rates=SendRates(free=5000), poll=0.15
)
FAILED, SENT = (DeliveryStatus.FAILED, Reason.CONTENT), (DeliveryStatus.SENT, None)


@dataclass
class Greeting:
    bench: Bench
    auto_message: AutoMessage

    async def answer(self, person: Subscriber, text: str) -> None:
        origin = DirectOrigin(
            campaign_id=self.auto_message.campaign_id,
            revision=1,
            auto_message_id=self.auto_message.id,
        )
        await self.bench.reply(person, text, origin=origin)

    async def until_paused(self) -> None:
        async with asyncio.timeout(10):
            status = AutoMessageStatus.ACTIVE
            while status is AutoMessageStatus.ACTIVE:
                await asyncio.sleep(0.002)
                status = (await self.stored()).status

    async def stored(self) -> AutoMessage:
        async with self.bench.storage.unit(self.bench.bot_id) as unit:
            found = await unit.auto_messages.get(self.auto_message.id)
        assert found is not None
        return found


@pytest.fixture
async def greeting(bench: Bench) -> Greeting:
    now = bench.clock.now()
    campaign = Campaign(
        id=CampaignId(bench.ids.new()), name="Hello", revision=1, created_at=now, updated_at=now
    )
    auto_message = AutoMessage(
        id=AutoMessageId(bench.ids.new()),
        campaign_id=campaign.id,
        trigger=Trigger.START,
        created_at=now,
        updated_at=now,
    )
    async with bench.changing() as unit:
        await unit.campaigns.save(campaign)
        await unit.auto_messages.save(auto_message)
    return Greeting(bench, auto_message)


async def test_one_that_nobody_ever_received_is_paused_at_the_second_refusal(
    bench: Bench, greeting: Greeting
) -> None:
    bench.settings = PATIENT
    (person,) = await bench.subscribe(1)
    bench.messenger.refuse_content("Broken", WORDS)
    await greeting.answer(person, "Broken")

    await bench.serve_until(lambda: bench.replies() == [FAILED])

    paused = await greeting.stored()
    assert paused.status is AutoMessageStatus.PAUSED
    assert (paused.pause_reason, paused.pause_detail) == (PauseReason.CONTENT_REFUSED, WORDS)
    assert bench.replies() == [FAILED]


async def test_one_that_others_received_stays_active(bench: Bench, greeting: Greeting) -> None:
    first, second = await bench.subscribe(2)
    bench.messenger.refuse_content("Broken for one", WORDS)
    await greeting.answer(first, "Hello")
    await (await bench.hold()).end()

    bench.settings = PATIENT
    await greeting.answer(second, "Broken for one")
    await bench.serve_until(lambda: FAILED in bench.replies())

    assert (await greeting.stored()).status is AutoMessageStatus.ACTIVE
    assert SENT in bench.replies()


async def test_one_that_five_in_a_row_did_not_get_is_paused_though_others_had(
    bench: Bench, greeting: Greeting
) -> None:
    people = await bench.subscribe(6)
    bench.messenger.refuse_content("Broken", WORDS)
    await greeting.answer(people[0], "Hello")
    await (await bench.hold()).end()

    for person in people[1:]:
        await greeting.answer(person, "Broken")
    await (await bench.hold()).end()

    assert (await greeting.stored()).pause_reason is PauseReason.CONTENT_REFUSED


async def test_one_that_was_resumed_is_not_paused_by_the_next_refusal(
    bench: Bench, greeting: Greeting
) -> None:
    people = await bench.subscribe(7)
    bench.messenger.refuse_content("Broken", WORDS)
    await greeting.answer(people[0], "Hello")
    for person in people[1:6]:
        await greeting.answer(person, "Broken")
    held = await bench.hold()
    await greeting.until_paused()
    async with bench.changing() as unit:
        auto_message = await unit.auto_messages.get(greeting.auto_message.id, lock=True)
        assert auto_message is not None
        auto_message.resume(now=bench.clock.now())
        await unit.auto_messages.save(auto_message)

    await greeting.answer(people[6], "Broken")
    held.place.wake()
    await held.end()

    assert (await greeting.stored()).status is AutoMessageStatus.ACTIVE


async def test_a_reply_that_is_refused_is_tried_again_once(bench: Bench) -> None:
    bench.settings = PATIENT
    (person,) = await bench.subscribe(1)
    bench.messenger.refuse_content("Broken", WORDS)
    await bench.reply(person, "Broken")

    held = await bench.hold()
    await bench.until(lambda: bench.replies() == [(DeliveryStatus.PENDING, Reason.CONTENT)])
    bench.messenger.accept_content("Broken")
    await bench.until(lambda: bench.replies() == [SENT])
    held.place.stop()
    await held.end()
