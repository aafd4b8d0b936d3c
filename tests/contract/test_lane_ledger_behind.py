"""What Telegram refused for its content waits until everybody else has had their turn."""

import pytest

from skua_core.domain.delivery import DeliveryCounts, DeliveryStatus, Reason
from skua_core.domain.lane import Lease
from tests.contract.rigs.scene import Scene, chats
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def refuse_first(scene: Scene, lease: Lease) -> None:
    (delivery,) = (await scene.claim(lease, room=1)).deliveries
    await scene.settle(lease, scene.refused(delivery))


async def test_what_was_refused_leaves_behind_all_the_rest(scene: Scene) -> None:
    people = await scene.subscribe(5)
    await scene.start()
    lease = await scene.lease()
    await refuse_first(scene, lease)

    claims = [await scene.claim(lease, room=2) for _ in range(3)]

    assert [chats(claim) for claim in claims] == [
        [people[1].chat_id, people[2].chat_id],
        [people[3].chat_id, people[4].chat_id],
        [people[0].chat_id],
    ]
    assert [claim.deliveries[0].refused for claim in claims] == [False, False, True]


async def test_a_chat_that_was_not_found_is_known_when_its_turn_comes_again(scene: Scene) -> None:
    await scene.subscribe(1)
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    not_found = scene.put_back(delivery, behind=True, reason=Reason.CHAT_NOT_FOUND)
    await scene.settle(lease, not_found)

    (waiting,) = await scene.recipients(broadcast)
    (again,) = (await scene.claim(lease)).deliveries

    assert (waiting.status, waiting.reason) == ("pending", "chat_not_found")
    assert again.refused


