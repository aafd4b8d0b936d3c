"""Freezing audiences, cancelling what waits, and who got what."""

import asyncio

import pytest

from skua_core.domain.broadcast import BroadcastStatus, PauseReason
from skua_core.domain.delivery import DeliveryCounts
from skua_core.domain.subscriber import Reach, SubscriberStatus
from skua_core.ids import BroadcastId, SubscriberId
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def test_the_audience_is_every_active_subscriber_in_the_order_of_joining(
    scene: Scene,
) -> None:
    first = await scene.subscribe(2)
    await scene.subscribe(2, subscribed=False)
    await scene.subscribe(1, reach=Reach.BLOCKED)
    await scene.subscribe(1, reach=Reach.INVALID, subscribed=False)
    last = await scene.subscribe(1)
    broadcast = await scene.start(freeze=False)

    assert await scene.freeze(broadcast) == 3

    rows = await scene.recipients(broadcast)
    assert [(row.position, row.subscriber_id, row.chat_id) for row in rows] == [
        (number, person.id, person.chat_id) for number, person in enumerate([*first, *last], 1)
    ]
    assert {(row.status, row.attempt, row.message_id, row.finished_at) for row in rows} == {
        ("pending", 1, None, None)
    }
    frozen = (await scene.report(broadcast)).broadcast
    assert frozen.counts == DeliveryCounts(pending=3)
    assert frozen.frozen_at is not None
    assert frozen.excluded == {
        SubscriberStatus.UNSUBSCRIBED: 2,
        SubscriberStatus.BLOCKED: 1,
        SubscriberStatus.INVALID: 1,
    }


async def test_who_joins_after_the_freeze_is_not_in_the_audience(scene: Scene) -> None:
    await scene.subscribe(1)
    broadcast = await scene.start()
    await scene.subscribe(1)

    assert len(await scene.recipients(broadcast)) == 1


