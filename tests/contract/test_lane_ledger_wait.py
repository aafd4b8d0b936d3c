"""What has to wait before it is claimed: one message at a time to a chat, and what was put back."""

import pytest

from skua_core.domain.delivery import DeliveryKind
from tests.contract.rigs.scene import Scene, chats
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


# One at a time per chat


async def test_a_reply_waits_while_its_chat_is_busy_and_holds_up_nobody_else(scene: Scene) -> None:
    ana, ben = await scene.subscribe(2)
    await scene.enqueue(ana)
    await scene.enqueue(ben)
    lease = await scene.lease()

    busy = await scene.claim(lease, busy=[ana.chat_id])
    free = await scene.claim(lease)

    assert (chats(busy), busy.more) == ([ben.chat_id], False)
    assert chats(free) == [ana.chat_id]


async def test_busy_chats_do_not_use_up_the_room_of_replies(scene: Scene) -> None:
    people = await scene.subscribe(6)
    for person in people:
        await scene.enqueue(person)
    busy = [person.chat_id for person in people[:4]]

    claim = await scene.claim(await scene.lease(), room=2, busy=busy)

    assert chats(claim) == [people[4].chat_id, people[5].chat_id]


async def test_two_replies_to_one_chat_leave_one_after_the_other(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    keys = [await scene.enqueue(ana), await scene.enqueue(ana)]
    lease = await scene.lease()

    first = await scene.claim(lease)
    second = await scene.claim(lease)

    assert [delivery.key for delivery in first.deliveries] == keys[:1]
    assert [delivery.key for delivery in second.deliveries] == keys[1:]


async def test_a_broadcast_goes_on_past_a_busy_chat_and_comes_back_to_it(scene: Scene) -> None:
    ana, ben = await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()

    first = await scene.claim(lease, busy=[ana.chat_id])
    at_once = await scene.claim(lease)
    await scene.rig.let_pass(1.1)
    later = await scene.claim(lease)

    assert chats(first) == [ben.chat_id]
    assert chats(at_once) == []
    assert at_once.next_due_in == pytest.approx(1, abs=0.2)
    assert chats(later) == [ana.chat_id]
    assert await scene.statuses(broadcast) == [("in_flight", None)] * 2


async def test_one_claim_takes_no_second_message_to_a_chat(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    await scene.enqueue(ana)

    claim = await scene.claim(await scene.lease())

    assert [delivery.kind for delivery in claim.deliveries] == [DeliveryKind.REPLY]
    assert await scene.statuses(broadcast) == [("pending", None)]


# Put back


async def test_what_was_put_back_is_claimed_when_it_comes_due(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(delivery, retry_in=30))

    early = await scene.claim(lease)
    await scene.rig.let_pass(31)
    due = await scene.claim(lease)

    assert (early.deliveries, early.more) == ((), False)
    assert early.next_due_in == pytest.approx(30, abs=1)
    assert due.deliveries == (delivery,)
    assert due.next_due_in is None


async def test_a_reply_that_was_put_back_tells_when_it_comes_due(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana)
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(delivery, retry_in=5))

    claim = await scene.claim(lease)

    assert claim.deliveries == ()
    assert claim.next_due_in == pytest.approx(5, abs=1)


async def test_what_was_put_back_of_a_paused_broadcast_is_not_awaited(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(delivery, retry_in=5))
    await scene.pause(broadcast)

    assert (await scene.claim(lease)).next_due_in is None


async def test_what_was_put_back_leaves_ahead_of_new_rows_without_starving_them(
    scene: Scene,
) -> None:
    people = await scene.subscribe(8)
    await scene.start()
    lease = await scene.lease()
    first = await scene.claim(lease, room=4)
    await scene.settle(lease, *(scene.put_back(delivery) for delivery in first.deliveries))
    await scene.rig.let_pass(0.1)

    second = await scene.claim(lease, room=4)

    assert chats(second)[0] in {person.chat_id for person in people[:4]}
    assert set(chats(second)) & {person.chat_id for person in people[4:]}
    assert len(second.deliveries) == 4
    assert second.more
