"""Sending again to those who, for all that is known, didn't get it."""

import msgspec
import pytest

from skua_core.domain.broadcast import Broadcast
from skua_core.domain.delivery import DeliveryCounts, DeliveryStatus
from skua_core.domain.lane import Lease
from tests.contract.rigs.scene import Scene, chats
from tests.contract.rigs.storage import StorageRig

FAILED, UNCERTAIN = DeliveryStatus.FAILED, DeliveryStatus.UNCERTAIN


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def completed(scene: Scene, lease: Lease) -> Broadcast:
    """Sent to the first and fourth, failed for the second, uncertain for the third."""
    await scene.subscribe(4)
    broadcast = await scene.start()
    first, second, third, fourth = (await scene.claim(lease)).deliveries
    await scene.settle(
        lease,
        scene.sent(first),
        msgspec.structs.replace(scene.blocked(second), reach=None),
        scene.unanswered(third),
        scene.sent(fourth),
    )
    return broadcast


async def test_only_the_outcomes_that_were_asked_for_become_pending_again(scene: Scene) -> None:
    broadcast = await completed(scene, await scene.lease())
    await scene.resend(broadcast, UNCERTAIN)

    more = await scene.resend_next(broadcast)

    rows = await scene.recipients(broadcast)
    assert not more
    assert [(row.status, row.attempt) for row in rows] == [
        ("sent", 1),
        ("failed", 1),
        ("pending", 2),
        ("sent", 1),
    ]
    assert (rows[2].reason, rows[2].detail, rows[2].finished_at) == (None, None, None)
    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(pending=1, sent=2, failed=1)
    assert (report.broadcast.status, report.broadcast.resending) == ("sending", ())
    assert report.broadcast.finished_at is None


async def test_former_outcomes_are_kept(scene: Scene) -> None:
    broadcast = await completed(scene, await scene.lease())
    await scene.resend(broadcast, FAILED, UNCERTAIN)
    await scene.resend_next(broadcast)

    kept = (await scene.rig.extras(scene.id))["former_outcomes"]

    assert kept == [(2, 1, "failed", "blocked", None), (3, 1, "uncertain", "no_answer", None)]


async def test_what_is_sent_again_is_claimed_with_its_new_attempt_and_completes_again(
    scene: Scene,
) -> None:
    lease = await scene.lease()
    broadcast = await completed(scene, lease)
    await scene.resend(broadcast, FAILED, UNCERTAIN)
    await scene.resend_next(broadcast)

    sent = await scene.send_all(lease)

    assert [delivery.attempt for delivery in sent] == [2, 2]
    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(sent=4)
    assert report.broadcast.status == "completed"
    assert report.broadcast.finished_at is not None


async def test_rows_move_a_batch_at_a_time(scene: Scene) -> None:
    broadcast = await completed(scene, await scene.lease())
    await scene.resend(broadcast, FAILED, UNCERTAIN)

    moved = []
    more = True
    while more:
        more = await scene.resend_next(broadcast, limit=2)
        moved.append((await scene.report(broadcast)).broadcast.counts.pending)

    assert moved == [1, 2]
    assert not await scene.resend_next(broadcast)


async def test_a_claim_names_what_has_still_to_be_moved(scene: Scene) -> None:
    lease = await scene.lease()
    broadcast = await completed(scene, lease)
    before = await scene.claim(lease)
    await scene.resend(broadcast, FAILED, UNCERTAIN)

    during = await scene.claim(lease)
    await scene.resend_next(broadcast, limit=2)
    halfway = await scene.claim(lease)
    await scene.resend_next(broadcast)
    after = await scene.claim(lease)

    named = [claim.to_resend for claim in (before, during, halfway, after)]
    assert named == [None, broadcast.id, broadcast.id, None]


async def test_nothing_completes_while_rows_are_still_to_be_moved(scene: Scene) -> None:
    lease = await scene.lease()
    broadcast = await completed(scene, lease)
    await scene.resend(broadcast, FAILED, UNCERTAIN)
    untouched = await scene.claim(lease)
    await scene.resend_next(broadcast, limit=2)

    await scene.send_all(lease)
    halfway = (await scene.report(broadcast)).broadcast
    await scene.resend_next(broadcast)
    await scene.send_all(lease)
    over = (await scene.report(broadcast)).broadcast

    assert untouched.deliveries == ()
    assert (halfway.status, halfway.finished_at) == ("sending", None)
    assert (over.status, over.counts) == ("completed", DeliveryCounts(sent=4))


async def test_a_takeover_completes_nothing_while_rows_are_still_to_be_moved(scene: Scene) -> None:
    lease = await scene.lease()
    broadcast = await completed(scene, lease)
    await scene.resend(broadcast, FAILED, UNCERTAIN)
    await scene.resend_next(broadcast, limit=2)
    await scene.claim(lease)

    await scene.take_over()

    during = (await scene.report(broadcast)).broadcast
    assert (during.status, during.counts.uncertain) == ("sending", 2)
    await scene.resend_next(broadcast)
    assert (await scene.report(broadcast)).broadcast.counts == DeliveryCounts(
        pending=1, sent=2, uncertain=1
    )


