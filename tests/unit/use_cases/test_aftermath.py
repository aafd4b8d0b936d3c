"""What people do tells of the messages they had got before."""

import pytest

from skua_core.domain.broadcast import BroadcastStatus, PauseReason
from skua_core.domain.callbacks import callback_data
from skua_core.domain.content import InlineButton
from skua_core.domain.delivery import DeliveryStatus, Reason
from skua_core.ids import BroadcastId, SourceId
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.arrivals import CallbackReply
from skua_core.use_cases.intake import Received, ReceiveUpdateCommand
from tests.unit.use_cases.broadcasting import claimed, freeze, resume, send, settled, stored
from tests.unit.use_cases.updates import Raw, blocked, callback, raw, reply, unblocked
from tests.unit.use_cases.world import World

BUTTON = ((InlineButton("Count me in", answer="See you there!", alert=True, tag="coming"),),)
PEOPLE = range(1, 21)


@pytest.fixture
async def access(world: World) -> BotAccess:
    access = await world.add_bot()
    await world.join(access, *PEOPLE)
    return access


async def begin(world: World, access: BotAccess, text: str = "Party, {{ first_name }}") -> SourceId:
    campaign = await world.compose(access, text, buttons=BUTTON)
    broadcast = await send(world, access, campaign.campaign.id)
    await freeze(world, access, broadcast.id)
    return SourceId(broadcast.id)


async def hear(world: World, access: BotAccess, update: Raw) -> Received:
    return await world.receive(ReceiveUpdateCommand(bot_id=access.bot_id, raw=raw(update)))


def own(world: World, text: str, *, seconds_ago: int = 0) -> Raw:
    """A message of the bot's."""
    at = int(world.clock.now().timestamp()) - seconds_ago
    return {"message_id": 77, "date": at, "text": text}


async def uncertain(world: World, access: BotAccess, source_id: SourceId) -> int:
    return (await stored(world, access, BroadcastId(source_id))).counts.uncertain


# Buttons


async def test_a_press_is_answered_and_tags_whoever_pressed(
    world: World, access: BotAccess
) -> None:
    source_id = await begin(world, access, "Party")
    await claimed(world, access)

    received = await hear(world, access, callback(1, 3, callback_data(source_id, 0)))
    again = await hear(world, access, callback(1, 3, callback_data(source_id, 0)))

    subscriber = await world.subscriber(access, 3)
    assert subscriber is not None
    assert subscriber.tags == ("coming",)
    assert received.callback == CallbackReply("call-1", "See you there!", alert=True)
    assert again.callback == received.callback


@pytest.mark.parametrize("data", ["yes", "s.AAAA.1", ""])
async def test_a_press_on_anything_else_is_just_acknowledged(
    world: World, access: BotAccess, data: str
) -> None:
    received = await hear(world, access, callback(1, 3, data))

    assert received.callback == CallbackReply("call-1")


async def test_a_press_on_a_button_that_was_never_there_is_just_acknowledged(
    world: World, access: BotAccess
) -> None:
    source_id = await begin(world, access, "Party")

    received = await hear(world, access, callback(1, 3, callback_data(source_id, 7)))

    assert received.callback == CallbackReply("call-1")


# Proof


async def test_a_press_proves_that_an_uncertain_message_arrived(
    world: World, access: BotAccess
) -> None:
    source_id = await begin(world, access, "Party")
    await settled(world, access, DeliveryStatus.UNCERTAIN, Reason.NO_ANSWER)

    await hear(world, access, callback(1, 3, callback_data(source_id, 0), message_id=77))

    broadcast = await stored(world, access, BroadcastId(source_id))
    assert (broadcast.counts.sent, broadcast.counts.uncertain) == (1, len(PEOPLE) - 1)


async def test_a_reply_proves_it_by_the_words(world: World, access: BotAccess) -> None:
    source_id = await begin(world, access, "Party <b>tonight</b>")
    await settled(world, access, DeliveryStatus.UNCERTAIN, Reason.NO_ANSWER)

    await hear(world, access, reply(1, 3, "Yes!", to=own(world, "Party tonight")))

    assert await uncertain(world, access, source_id) == len(PEOPLE) - 1


@pytest.mark.parametrize("text", ["Something else", "", "party tonight"])
async def test_a_reply_to_other_words_proves_nothing(
    world: World, access: BotAccess, text: str
) -> None:
    source_id = await begin(world, access, "Party tonight")
    await settled(world, access, DeliveryStatus.UNCERTAIN, Reason.NO_ANSWER)

    await hear(world, access, reply(1, 3, "Yes!", to=own(world, text)))

    assert await uncertain(world, access, source_id) == len(PEOPLE)


