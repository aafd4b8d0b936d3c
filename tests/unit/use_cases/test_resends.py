"""Sending again to those who are failed or uncertain."""

from collections.abc import Collection

import pytest

from skua_core.domain.broadcast import Broadcast, BroadcastStatus
from skua_core.domain.delivery import DeliveryCounts, DeliveryStatus, Reason
from skua_core.errors import (
    BotReadOnly,
    BroadcastAlreadySending,
    BroadcastStateConflict,
    NothingToResend,
    NotResendable,
    ResourceNotFound,
)
from skua_core.ids import BroadcastId
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.resends import ResendBroadcast, ResendBroadcastCommand
from tests.unit.use_cases.broadcasting import (
    claimed,
    freeze,
    pause,
    send,
    set_read_only,
    settled,
    stored,
)
from tests.unit.use_cases.world import World, details_of

FAILED, UNCERTAIN = DeliveryStatus.FAILED, DeliveryStatus.UNCERTAIN


@pytest.fixture
async def access(world: World) -> BotAccess:
    """A bot with six subscribers."""
    access = await world.add_bot()
    await world.join(access, 1, 2, 3, 4, 5, 6)
    return access


async def resend(
    world: World, access: BotAccess, broadcast_id: BroadcastId, *outcomes: DeliveryStatus
) -> Broadcast:
    use = ResendBroadcast(storage=world.storage, queue=world.queue, clock=world.clock)
    wanted: Collection[DeliveryStatus] = outcomes
    return await use(
        ResendBroadcastCommand(access=access, broadcast_id=broadcast_id, outcomes=wanted)
    )


async def completed(world: World, access: BotAccess) -> Broadcast:
    """Two of six got it, one failed, three are uncertain."""
    broadcast = await send(world, access, (await world.compose(access)).campaign.id)
    await freeze(world, access, broadcast.id)
    await settled(world, access, DeliveryStatus.SENT, room=2)
    await settled(world, access, FAILED, Reason.REFUSED, room=1)
    await settled(world, access, UNCERTAIN, Reason.NO_ANSWER)
    return await stored(world, access, broadcast.id)


@pytest.mark.parametrize(
    ("outcomes", "again"), [((FAILED,), 1), ((UNCERTAIN,), 3), ((FAILED, UNCERTAIN), 4)]
)
async def test_only_those_with_the_chosen_outcomes_get_it_again(
    world: World, access: BotAccess, outcomes: tuple[DeliveryStatus, ...], again: int
) -> None:
    broadcast = await completed(world, access)

    going_on = await resend(world, access, broadcast.id, *outcomes)
    second = await claimed(world, access)
    await claimed(world, access)
    done = await stored(world, access, broadcast.id)

    assert (going_on.status, going_on.counts.pending) == (BroadcastStatus.SENDING, again)
    assert {each.attempt for each in second} == {2}
    assert len(second) == again
    assert done.status is BroadcastStatus.COMPLETED
    assert done.counts.sent == 2 + again
    assert done.counts.total == 6


async def test_the_audit_log_says_who_sent_what_again(world: World, access: BotAccess) -> None:
    broadcast = await completed(world, access)

    await resend(world, access, broadcast.id, UNCERTAIN)

    entry = (await world.audit(access))[-1]
    assert (entry.action, entry.actor) == ("broadcast.resent", "cli:ana")
    assert details_of(entry) == {"uncertain": 3}


async def test_what_was_sent_is_never_sent_again(world: World, access: BotAccess) -> None:
    broadcast = await completed(world, access)

    for outcomes in [(DeliveryStatus.SENT,), (FAILED, DeliveryStatus.SKIPPED), ()]:
        with pytest.raises(NotResendable):
            await resend(world, access, broadcast.id, *outcomes)
    assert await stored(world, access, broadcast.id) == broadcast


async def test_there_must_be_somebody_to_send_to_again(world: World, access: BotAccess) -> None:
    broadcast = await send(world, access, (await world.compose(access)).campaign.id)
    await freeze(world, access, broadcast.id)
    await claimed(world, access)

    with pytest.raises(NothingToResend):
        await resend(world, access, broadcast.id, FAILED, UNCERTAIN)
    assert (await stored(world, access, broadcast.id)).status is BroadcastStatus.COMPLETED


async def test_only_a_completed_broadcast_is_sent_again(world: World, access: BotAccess) -> None:
    broadcast = await send(world, access, (await world.compose(access)).campaign.id)
    await freeze(world, access, broadcast.id)
    await settled(world, access, UNCERTAIN, Reason.NO_ANSWER, room=1)

    with pytest.raises(BroadcastStateConflict):
        await resend(world, access, broadcast.id, UNCERTAIN)
    await pause(world, access, broadcast.id)
    with pytest.raises(BroadcastStateConflict):
        await resend(world, access, broadcast.id, UNCERTAIN)


async def test_gates_and_the_slot_hold_for_a_resend_too(world: World, access: BotAccess) -> None:
    broadcast = await completed(world, access)
    await set_read_only(world, access, read_only=True)
    with pytest.raises(BotReadOnly):
        await resend(world, access, broadcast.id, UNCERTAIN)
    await set_read_only(world, access, read_only=False)
    await send(world, access, (await world.compose(access, "Another")).campaign.id)
    with pytest.raises(BroadcastAlreadySending):
        await resend(world, access, broadcast.id, UNCERTAIN)
    assert (await stored(world, access, broadcast.id)).counts == DeliveryCounts(
        sent=2, failed=1, uncertain=3
    )


async def test_an_unknown_broadcast_is_not_found(world: World, access: BotAccess) -> None:
    with pytest.raises(ResourceNotFound):
        await resend(world, access, BroadcastId(world.ids.new()), FAILED)