async def test_a_late_answer_settles_an_uncertain_row_before_it_is_moved(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.unanswered(delivery))
    await scene.resend(broadcast, UNCERTAIN)

    await scene.settle(lease, scene.sent(delivery))
    settled = (await scene.report(broadcast)).broadcast
    await scene.resend_next(broadcast)
    over = (await scene.report(broadcast)).broadcast

    assert settled.status == "sending"
    assert (over.status, over.counts) == ("completed", DeliveryCounts(sent=1))
    assert over.finished_at is not None


async def test_a_late_ok_settles_a_row_that_was_made_pending_again(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.unanswered(delivery))
    await scene.resend(broadcast, UNCERTAIN)
    await scene.resend_next(broadcast)

    await scene.settle(lease, scene.sent(delivery, message_id=5))

    (row,) = await scene.recipients(broadcast)
    assert (row.status, row.message_id) == ("sent", 5)
    assert (await scene.claim(lease)).deliveries == ()
    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(sent=1)
    assert report.broadcast.status == "completed"


async def test_a_late_ok_counts_after_a_takeover_too(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease("worker:1")
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.take_over("worker:2")
    await scene.settle(lease, scene.unanswered(delivery))
    await scene.claim(await scene.take_over("worker:3"))
    await scene.resend(broadcast, UNCERTAIN)
    await scene.resend_next(broadcast)

    await scene.settle(lease, scene.sent(delivery))

    assert await scene.statuses(broadcast) == [("sent", None)]


async def test_a_late_no_says_nothing_about_the_new_attempt(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.unanswered(delivery))
    await scene.resend(broadcast, UNCERTAIN)
    await scene.resend_next(broadcast)

    await scene.settle(lease, scene.blocked(delivery))

    assert await scene.statuses(broadcast) == [("pending", None)]


async def test_a_late_ok_says_nothing_about_an_attempt_that_is_in_flight(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.unanswered(delivery))
    await scene.resend(broadcast, UNCERTAIN)
    await scene.resend_next(broadcast)
    await scene.claim(lease)

    await scene.settle(lease, scene.sent(delivery))

    assert await scene.statuses(broadcast) == [("in_flight", None)]


async def test_a_paused_resend_goes_on_when_it_is_resumed(scene: Scene) -> None:
    lease = await scene.lease()
    broadcast = await completed(scene, lease)
    await scene.resend(broadcast, FAILED, UNCERTAIN)
    await scene.resend_next(broadcast, limit=2)
    await scene.pause(broadcast)
    paused = await scene.claim(lease)
    await scene.resume(broadcast)

    resumed = await scene.claim(lease)

    assert (paused.deliveries, paused.to_resend) == ((), None)
    assert resumed.to_resend == broadcast.id
    assert len(resumed.deliveries) == 1


async def test_a_cancelled_resend_moves_nothing_more_and_becomes_final(scene: Scene) -> None:
    broadcast = await completed(scene, await scene.lease())
    await scene.resend(broadcast, FAILED, UNCERTAIN)
    await scene.resend_next(broadcast, limit=2)
    await scene.cancel(broadcast)

    assert not await scene.resend_next(broadcast)
    assert await scene.cancel_pending(broadcast) == 1

    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(sent=2, skipped=1, uncertain=1)
    assert report.broadcast.finished_at is not None


async def test_what_was_refused_stays_behind_what_is_sent_again(scene: Scene) -> None:
    lease = await scene.lease()
    broadcast = await completed(scene, lease)
    people = {row.position: row.chat_id for row in await scene.recipients(broadcast)}
    await scene.resend(broadcast, FAILED, UNCERTAIN)
    await scene.resend_next(broadcast, limit=2)
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.refused(delivery))

    meanwhile = await scene.claim(lease)
    await scene.resend_next(broadcast)
    first = await scene.claim(lease)
    second = await scene.claim(lease)

    assert meanwhile.deliveries == ()
    assert [chats(first), chats(second)] == [[people[3]], [people[2]]]


async def test_nothing_is_moved_of_a_broadcast_that_nobody_resends(scene: Scene) -> None:
    broadcast = await completed(scene, await scene.lease())

    assert not await scene.resend_next(broadcast)
    assert not await scene.resend_next(scene.draft(await scene.compose()))

    assert (await scene.report(broadcast)).broadcast.status == "completed"


async def test_what_was_sent_again_can_be_sent_again(scene: Scene) -> None:
    lease = await scene.lease()
    broadcast = await completed(scene, lease)
    for _ in range(2):
        await scene.resend(broadcast, UNCERTAIN)
        await scene.resend_next(broadcast)
        (delivery,) = (await scene.claim(lease)).deliveries
        await scene.settle(lease, scene.unanswered(delivery))

    kept = (await scene.rig.extras(scene.id))["former_outcomes"]
    assert [attempt for _, attempt, *_ in kept] == [1, 2]
    assert (await scene.recipients(broadcast))[2].attempt == 3


async def test_former_outcomes_go_with_their_bot(scene: Scene) -> None:
    broadcast = await completed(scene, await scene.lease())
    await scene.resend(broadcast, FAILED)
    await scene.resend_next(broadcast)
    before = (await scene.rig.extras(scene.id))["former_outcomes"]

    async with scene.rig.changing(scene.id) as unit:
        await unit.bot.remove()

    assert len(before) == 1
    assert (await scene.rig.extras(scene.id))["former_outcomes"] == []
