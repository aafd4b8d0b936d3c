"""Linking one's own chat, and sending tests there."""

from datetime import timedelta

import pytest

from skua_core.domain.delivery import ClaimedDelivery, DeliveryKind
from skua_core.errors import BotReadOnly, ChatNotLinked, ResourceNotFound, TokenMissing
from skua_core.ids import CampaignId
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.intake import ReceiveUpdateCommand
from skua_core.use_cases.replies import LINKED_REPLY
from skua_core.use_cases.tests_to_oneself import (
    LinkChat,
    LinkCode,
    SendTest,
    SendTestCommand,
)
from tests.unit.use_cases.broadcasting import claimed, set_read_only
from tests.unit.use_cases.updates import group_message, message, raw
from tests.unit.use_cases.world import World

ANA = 1001
BEN = 1002


@pytest.fixture
async def access(world: World) -> BotAccess:
    return await world.add_bot()


async def ask(world: World, access: BotAccess) -> LinkCode:
    return await LinkChat(storage=world.storage, clock=world.clock)(access)


async def start(
    world: World, access: BotAccess, update_id: int, chat: int, code: str
) -> list[ClaimedDelivery]:
    at = int(world.clock.now().timestamp())
    update = message(update_id, chat, f"/start {code}", at=at, first_name="Ana", language="pt")
    await world.receive(ReceiveUpdateCommand(bot_id=access.bot_id, raw=raw(update)))
    return await claimed(world, access)


async def have_sent(
    world: World, access: BotAccess, text: str = "Hello", language: str | None = None
) -> list[ClaimedDelivery]:
    campaign_id = (await world.compose(access, text)).campaign.id
    await sending(world)(SendTestCommand(access=access, campaign_id=campaign_id, language=language))
    return await claimed(world, access)


def sending(world: World) -> SendTest:
    return SendTest(
        storage=world.storage, queue=world.queue, renderer=world.renderer, ids=world.ids
    )


async def test_a_test_goes_to_the_chat_that_was_linked(world: World, access: BotAccess) -> None:
    code = await ask(world, access)
    (linked,) = await start(world, access, 1, ANA, code.code)

    (test,) = await have_sent(world, access, "Hello, {{ first_name }}")

    assert linked.message == LINKED_REPLY
    assert test.message is not None
    assert (test.kind, test.chat_id, test.message.text) == (DeliveryKind.TEST, ANA, "Hello, Ana")
    assert code.url == f"https://t.me/gull_bot?start={code.code}"
    actions = await world.actions(access)
    assert [each for each in actions if each.startswith(("chat_link", "campaign.t"))] == [
        "chat_link.asked",
        "chat_link.completed",
        "campaign.tested",
    ]


async def test_a_link_is_no_source_of_subscribers(world: World, access: BotAccess) -> None:
    await start(world, access, 1, ANA, (await ask(world, access)).code)

    subscriber = await world.subscriber(access, ANA)
    assert subscriber is not None
    assert subscriber.source is None


async def test_a_code_works_once(world: World, access: BotAccess) -> None:
    code = await ask(world, access)
    await start(world, access, 1, ANA, code.code)

    assert await start(world, access, 2, BEN, code.code) == []
    (test,) = await have_sent(world, access)
    assert test.chat_id == ANA


async def test_a_code_that_is_too_old_or_was_replaced_links_nothing(
    world: World, access: BotAccess
) -> None:
    old = await ask(world, access)
    world.clock.advance(timedelta(minutes=16).total_seconds())
    assert await start(world, access, 1, ANA, old.code) == []
    former, _ = await ask(world, access), await ask(world, access)
    assert await start(world, access, 2, ANA, former.code) == []
    assert await start(world, access, 3, ANA, "me-guessed") == []

    with pytest.raises(ChatNotLinked):
        await have_sent(world, access)


async def test_a_group_cannot_be_ones_own_chat(world: World, access: BotAccess) -> None:
    code = await ask(world, access)
    update = group_message(1, -5, f"/start {code.code}")
    await world.receive(ReceiveUpdateCommand(bot_id=access.bot_id, raw=raw(update)))

    with pytest.raises(ChatNotLinked):
        await have_sent(world, access)


async def test_a_test_needs_open_gates_and_a_campaign(world: World, access: BotAccess) -> None:
    await start(world, access, 1, ANA, (await ask(world, access)).code)
    missing = SendTestCommand(access=access, campaign_id=CampaignId(world.ids.new()))
    with pytest.raises(ResourceNotFound):
        await sending(world)(missing)
    await set_read_only(world, access, read_only=True)
    with pytest.raises(BotReadOnly):
        await have_sent(world, access)


async def test_a_bot_without_a_token_has_no_chat_to_link(world: World) -> None:
    access = await world.add_bot(None)

    with pytest.raises(TokenMissing):
        await ask(world, access)


async def test_a_code_does_not_show_in_a_log(world: World, access: BotAccess) -> None:
    code = await ask(world, access)

    assert code.code not in repr(code)
