"""Campaigns that answer /start and keywords."""

import pytest

from skua_core.domain.auto_message import AutoMessage, AutoMessageStatus
from skua_core.domain.broadcast import PauseReason
from skua_core.domain.delivery import ClaimedDelivery, DeliveryKind
from skua_core.errors import KeywordInvalid, ResourceNotFound, TriggerTaken
from skua_core.ids import AutoMessageId, CampaignId
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.auto_messages import (
    AddAutoMessage,
    AddAutoMessageCommand,
    AutoMessageCommand,
    ListAutoMessages,
    ListAutoMessagesQuery,
    PauseAutoMessage,
    RemoveAutoMessage,
    ResumeAutoMessage,
)
from skua_core.use_cases.intake import ReceiveUpdateCommand
from tests.unit.use_cases.broadcasting import claimed
from tests.unit.use_cases.updates import Raw, message, raw
from tests.unit.use_cases.world import World

ANA = 1001


@pytest.fixture
async def access(world: World) -> BotAccess:
    return await world.add_bot()


async def answer(
    world: World, access: BotAccess, text: str = "Hi", *, keyword: str | None = None
) -> AutoMessage:
    campaign_id = (await world.compose(access, text)).campaign.id
    add = AddAutoMessage(storage=world.storage, clock=world.clock, ids=world.ids)
    return await add(AddAutoMessageCommand(access=access, campaign_id=campaign_id, keyword=keyword))


def now(world: World) -> int:
    return int(world.clock.now().timestamp())


async def hear(world: World, access: BotAccess, update: Raw) -> list[ClaimedDelivery]:
    """What the bot says back."""
    await world.receive(ReceiveUpdateCommand(bot_id=access.bot_id, raw=raw(update)))
    return await claimed(world, access)


async def test_start_is_answered_with_the_campaign_for_whoever_pressed_it(
    world: World, access: BotAccess
) -> None:
    auto_message = await answer(world, access, "Welcome, {{ first_name }}!")

    (said,) = await hear(world, access, message(1, ANA, "/start", at=now(world), first_name="Ana"))

    assert said.message is not None
    assert said.message.text == "Welcome, Ana!"
    assert (said.kind, said.chat_id) == (DeliveryKind.REPLY, ANA)
    assert said.origin is not None
    assert said.origin.auto_message_id == auto_message.id
    assert world.queue.woken == [access.bot_id]


@pytest.mark.parametrize("text", ["prices", "Prices", "  PRICES ", "\uff50\uff52ices"])
async def test_a_keyword_is_heard_however_it_is_written(
    world: World, access: BotAccess, text: str
) -> None:
    await answer(world, access, "From 3 €", keyword="Prices")

    (said,) = await hear(world, access, message(1, ANA, text, at=now(world)))

    assert said.message is not None
    assert said.message.text == "From 3 €"


async def test_other_words_are_not_answered(world: World, access: BotAccess) -> None:
    await answer(world, access, keyword="prices")

    for number, text in enumerate(["prices?", "the prices", "prices " * 1000, "/prices"], start=1):
        assert await hear(world, access, message(number, ANA, text, at=now(world))) == []


async def test_an_unsubscribed_person_is_still_answered(world: World, access: BotAccess) -> None:
    await answer(world, access, keyword="prices")
    await hear(world, access, message(1, ANA, "/stop", at=now(world)))

    assert len(await hear(world, access, message(2, ANA, "prices", at=now(world)))) == 1


async def test_what_was_asked_hours_ago_is_not_answered(world: World, access: BotAccess) -> None:
    await answer(world, access)

    assert await hear(world, access, message(1, ANA, "/start", at=now(world) - 7200)) == []


async def test_a_message_that_is_empty_for_somebody_answers_nothing_and_is_taken_in(
    world: World, access: BotAccess
) -> None:
    await answer(world, access, "{{ username }}", keyword="who")

    assert await hear(world, access, message(1, ANA, "who", at=now(world))) == []
    assert await world.subscriber(access, ANA) is not None


async def test_a_paused_one_is_silent_until_it_is_resumed(world: World, access: BotAccess) -> None:
    auto_message = await answer(world, access)
    command = AutoMessageCommand(access=access, auto_message_id=auto_message.id)

    paused = await PauseAutoMessage(storage=world.storage, clock=world.clock)(command)
    silence = await hear(world, access, message(1, ANA, "/start", at=now(world)))
    resumed = await ResumeAutoMessage(storage=world.storage, clock=world.clock)(command)
    said = await hear(world, access, message(2, ANA, "/start", at=now(world)))

    assert (paused.status, paused.pause_reason) == (
        AutoMessageStatus.PAUSED,
        PauseReason.OPERATOR,
    )
    assert silence == []
    assert (resumed.status, resumed.pause_reason) == (AutoMessageStatus.ACTIVE, None)
    assert len(said) == 1
    assert (await world.actions(access))[-3:] == [
        "auto_message.added",
        "auto_message.paused",
        "auto_message.resumed",
    ]


async def test_a_removed_one_is_forgotten(world: World, access: BotAccess) -> None:
    auto_message = await answer(world, access)
    command = AutoMessageCommand(access=access, auto_message_id=auto_message.id)

    await RemoveAutoMessage(storage=world.storage)(command)

    use = ListAutoMessages(storage=world.storage)
    assert await use(ListAutoMessagesQuery(access=access)) == []
    assert await hear(world, access, message(1, ANA, "/start", at=now(world))) == []
    with pytest.raises(ResourceNotFound):
        await RemoveAutoMessage(storage=world.storage)(command)


@pytest.mark.parametrize("keyword", [None, "prices"])
async def test_two_cannot_answer_the_same(
    world: World, access: BotAccess, keyword: str | None
) -> None:
    await answer(world, access, keyword=keyword)

    with pytest.raises(TriggerTaken):
        await answer(world, access, keyword=keyword)


@pytest.mark.parametrize("keyword", ["", "   ", "x" * 65, "/start", "a\x00b"])
async def test_what_cannot_be_a_keyword_is_refused(
    world: World, access: BotAccess, keyword: str
) -> None:
    with pytest.raises(KeywordInvalid):
        await answer(world, access, keyword=keyword)


async def test_a_campaign_must_be_there(world: World, access: BotAccess) -> None:
    add = AddAutoMessage(storage=world.storage, clock=world.clock, ids=world.ids)

    with pytest.raises(ResourceNotFound):
        await add(AddAutoMessageCommand(access=access, campaign_id=CampaignId(world.ids.new())))
    with pytest.raises(ResourceNotFound):
        await PauseAutoMessage(storage=world.storage, clock=world.clock)(
            AutoMessageCommand(access=access, auto_message_id=AutoMessageId(world.ids.new()))
        )
