"""Following a broadcast, and what it came to."""

from contextlib import aclosing

import pytest

from skua_core.domain.broadcast import Broadcast, BroadcastStatus
from skua_core.domain.delivery import ClaimedDelivery, DeliveryStatus, Reason, Settlement
from skua_core.domain.lane import ClaimOrder, Lease
from skua_core.errors import ResourceNotFound
from skua_core.ids import BroadcastId
from skua_core.ports.tenant_storage import UnitKind
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.broadcast_reports import (
    BroadcastProgress,
    BroadcastReportQuery,
    ExportRecipients,
    ExportRecipientsQuery,
    GetBroadcastReport,
    ListBroadcasts,
    ListBroadcastsQuery,
    WatchBroadcast,
    WatchBroadcastQuery,
)
from skua_core.use_cases.broadcasts import (
    CancelBroadcast,
    CancelBroadcastCommand,
    PauseBroadcast,
    PauseBroadcastCommand,
    SendBroadcast,
    SendBroadcastCommand,
)
from tests.unit.use_cases.world import World


@pytest.fixture
async def access(world: World) -> BotAccess:
    """A bot with three subscribers."""
    access = await world.add_bot()
    await world.join(access, 1, 2, 3)
    return access


@pytest.fixture
async def broadcast(world: World, access: BotAccess) -> Broadcast:
    """Frozen, and nothing sent yet."""
    view = await world.compose(access)
    send = SendBroadcast(storage=world.storage, queue=world.queue, clock=world.clock, ids=world.ids)
    begun = await send(SendBroadcastCommand(access=access, campaign_id=view.campaign.id))
    async with world.storage.unit(access.bot_id, UnitKind.LANE) as unit:
        await unit.deliveries.freeze(begun.id)
        await unit.commit()
    return begun


class Lane:
    """Claims and settles by hand."""

    def __init__(self, world: World, access: BotAccess) -> None:
        self.world = world
        self.access = access
        self._lease: Lease | None = None

    async def claim(self, room: int) -> tuple[ClaimedDelivery, ...]:
        async with self.world.storage.unit(self.access.bot_id, UnitKind.LANE) as unit:
            if self._lease is None:
                acquired = await unit.lane.acquire("test")
                assert acquired is not None
                self._lease = acquired.lease
            claimed = await unit.lane.claim(self._lease, ClaimOrder(room=room, direct_room=room))
            await unit.commit()
        return claimed.deliveries

    async def settle(
        self, delivery: ClaimedDelivery, status: DeliveryStatus, reason: Reason | None = None
    ) -> None:
        assert self._lease is not None
        settlement = Settlement(
            key=delivery.key,
            attempt=delivery.attempt,
            subscriber_id=delivery.subscriber_id,
            status=status,
            started_at=self.world.clock.now(),
            reason=reason,
            message_id=7 if status is DeliveryStatus.SENT else None,
        )
        async with self.world.storage.unit(self.access.bot_id, UnitKind.LANE) as unit:
            await unit.lane.settle(self._lease, [settlement])
            await unit.commit()


@pytest.fixture
def lane(world: World, access: BotAccess) -> Lane:
    return Lane(world, access)


async def pause(world: World, access: BotAccess, broadcast: Broadcast) -> None:
    await PauseBroadcast(storage=world.storage, clock=world.clock)(
        PauseBroadcastCommand(access=access, broadcast_id=broadcast.id)
    )


async def cancel(world: World, access: BotAccess, broadcast: Broadcast) -> None:
    cancel_it = CancelBroadcast(storage=world.storage, queue=world.queue, clock=world.clock)
    await cancel_it(CancelBroadcastCommand(access=access, broadcast_id=broadcast.id))


def watching(access: BotAccess, broadcast_id: BroadcastId) -> WatchBroadcastQuery:
    return WatchBroadcastQuery(access=access, broadcast_id=broadcast_id, interval=0)


async def test_a_report_gives_every_outcome_and_why(
    world: World, access: BotAccess, broadcast: Broadcast, lane: Lane
) -> None:
    first, second, third = await lane.claim(3)
    await lane.settle(first, DeliveryStatus.SENT)
    await lane.settle(second, DeliveryStatus.FAILED, Reason.BLOCKED)
    await lane.settle(third, DeliveryStatus.UNCERTAIN, Reason.NO_ANSWER)

    report = await GetBroadcastReport(storage=world.storage)(
        BroadcastReportQuery(access=access, broadcast_id=broadcast.id)
    )

    counts = report.broadcast.counts
    assert (counts.sent, counts.failed, counts.uncertain, counts.total) == (1, 1, 1, 3)
    assert report.reasons == {Reason.BLOCKED: 1, Reason.NO_ANSWER: 1}