async def test_the_same_words_from_another_time_prove_nothing(
    world: World, access: BotAccess
) -> None:
    source_id = await begin(world, access, "Party tonight")
    await settled(world, access, DeliveryStatus.UNCERTAIN, Reason.NO_ANSWER)

    for number, seconds in enumerate((3600, -3600), start=1):
        said = own(world, "Party tonight", seconds_ago=seconds)
        await hear(world, access, reply(number, 3, "Yes!", to=said))

    assert await uncertain(world, access, source_id) == len(PEOPLE)


async def test_words_that_fit_two_messages_prove_neither(world: World, access: BotAccess) -> None:
    first = await begin(world, access, "Party")
    await settled(world, access, DeliveryStatus.UNCERTAIN, Reason.NO_ANSWER)
    second = await begin(world, access, "Party")
    await settled(world, access, DeliveryStatus.UNCERTAIN, Reason.NO_ANSWER)

    await hear(world, access, reply(1, 3, "Yes!", to=own(world, "Party")))

    for source_id in (first, second):
        assert await uncertain(world, access, source_id) == len(PEOPLE)


# The guard


async def test_a_broadcast_over_which_people_block_the_bot_is_paused(
    world: World, access: BotAccess
) -> None:
    source_id = await begin(world, access, "Buy!")
    await settled(world, access, DeliveryStatus.SENT, room=8)
    at = int(world.clock.now().timestamp()) + 5

    for number in (1, 2):
        await hear(world, access, blocked(number, number, at=at))
    still_going = await stored(world, access, BroadcastId(source_id))
    await hear(world, access, blocked(3, 3, at=at))
    paused = await stored(world, access, BroadcastId(source_id))

    assert still_going.status is BroadcastStatus.SENDING
    assert (paused.status, paused.pause_reason) == (BroadcastStatus.PAUSED, PauseReason.HARM)
    assert paused.pause_detail == "3 of 8 who got it blocked the bot"
    assert (await world.actions(access))[-1] == "broadcast.paused"


async def test_blocks_by_those_who_did_not_get_it_do_not_count(
    world: World, access: BotAccess
) -> None:
    source_id = await begin(world, access, "Buy!")
    await settled(world, access, DeliveryStatus.SENT, room=8)
    at = int(world.clock.now().timestamp()) + 5

    for chat in range(9, 21):
        await hear(world, access, blocked(chat, chat, at=at))

    broadcast = await stored(world, access, BroadcastId(source_id))
    assert (broadcast.status, broadcast.blocks) == (BroadcastStatus.SENDING, 0)


async def test_a_block_before_the_message_does_not_count(world: World, access: BotAccess) -> None:
    source_id = await begin(world, access, "Buy!")
    await settled(world, access, DeliveryStatus.SENT, room=8)
    before = int(world.clock.now().timestamp()) - 60

    for chat in range(1, 6):
        await hear(world, access, blocked(chat, chat, at=before))

    assert (await stored(world, access, BroadcastId(source_id))).blocks == 0


async def test_nothing_is_concluded_from_a_few(world: World, access: BotAccess) -> None:
    source_id = await begin(world, access, "Buy!")
    await settled(world, access, DeliveryStatus.SENT, room=3)
    at = int(world.clock.now().timestamp()) + 5

    for chat in (1, 2, 3):
        await hear(world, access, blocked(chat, chat, at=at))

    assert (await stored(world, access, BroadcastId(source_id))).status is BroadcastStatus.SENDING


async def test_resuming_it_says_that_the_blocks_are_accepted(
    world: World, access: BotAccess
) -> None:
    source_id = await begin(world, access, "Buy!")
    await settled(world, access, DeliveryStatus.SENT, room=8)
    at = int(world.clock.now().timestamp()) + 5
    for chat in (1, 2, 3):
        await hear(world, access, blocked(chat, chat, at=at))
    await resume(world, access, BroadcastId(source_id))

    await hear(world, access, blocked(4, 4, at=at))

    broadcast = await stored(world, access, BroadcastId(source_id))
    assert broadcast.status is BroadcastStatus.SENDING
    assert (broadcast.blocks, broadcast.blocks_since) == (1, 8)


async def test_the_same_block_told_twice_counts_once(world: World, access: BotAccess) -> None:
    source_id = await begin(world, access, "Buy!")
    await settled(world, access, DeliveryStatus.SENT, room=8)
    at = int(world.clock.now().timestamp()) + 5

    await hear(world, access, blocked(1, 1, at=at))
    await hear(world, access, blocked(2, 1, at=at + 1))
    await hear(world, access, unblocked(3, 5, at=at))

    assert (await stored(world, access, BroadcastId(source_id))).blocks == 1