async def test_it_keeps_telegrams_words_while_it_waits_and_while_it_leaves(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    await refuse_first(scene, lease)

    (waiting, _) = await scene.recipients(broadcast)
    await scene.send_all(lease)
    (sent, _) = await scene.recipients(broadcast)

    assert (waiting.status, waiting.reason) == ("pending", "content")
    assert waiting.detail == "Bad Request: can't parse entities"
    assert (sent.status, sent.reason, sent.detail) == ("sent", None, None)
    assert (await scene.report(broadcast)).reasons == {}


async def test_a_waiting_refusal_is_no_outcome_in_the_report(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    await refuse_first(scene, lease)

    report = await scene.report(broadcast)

    assert report.reasons == {}
    assert report.broadcast.counts == DeliveryCounts(pending=2)


async def test_it_waits_for_what_comes_due_later_too(scene: Scene) -> None:
    people = await scene.subscribe(2)
    await scene.start()
    lease = await scene.lease()
    refused, later = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.refused(refused), scene.put_back(later, retry_in=60))

    early = await scene.claim(lease)
    await scene.rig.let_pass(61)
    due = await scene.claim(lease)
    last = await scene.claim(lease)

    assert (early.deliveries, early.more) == ((), False)
    assert early.next_due_in == pytest.approx(60, abs=5)
    assert chats(due) == [people[1].chat_id]
    assert chats(last) == [people[0].chat_id]


async def test_it_does_not_wait_for_answers_of_others(scene: Scene) -> None:
    people = await scene.subscribe(2)
    await scene.start()
    lease = await scene.lease()
    await refuse_first(scene, lease)

    others = await scene.claim(lease)
    last = await scene.claim(lease)

    assert chats(others) == [people[1].chat_id]
    assert others.more or others.next_due_in == 0
    assert chats(last) == [people[0].chat_id]


async def test_what_waits_behind_the_rest_keeps_the_broadcast_open(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    await refuse_first(scene, lease)
    (other,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.sent(other))

    assert (await scene.report(broadcast)).broadcast.status == "sending"

    (last,) = (await scene.claim(lease)).deliveries
    await scene.settle(
        lease, scene.outcome(last, DeliveryStatus.FAILED, reason=Reason.CONTENT, detail="Bad")
    )
    report = await scene.report(broadcast)
    assert report.broadcast.status == "completed"
    assert report.reasons == {Reason.CONTENT: 1}


async def test_a_put_back_of_something_else_leaves_it_refused(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    lease = await scene.lease()
    await refuse_first(scene, lease)
    (again,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(again))
    await scene.rig.let_pass(0.1)

    (third,) = (await scene.claim(lease)).deliveries

    assert (again.refused, third.refused) == (True, True)
    assert [each.refused for each in await scene.in_flight(lease)] == [True]


async def test_another_revision_was_not_refused(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    await refuse_first(scene, lease)
    await scene.pause(broadcast)
    await scene.resume(broadcast, revision=2)

    (again,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(again))
    await scene.rig.let_pass(0.1)
    (third,) = (await scene.claim(lease)).deliveries

    assert (again.revision, again.refused) == (2, False)
    assert (third.revision, third.refused) == (2, False)


async def test_a_busy_chat_does_not_make_a_refusal_be_of_a_newer_revision(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    await refuse_first(scene, lease)
    await scene.pause(broadcast)
    await scene.resume(broadcast, revision=2)

    busy = await scene.claim(lease, busy=[ana.chat_id])
    (again,) = (await scene.claim(lease)).deliveries

    assert busy.deliveries == ()
    assert not again.refused


async def test_a_reply_that_was_refused_comes_again_and_says_so(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana)
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.refused(delivery, behind=False, retry_in=1))

    early = await scene.claim(lease)
    await scene.rig.let_pass(1.1)
    (again,) = (await scene.claim(lease)).deliveries

    assert early.next_due_in == pytest.approx(1, abs=0.8)
    assert (delivery.refused, again.refused) == (False, True)


async def test_a_reply_is_never_behind_a_broadcast(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana)
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries

    await scene.settle(lease, scene.refused(delivery))
    await scene.rig.let_pass(0.1)

    assert len((await scene.claim(lease)).deliveries) == 1


async def test_what_waits_behind_the_rest_is_cancelled_with_it(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    await refuse_first(scene, lease)
    await scene.cancel(broadcast)

    assert await scene.cancel_pending(broadcast) == 2

    rows = await scene.recipients(broadcast)
    assert [(row.status, row.reason, row.detail) for row in rows] == [
        ("skipped", "cancelled", None)
    ] * 2
    assert (await scene.report(broadcast)).broadcast.finished_at is not None


async def test_a_refusal_that_comes_back_to_a_cancelled_broadcast_is_skipped(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.cancel(broadcast)

    await scene.settle(lease, scene.refused(delivery))

    (row,) = await scene.recipients(broadcast)
    assert (row.status, row.reason, row.detail) == ("skipped", "cancelled", None)


async def test_who_left_while_waiting_behind_the_rest_is_skipped(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    await refuse_first(scene, lease)
    await scene.unsubscribe(ana)

    claim = await scene.claim(lease)

    assert claim.deliveries == ()
    (row,) = await scene.recipients(broadcast)
    assert (row.status, row.reason, row.detail) == ("skipped", "unsubscribed", None)
    assert (await scene.report(broadcast)).broadcast.status == "completed"


async def test_a_takeover_forgets_the_refusal_of_what_it_makes_uncertain(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    await refuse_first(scene, lease)
    await scene.claim(lease)

    await scene.take_over()

    (row,) = await scene.recipients(broadcast)
    assert (row.status, row.reason, row.detail) == ("uncertain", "lane_taken_over", None)


async def test_many_behind_the_rest_leave_with_all_the_room(scene: Scene) -> None:
    people = await scene.subscribe(4)
    await scene.start()
    lease = await scene.lease()
    first = (await scene.claim(lease)).deliveries
    await scene.settle(lease, *(scene.refused(delivery) for delivery in first))

    claim = await scene.claim(lease, room=3)

    assert len(claim.deliveries) == 3
    assert claim.more or claim.next_due_in == 0
    assert set(chats(claim)) < {person.chat_id for person in people}
