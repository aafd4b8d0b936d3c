"""What every Messenger has to keep."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from skua_core.domain.content import EntityType, InlineButton, MessageEntity, RenderedMessage
from skua_core.domain.subscriber import Reach
from skua_core.ids import ChatId
from skua_core.ports.messenger import (
    Blame,
    Migrated,
    NotSent,
    OutboundMessage,
    Refused,
    SendOutcome,
    Sent,
    Throttled,
    Unauthorized,
    Unknown,
    Unreachable,
)
from tests.contract.rigs.telegram import (
    ANA,
    BEN,
    NOBODY,
    SECRET,
    TOKEN,
    MessengerRig,
    fake_messenger_rig,
    telegram_messenger_rig,
)

RIGS: dict[str, Callable[[], AbstractAsyncContextManager[MessengerRig]]] = {
    "fake": fake_messenger_rig,
    "telegram": telegram_messenger_rig,
}


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[MessengerRig]:
    async with RIGS[request.param]() as rig:
        yield rig


def a_message(text: str = "Hello", *, to: ChatId = ANA) -> OutboundMessage:
    return OutboundMessage(to, RenderedMessage(text))


async def send(rig: MessengerRig, message: OutboundMessage | None = None) -> SendOutcome:
    return await rig.messenger.send(TOKEN, message or a_message())


async def test_a_message_arrives_and_has_an_id(rig: MessengerRig) -> None:
    outcome = await send(rig, a_message("Hello, Ana"))

    assert isinstance(outcome, Sent)
    assert outcome.message_id > 0
    assert rig.texts_of(ANA) == ["Hello, Ana"]
    assert rig.texts_of(BEN) == []


async def test_each_message_has_an_id_of_its_own(rig: MessengerRig) -> None:
    outcomes = [await send(rig), await send(rig), await send(rig, a_message(to=BEN))]

    assert len({outcome.message_id for outcome in outcomes if isinstance(outcome, Sent)}) == 3


async def test_formatted_text_and_buttons_arrive(rig: MessengerRig) -> None:
    content = RenderedMessage(
        "Hello \N{OWL} Ana",
        entities=(MessageEntity(EntityType.BOLD, offset=9, length=3),),
        buttons=((InlineButton("Yes", callback_data="yes"),),),
    )

    assert isinstance(await send(rig, OutboundMessage(ANA, content)), Sent)
    assert rig.texts_of(ANA) == ["Hello \N{OWL} Ana"]


async def test_a_chat_that_blocked_the_bot_is_unreachable(rig: MessengerRig) -> None:
    rig.block(ANA)

    outcome = await send(rig)

    assert isinstance(outcome, Unreachable)
    assert outcome.reach is Reach.BLOCKED
    assert outcome.description
    assert rig.texts_of(ANA) == []


async def test_a_deleted_account_is_unreachable(rig: MessengerRig) -> None:
    rig.deactivate(ANA)

    outcome = await send(rig)

    assert isinstance(outcome, Unreachable)
    assert outcome.reach is Reach.DEACTIVATED


async def test_a_chat_that_telegram_does_not_know_is_unreachable(rig: MessengerRig) -> None:
    outcome = await send(rig, a_message(to=NOBODY))

    assert isinstance(outcome, Unreachable)
    assert outcome.reach is Reach.INVALID


async def test_who_is_unreachable_is_nobody_else_s_trouble(rig: MessengerRig) -> None:
    rig.block(ANA)

    assert isinstance(await send(rig, a_message(to=BEN)), Sent)


async def test_throttling_says_how_long_to_wait(rig: MessengerRig) -> None:
    rig.throttle(3)

    outcome = await send(rig)

    assert outcome == Throttled(retry_after=3)
    assert rig.texts_of(ANA) == []


async def test_a_migrated_group_says_its_new_id_which_works(rig: MessengerRig) -> None:
    old, new = rig.migrate()

    outcome = await send(rig, a_message(to=old))

    assert outcome == Migrated(new_chat_id=new)
    assert isinstance(await send(rig, a_message(to=new)), Sent)


async def test_a_faulty_message_is_refused_whoever_it_is_for(rig: MessengerRig) -> None:
    content = rig.faulty_content()

    outcomes = [await send(rig, OutboundMessage(chat, content)) for chat in (ANA, BEN)]

    for outcome in outcomes:
        assert isinstance(outcome, Refused)
        assert outcome.blame is Blame.CONTENT
        assert outcome.description
    assert isinstance(await send(rig), Sent)


async def test_a_refusal_for_another_reason_does_not_blame_the_message(rig: MessengerRig) -> None:
    outcome = await send(rig, rig.refused_for_another_reason())

    assert isinstance(outcome, Refused)
    assert outcome.blame is Blame.OTHER


async def test_a_revoked_token_is_unauthorized(rig: MessengerRig) -> None:
    rig.revoke()

    assert await send(rig) == Unauthorized()


async def test_without_a_connection_nothing_was_sent(rig: MessengerRig) -> None:
    await rig.cut_off()

    assert isinstance(await send(rig), NotSent)


async def test_a_request_without_an_answer_may_have_been_lost(rig: MessengerRig) -> None:
    rig.drop_before_accepting()

    outcome = await send(rig)

    assert isinstance(outcome, Unknown)
    assert not outcome.answered
    assert rig.texts_of(ANA) == []


async def test_a_request_without_an_answer_may_have_arrived(rig: MessengerRig) -> None:
    rig.drop_after_accepting()

    outcome = await send(rig)

    assert isinstance(outcome, Unknown)
    assert not outcome.answered
    assert rig.texts_of(ANA) == ["Hello"]


async def test_a_server_error_leaves_the_fate_unknown(rig: MessengerRig) -> None:
    rig.break_down()

    outcome = await send(rig)

    assert isinstance(outcome, Unknown)
    assert outcome.answered


async def test_trouble_passes_and_is_never_retried(rig: MessengerRig) -> None:
    rig.drop_before_accepting()
    await send(rig, a_message("lost"))

    assert isinstance(await send(rig, a_message("after")), Sent)
    assert rig.texts_of(ANA) == ["after"]


async def test_many_tasks_share_a_messenger_and_get_their_own_outcome(rig: MessengerRig) -> None:
    rig.block(BEN)

    outcomes = await asyncio.gather(
        *(send(rig, a_message(str(number), to=(ANA, BEN)[number % 2])) for number in range(60))
    )

    assert [type(outcome) for outcome in outcomes] == [Sent, Unreachable] * 30
    assert sorted(rig.texts_of(ANA), key=int) == [str(number) for number in range(0, 60, 2)]


async def test_a_cancelled_send_raises_and_harms_no_other(rig: MessengerRig) -> None:
    rig.slow_down(0.2)
    cancelled, other = asyncio.create_task(send(rig)), asyncio.create_task(send(rig))
    await asyncio.sleep(0.05)

    cancelled.cancel()

    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert isinstance(await other, Sent)


async def test_closing_ends_calls_in_flight_as_unknown(rig: MessengerRig) -> None:
    rig.slow_down(20)
    in_flight = asyncio.create_task(send(rig))
    await asyncio.sleep(0.05)

    await rig.messenger.close()

    async with asyncio.timeout(5):
        assert isinstance(await in_flight, Unknown)


async def test_after_closing_nothing_is_sent(rig: MessengerRig) -> None:
    await rig.messenger.close()
    await rig.messenger.close()

    assert isinstance(await send(rig), NotSent)
    assert rig.texts_of(ANA) == []


async def test_a_messenger_shows_no_token(rig: MessengerRig) -> None:
    outcome = await send(rig)

    assert SECRET not in repr(rig.messenger) + repr(vars(rig.messenger)) + repr(outcome)
