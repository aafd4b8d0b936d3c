"""What an outcome does to its row, its broadcast and its subscriber."""

from datetime import timedelta

import msgspec
import pytest

from skua_core.domain.delivery import DeliveryCounts, DeliveryStatus, Reason
from skua_core.domain.subscriber import Reach
from skua_core.ids import ChatId
from tests.contract.rigs.scene import Scene, chats
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def test_outcomes_are_recorded_with_their_reasons_and_counted(scene: Scene) -> None:
    await scene.subscribe(4)
    broadcast = await scene.start()
    lease = await scene.lease()
    sent, failed, unsure, waiting = (await scene.claim(lease)).deliveries

    await scene.settle(
        lease,
        scene.sent(sent, message_id=4711),
        scene.blocked(failed),
        scene.unanswered(unsure),
        scene.put_back(waiting, retry_in=60),
    )

    rows = await scene.recipients(broadcast)
    assert [(row.status, row.reason) for row in rows] == [
        ("sent", None),
        ("failed", "blocked"),
        ("uncertain", "no_answer"),
        ("pending", None),
    ]
    assert rows[0].message_id == 4711
    assert rows[1].detail == "Forbidden: bot was blocked by the user"
    assert [row.finished_at is not None for row in rows] == [True, True, True, False]
    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(pending=1, sent=1, failed=1, uncertain=1)
    assert report.reasons == {Reason.BLOCKED: 1, Reason.NO_ANSWER: 1}