async def test_an_audience_is_frozen_once(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    before = (await scene.report(broadcast)).broadcast
    await scene.subscribe(1)

    assert await scene.freeze(broadcast) == 0
    assert (await scene.report(broadcast)).broadcast == before


async def test_of_two_who_freeze_at_once_one_does(scene: Scene) -> None:
    await scene.subscribe(50)
    broadcast = await scene.start(freeze=False)

    frozen = await asyncio.gather(*(scene.freeze(broadcast) for _ in range(3)))

    assert sorted(frozen) == [0, 0, 50]
    assert (await scene.report(broadcast)).broadcast.counts == DeliveryCounts(pending=50)


async def test_a_freeze_that_is_not_committed_did_not_happen(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start(freeze=False)
    async with scene.rig.reading(scene.id) as unit:
        assert await unit.deliveries.freeze(broadcast.id) == 2

    assert await scene.recipients(broadcast) == []
    assert await scene.freeze(broadcast) == 2


async def test_a_pause_during_the_freeze_wins_and_a_resume_freezes_anew(scene: Scene) -> None:
    await scene.subscribe(3)
    broadcast = await scene.start(freeze=False)
    async with scene.rig.changing(scene.id) as unit:
        locked = await unit.broadcasts.get(broadcast.id, lock=True)
        assert locked is not None
        freezing = asyncio.create_task(freeze_and_record(scene, broadcast.id))
        await asyncio.sleep(0.1)
        locked.pause(PauseReason.OPERATOR, now=scene.rig.now())
        await unit.broadcasts.save(locked)

    assert await freezing == 0
    assert await scene.recipients(broadcast) == []
    await scene.subscribe(1)
    await scene.resume(broadcast)
    assert await scene.freeze(broadcast) == 4
    await scene.report(broadcast)


async def freeze_and_record(scene: Scene, broadcast_id: BroadcastId) -> int:
    """A unit that goes on after the freeze: whatever that did, the unit is still good."""
    async with scene.rig.on_lane(scene.id) as unit:
        frozen = await unit.deliveries.freeze(broadcast_id)
        assert await unit.updates.record(1)
    return frozen


@pytest.mark.parametrize("status", [each for each in BroadcastStatus if each != "sending"])
async def test_a_broadcast_that_is_not_sending_is_not_frozen(
    scene: Scene, status: BroadcastStatus
) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start(freeze=False, status=status)

    assert await scene.freeze(broadcast) == 0
    assert await scene.recipients(broadcast) == []
    assert (await scene.report(broadcast)).broadcast == broadcast


async def test_a_broadcast_that_does_not_exist_is_not_frozen(scene: Scene) -> None:
    unknown = BroadcastId(scene.rig.ids.new())
    async with scene.rig.on_lane(scene.id) as unit:
        assert await unit.deliveries.freeze(unknown) == 0
        assert await unit.deliveries.cancel_pending(unknown) == 0
        assert not await unit.deliveries.audit_counts(unknown)
        assert [row async for row in unit.deliveries.recipients(unknown)] == []


async def test_a_broadcast_to_nobody_completes_at_once(scene: Scene) -> None:
    await scene.subscribe(1, subscribed=False)
    broadcast = await scene.start()

    report = await scene.report(broadcast)
    assert report.broadcast.status is BroadcastStatus.COMPLETED
    assert report.broadcast.finished_at is not None
    assert report.broadcast.excluded == {SubscriberStatus.UNSUBSCRIBED: 1}
    await scene.start(freeze=False)


# Cancelling


async def test_what_waits_of_a_cancelled_broadcast_is_skipped_in_batches(scene: Scene) -> None:
    await scene.subscribe(5)
    broadcast = await scene.start()
    await scene.cancel(broadcast)

    moved = [await scene.cancel_pending(broadcast, limit=2) for _ in range(4)]

    assert moved == [2, 2, 1, 0]
    report = await scene.report(broadcast)
    assert report.broadcast.status is BroadcastStatus.CANCELLED
    assert report.broadcast.counts == DeliveryCounts(skipped=5)
    assert report.broadcast.finished_at is not None
    assert await scene.statuses(broadcast) == [("skipped", "cancelled")] * 5


async def test_a_cancelled_broadcast_is_final_only_with_its_last_row(scene: Scene) -> None:
    await scene.subscribe(3)
    broadcast = await scene.start()
    await scene.cancel(broadcast)

    await scene.cancel_pending(broadcast, limit=2)
    before = (await scene.report(broadcast)).broadcast
    await scene.cancel_pending(broadcast, limit=2)
    after = (await scene.report(broadcast)).broadcast

    assert before.finished_at is None
    assert after.finished_at is not None


async def test_the_time_at_which_a_broadcast_became_final_does_not_change(scene: Scene) -> None:
    await scene.subscribe(1)
    broadcast = await scene.start()
    await scene.cancel(broadcast)
    await scene.cancel_pending(broadcast)
    first = (await scene.report(broadcast)).broadcast.finished_at
    await scene.cancel_pending(broadcast)

    assert (await scene.report(broadcast)).broadcast.finished_at == first


async def test_cancelling_leaves_outcomes_and_what_is_in_flight(scene: Scene) -> None:
    await scene.subscribe(6)
    broadcast = await scene.start()
    lease = await scene.lease()
    sent, put_back, _ = (await scene.claim(lease, room=3)).deliveries
    await scene.settle(lease, scene.sent(sent), scene.put_back(put_back, retry_in=60))
    await scene.cancel(broadcast)

    moved = await scene.cancel_pending(broadcast)

    assert moved == 4
    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(in_flight=1, sent=1, skipped=4)
    assert report.broadcast.finished_at is None


async def test_what_was_put_back_is_cancelled_within_the_limit_too(scene: Scene) -> None:
    await scene.subscribe(4)
    broadcast = await scene.start()
    lease = await scene.lease()
    claimed = (await scene.claim(lease, room=3)).deliveries
    await scene.settle(lease, *(scene.put_back(delivery) for delivery in claimed))
    await scene.cancel(broadcast)

    moved = [await scene.cancel_pending(broadcast, limit=2) for _ in range(3)]

    assert moved == [2, 2, 0]
    assert await scene.statuses(broadcast) == [("skipped", "cancelled")] * 4


async def test_a_broadcast_that_was_cancelled_before_its_freeze_becomes_final(
    scene: Scene,
) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start(freeze=False)
    await scene.cancel(broadcast)

    assert await scene.cancel_pending(broadcast) == 0
    assert (await scene.report(broadcast)).broadcast.finished_at is not None


@pytest.mark.parametrize("pause", [True, False])
async def test_only_a_cancelled_broadcasts_rows_are_skipped(scene: Scene, *, pause: bool) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    if pause:
        await scene.pause(broadcast)

    assert await scene.cancel_pending(broadcast) == 0
    assert await scene.statuses(broadcast) == [("pending", None)] * 2


# Recipients


async def test_recipients_come_by_position_with_their_outcomes(scene: Scene) -> None:
    people = await scene.subscribe(3)
    broadcast = await scene.start()
    lease = await scene.lease()
    first, second, _ = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.sent(first, message_id=4711), scene.blocked(second))
    await scene.rig.erase(scene.id, SubscriberId(people[2].id))

    rows = await scene.recipients(broadcast)

    assert [
        (row.position, row.chat_id, row.status, row.reason, row.message_id) for row in rows
    ] == [
        (1, people[0].chat_id, "sent", None, 4711),
        (2, people[1].chat_id, "failed", "blocked", None),
        (3, None, "in_flight", None, None),
    ]
    assert rows[1].detail == "Forbidden: bot was blocked by the user"


async def test_recipients_may_be_read_in_part(scene: Scene) -> None:
    await scene.subscribe(3)
    broadcast = await scene.start()
    async with scene.rig.reading(scene.id) as unit:
        recipients = unit.deliveries.recipients(broadcast.id)
        first = await anext(recipients)
        await recipients.aclose()  # type: ignore[attr-defined] # both are generators
        counts = await unit.audience.by_status()

    assert first.position == 1
    assert counts[SubscriberStatus.ACTIVE] == 3