async def test_watching_shows_rate_and_what_is_left_and_ends_with_the_broadcast(
    world: World, access: BotAccess, broadcast: Broadcast, lane: Lane
) -> None:
    watch = WatchBroadcast(storage=world.storage, lanes=world.lanes, clock=world.clock)
    claimed = list(await lane.claim(3))
    seen: list[BroadcastProgress] = []

    async for progress in watch(watching(access, broadcast.id)):
        seen.append(progress)
        world.clock.advance(2)
        if claimed:
            await lane.settle(claimed.pop(), DeliveryStatus.SENT)
        else:
            await lane.claim(1)

    sent = [progress.broadcast.counts.sent for progress in seen]
    assert sent[:4] == [0, 1, 2, 3]
    assert (seen[0].rate, seen[0].eta) == (0.0, None)
    assert (seen[1].rate, seen[1].eta) == (0.5, 4.0)
    assert seen[-1].broadcast.status is BroadcastStatus.COMPLETED


async def test_watching_ends_when_a_paused_broadcast_has_nothing_in_flight(
    world: World, access: BotAccess, broadcast: Broadcast, lane: Lane
) -> None:
    watch = WatchBroadcast(storage=world.storage, lanes=world.lanes, clock=world.clock)
    (delivery,) = await lane.claim(1)
    await pause(world, access, broadcast)
    seen = []

    async for progress in watch(watching(access, broadcast.id)):
        seen.append(progress.broadcast.counts.in_flight)
        if len(seen) == 2:
            await lane.settle(delivery, DeliveryStatus.SENT)

    assert seen == [1, 1, 0]


async def test_watching_tells_of_a_pause_that_telegram_asked_for(
    world: World, access: BotAccess, broadcast: Broadcast, lane: Lane
) -> None:
    await lane.claim(1)
    assert lane._lease is not None
    async with world.storage.unit(access.bot_id, UnitKind.LANE) as unit:
        await unit.lane.hold_until(lane._lease, wait=30, learned_rate=12.5)
        await unit.commit()
    watch = WatchBroadcast(storage=world.storage, lanes=world.lanes, clock=world.clock)

    async with aclosing(watch(watching(access, broadcast.id))) as looks:
        progress = await anext(looks)

    assert progress.learned_rate == 12.5
    assert progress.not_before is not None
    assert (progress.not_before - world.clock.now()).total_seconds() == 30


async def test_recipients_are_listed_with_what_became_of_them(
    world: World, access: BotAccess, broadcast: Broadcast, lane: Lane
) -> None:
    (delivery,) = await lane.claim(1)
    await lane.settle(delivery, DeliveryStatus.SENT)
    await cancel(world, access, broadcast)
    export = ExportRecipients(storage=world.storage)

    rows = [
        (row.position, row.chat_id, row.status, row.reason, row.message_id)
        async for row in export(ExportRecipientsQuery(access=access, broadcast_id=broadcast.id))
    ]

    assert rows == [
        (1, 1, "sent", None, 7),
        (2, 2, "skipped", "cancelled", None),
        (3, 3, "skipped", "cancelled", None),
    ]
    assert (await world.actions(access))[-1] == "broadcast.recipients_exported"


async def test_broadcasts_are_listed_newest_first(
    world: World, access: BotAccess, broadcast: Broadcast
) -> None:
    await cancel(world, access, broadcast)
    view = await world.compose(access, "Another")
    send = SendBroadcast(storage=world.storage, queue=world.queue, clock=world.clock, ids=world.ids)
    newer = await send(SendBroadcastCommand(access=access, campaign_id=view.campaign.id))
    list_them = ListBroadcasts(storage=world.storage)

    first = await list_them(ListBroadcastsQuery(access=access, limit=1))
    rest = await list_them(ListBroadcastsQuery(access=access, before=first[-1].id))

    assert [row.id for row in (*first, *rest)] == [newer.id, broadcast.id]


async def test_another_bots_broadcast_is_not_found(world: World, broadcast: Broadcast) -> None:
    terns = await world.add_bot(None, slug="terns")
    watch = WatchBroadcast(storage=world.storage, lanes=world.lanes, clock=world.clock)
    export = ExportRecipients(storage=world.storage)

    with pytest.raises(ResourceNotFound):
        await GetBroadcastReport(storage=world.storage)(
            BroadcastReportQuery(access=terns, broadcast_id=broadcast.id)
        )
    with pytest.raises(ResourceNotFound):
        await anext(watch(watching(terns, broadcast.id)))
    with pytest.raises(ResourceNotFound):
        await anext(export(ExportRecipientsQuery(access=terns, broadcast_id=broadcast.id)))
    assert await world.actions(terns) == ["bot.added"]