async def test_recording_twice_counts_once(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    first, _ = (await scene.claim(lease)).deliveries

    await scene.settle(lease, scene.sent(first))
    await scene.settle(lease, scene.sent(first, message_id=99))
    await scene.settle(lease, scene.blocked(first))

    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(in_flight=1, sent=1)
    assert (await scene.recipients(broadcast))[0].message_id == 77


async def test_an_outcome_of_another_attempt_is_passed_over(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries

    await scene.settle(lease, msgspec.structs.replace(scene.sent(delivery), attempt=2))

    assert await scene.statuses(broadcast) == [("in_flight", None)]


async def test_an_outcome_of_an_unknown_row_is_passed_over(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    unknown = msgspec.structs.replace(delivery.key, position=12)

    await scene.settle(
        lease, msgspec.structs.replace(scene.sent(delivery), key=unknown), scene.sent(delivery)
    )

    assert await scene.statuses(broadcast) == [("sent", None)]


async def test_recording_nothing_is_allowed(scene: Scene) -> None:
    await scene.settle(await scene.lease())


async def test_the_last_outcome_completes_the_broadcast(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    first, second = (await scene.claim(lease)).deliveries

    await scene.settle(lease, scene.sent(first))
    before = (await scene.report(broadcast)).broadcast
    await scene.settle(lease, scene.sent(second))
    after = (await scene.report(broadcast)).broadcast

    assert (before.status, before.finished_at) == ("sending", None)
    assert after.status == "completed"
    assert after.finished_at is not None


async def test_the_last_outcome_of_a_paused_broadcast_leaves_it_paused_until_it_is_resumed(
    scene: Scene,
) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.pause(broadcast)

    await scene.settle(lease, scene.sent(delivery))
    paused = (await scene.report(broadcast)).broadcast
    await scene.resume(broadcast)
    await scene.claim(lease)
    resumed = (await scene.report(broadcast)).broadcast

    assert (paused.status, paused.finished_at) == ("paused", None)
    assert (resumed.status, resumed.counts) == ("completed", DeliveryCounts(sent=1))


async def test_the_last_outcome_of_a_cancelled_broadcast_makes_it_final(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease, room=1)).deliveries
    await scene.cancel(broadcast)
    await scene.cancel_pending(broadcast)
    before = (await scene.report(broadcast)).broadcast

    await scene.settle(lease, scene.sent(delivery))

    after = (await scene.report(broadcast)).broadcast
    assert before.finished_at is None
    assert after.finished_at is not None
    assert (after.status, after.counts) == ("cancelled", DeliveryCounts(sent=1, skipped=1))


async def test_what_comes_back_to_a_cancelled_broadcast_is_skipped(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.cancel(broadcast)

    await scene.settle(lease, scene.put_back(delivery))

    assert await scene.statuses(broadcast) == [("skipped", "cancelled")]
    assert (await scene.report(broadcast)).broadcast.finished_at is not None


async def test_replies_are_recorded_too(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana)
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries

    await scene.settle(lease, scene.sent(delivery))

    assert list(await scene.in_flight(lease)) == []
    assert (await scene.claim(lease)).deliveries == ()


# Late


async def test_a_late_answer_settles_what_had_become_uncertain(scene: Scene) -> None:
    await scene.subscribe(3)
    broadcast = await scene.start()
    lease = await scene.lease("worker:1")
    arrived, refused, unknown = (await scene.claim(lease)).deliveries
    await scene.take_over("worker:2")

    await scene.settle(
        lease, scene.sent(arrived), scene.blocked(refused), scene.unanswered(unknown)
    )

    assert await scene.statuses(broadcast) == [
        ("sent", None),
        ("failed", "blocked"),
        ("uncertain", "lane_taken_over"),
    ]
    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(sent=1, failed=1, uncertain=1)


async def test_a_late_answer_after_no_answer_counts_under_the_same_lease(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries

    await scene.settle(lease, scene.unanswered(delivery))
    await scene.settle(lease, scene.sent(delivery, message_id=5))

    (row,) = await scene.recipients(broadcast)
    assert (row.status, row.reason, row.message_id) == ("sent", None, 5)


async def test_what_is_uncertain_is_never_put_back(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease("worker:1")
    lost, unsure = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.unanswered(unsure))
    await scene.settle(lease, scene.put_back(unsure))
    second = await scene.take_over("worker:2")

    await scene.settle(lease, scene.put_back(lost))
    await scene.settle(second, scene.put_back(lost))

    assert [status for status, _ in await scene.statuses(broadcast)] == ["uncertain"] * 2


async def test_a_lost_lease_settles_nothing_that_the_next_one_has_in_flight(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    first = await scene.lease("worker:1")
    (delivery,) = (await scene.claim(first)).deliveries
    await scene.settle(first, scene.put_back(delivery))
    second = await scene.take_over("worker:2")
    (again,) = (await scene.claim(second)).deliveries

    await scene.settle(first, scene.sent(delivery))

    assert again == delivery
    assert await scene.statuses(broadcast) == [("in_flight", None)]


# What is learned of a subscriber


async def test_a_refusal_changes_the_subscriber(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.rig.let_pass(5)

    await scene.settle(lease, scene.blocked(delivery))

    stored = await scene.subscriber(ana.id)
    assert stored is not None
    assert stored.reach is Reach.BLOCKED


async def test_a_refusal_does_not_overwrite_a_newer_unblock(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    unblocked_at = scene.rig.now().replace(microsecond=0) + timedelta(seconds=10)
    await scene.change(ana, reach_changed_at=unblocked_at)
    same_second = unblocked_at + timedelta(milliseconds=300)

    await scene.settle(lease, scene.blocked(delivery, started_at=same_second))

    stored = await scene.subscriber(ana.id)
    assert stored is not None
    assert stored.reach is Reach.REACHABLE


async def test_a_passed_over_refusal_teaches_nothing(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.sent(delivery))
    await scene.rig.let_pass(5)

    await scene.settle(lease, scene.blocked(delivery))

    stored = await scene.subscriber(ana.id)
    assert stored is not None
    assert stored.reach is Reach.REACHABLE


# Chats that move


async def test_a_delivery_follows_its_chat_to_the_new_id(scene: Scene) -> None:
    (group,) = await scene.subscribe(chat_id=-500)
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(delivery, new_chat_id=ChatId(-1_000_500)))
    await scene.rig.let_pass(0.1)

    (again,) = (await scene.claim(lease)).deliveries

    assert (delivery.migrated, again.migrated) == (False, True)
    assert (again.chat_id, again.subscriber_id) == (-1_000_500, group.id)
    assert await scene.statuses(broadcast) == [("in_flight", None)]


async def test_of_two_chats_that_are_one_only_one_gets_the_broadcast(scene: Scene) -> None:
    (old,) = await scene.subscribe(chat_id=-500)
    (new,) = await scene.subscribe(chat_id=-1_000_500)
    broadcast = await scene.start()
    lease = await scene.lease()
    first = (await scene.claim(lease)).deliveries
    moved = next(delivery for delivery in first if delivery.chat_id == -500)

    await scene.settle(lease, scene.put_back(moved, new_chat_id=ChatId(-1_000_500)))

    assert await scene.statuses(broadcast) == [("skipped", "duplicate"), ("in_flight", None)]
    assert await scene.subscriber(old.id) is None
    assert await scene.subscriber(new.id) is not None
    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(in_flight=1, skipped=1)


async def test_a_delivery_moves_to_a_subscriber_who_was_not_in_the_audience(scene: Scene) -> None:
    await scene.subscribe(chat_id=-500)
    await scene.start()
    (new,) = await scene.subscribe(chat_id=-1_000_500)
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries

    await scene.settle(lease, scene.put_back(delivery, new_chat_id=ChatId(-1_000_500)))
    await scene.rig.let_pass(0.1)
    claim = await scene.claim(lease)

    assert chats(claim) == [-1_000_500]
    assert claim.deliveries[0].subscriber_id == new.id


async def test_a_duplicate_that_was_the_last_row_completes_the_broadcast(scene: Scene) -> None:
    await scene.subscribe(chat_id=-500)
    await scene.subscribe(chat_id=-1_000_500)
    broadcast = await scene.start()
    lease = await scene.lease()
    moved, other = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.sent(other))

    await scene.settle(lease, scene.put_back(moved, new_chat_id=ChatId(-1_000_500)))

    assert (await scene.report(broadcast)).broadcast.status == "completed"


async def test_a_subscriber_who_was_erased_meanwhile_still_gets_an_outcome(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.rig.erase(scene.id, ana.id)

    await scene.settle(lease, scene.blocked(delivery))

    (row,) = await scene.recipients(broadcast)
    assert (row.status, row.chat_id) == (DeliveryStatus.FAILED, None)
