"""After its months an archived broadcast is totals alone, and refuses what needs its rows."""

import logging
from datetime import timedelta

import pytest

from skua_adapters.retention.in_memory import InMemoryRetention
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.delivery import DeliveryCounts, DeliveryStatus, Reason
from skua_core.errors import AlreadySent, BroadcastArchived
from skua_core.ports.retention import KeptMonths
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.broadcast_reports import (
    BroadcastReportQuery,
    ExportRecipients,
    ExportRecipientsQuery,
    GetBroadcastReport,
)
from skua_core.use_cases.resends import ResendBroadcast, ResendBroadcastCommand
from skua_core.use_cases.retention import ApplyRetention, Retained
from tests.unit.use_cases.broadcasting import freeze, pause, send, settled, stored
from tests.unit.use_cases.world import World

FIFTEEN_MONTHS = timedelta(days=460).total_seconds()


@pytest.fixture
async def access(world: World) -> BotAccess:
    """A bot with three subscribers."""
    access = await world.add_bot()
    await world.join(access, 1, 2, 3)
    return access


@pytest.fixture
async def broadcast(world: World, access: BotAccess) -> Broadcast:
    """Of three, one got it, one was refused, and of one nobody knows."""
    broadcast = await send(world, access, (await world.compose(access)).campaign.id)
    await freeze(world, access, broadcast.id)
    await settled(world, access, DeliveryStatus.SENT, room=1)
    await settled(world, access, DeliveryStatus.FAILED, Reason.REFUSED, room=1)
    await settled(world, access, DeliveryStatus.UNCERTAIN, Reason.NO_ANSWER)
    return await stored(world, access, broadcast.id)


async def apply(world: World) -> Retained:
    retention = InMemoryRetention(world.memory)
    return await ApplyRetention(storage=world.storage, retention=retention, keep=KeptMonths())()


async def test_a_year_later_everything_is_still_there(
    world: World, access: BotAccess, broadcast: Broadcast
) -> None:
    world.clock.advance(timedelta(days=365).total_seconds())

    assert await apply(world) == Retained(archived=0, dropped=())
    assert await stored(world, access, broadcast.id) == broadcast


async def test_a_report_says_the_same_when_the_rows_are_gone(
    world: World, access: BotAccess, broadcast: Broadcast
) -> None:
    report = GetBroadcastReport(storage=world.storage)
    query = BroadcastReportQuery(access=access, broadcast_id=broadcast.id)
    before = await report(query)
    world.clock.advance(FIFTEEN_MONTHS)

    retained = await apply(world)
    after = await report(query)

    assert (retained.archived, len(retained.dropped)) == (1, 1)
    assert not world.memory.tenants[access.bot_id].deliveries.rows
    assert after.broadcast.counts == before.broadcast.counts
    assert after.broadcast.counts == DeliveryCounts(sent=1, failed=1, uncertain=1)
    assert after.reasons == before.reasons


async def test_its_wording_is_known_to_be_sent(
    world: World, access: BotAccess, broadcast: Broadcast
) -> None:
    world.clock.advance(FIFTEEN_MONTHS)
    await apply(world)

    with pytest.raises(AlreadySent):
        await send(world, access, broadcast.campaign_id)


async def test_it_is_not_sent_again_to_anybody(
    world: World, access: BotAccess, broadcast: Broadcast
) -> None:
    world.clock.advance(FIFTEEN_MONTHS)
    await apply(world)
    resend = ResendBroadcast(storage=world.storage, queue=world.queue, clock=world.clock)

    with pytest.raises(BroadcastArchived, match="Send the campaign as a new broadcast"):
        await resend(
            ResendBroadcastCommand(
                access=access, broadcast_id=broadcast.id, outcomes=[DeliveryStatus.UNCERTAIN]
            )
        )


async def test_its_recipients_are_refused_rather_than_shown_as_none(
    world: World, access: BotAccess, broadcast: Broadcast
) -> None:
    world.clock.advance(FIFTEEN_MONTHS)
    await apply(world)
    before = await world.actions(access)
    export = ExportRecipients(storage=world.storage)

    with pytest.raises(BroadcastArchived):
        await anext(export(ExportRecipientsQuery(access=access, broadcast_id=broadcast.id)))
    assert await world.actions(access) == before


async def test_what_was_paused_is_kept_for_whoever_resumes_it(
    world: World, access: BotAccess
) -> None:
    paused = await send(world, access, (await world.compose(access)).campaign.id)
    await freeze(world, access, paused.id)
    await pause(world, access, paused.id)
    world.clock.advance(FIFTEEN_MONTHS)

    assert await apply(world) == Retained(archived=0, dropped=())


async def test_counters_that_are_not_the_rows_are_told_of_and_nothing_is_dropped(
    world: World, access: BotAccess, broadcast: Broadcast, caplog: pytest.LogCaptureFixture
) -> None:
    rows = world.memory.tenants[access.bot_id].broadcasts
    rows.put(broadcast.id, broadcast)
    rows.rows[broadcast.id].counts = DeliveryCounts(sent=3)
    world.clock.advance(FIFTEEN_MONTHS)

    with caplog.at_level(logging.ERROR):
        retained = await apply(world)

    assert retained == Retained(archived=0, dropped=())
    assert "its counters aren't its rows" in caplog.text
