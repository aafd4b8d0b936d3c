"""Chats that have to wait longer than the lane: groups, and whoever Telegram asks to."""

import pytest

from skua_core.domain.delivery import DeliveryKind
from skua_core.domain.lane import GROUP_SPACING
from skua_core.domain.subscriber import ChatKind
from tests.contract.rigs.scene import Scene, chats
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def test_a_group_gets_its_next_message_only_after_its_spacing(scene: Scene) -> None:
    (group,) = await scene.subscribe(chat_id=-7, kind=ChatKind.GROUP)
    keys = [await scene.enqueue(group) for _ in range(3)]
    lease = await scene.lease()

    first = await scene.claim(lease)
    early = await scene.claim(lease)
    await scene.rig.let_pass(GROUP_SPACING + 0.1)
    second = await scene.claim(lease)
    await scene.claim(lease)
    await scene.rig.let_pass(GROUP_SPACING + 0.1)
    third = await scene.claim(lease)

    assert early.deliveries == ()
    assert [claim.deliveries[0].key for claim in (first, second, third)] == keys


async def test_a_waiting_group_is_awaited_and_not_looked_at_before(scene: Scene) -> None:
    (group,) = await scene.subscribe(chat_id=-7, kind=ChatKind.GROUP)
    for _ in range(3):
        await scene.enqueue(group)
    lease = await scene.lease()

    await scene.claim(lease)
    await scene.claim(lease)
    claim = await scene.claim(lease)

    assert (claim.deliveries, claim.more) == ((), False)
    assert claim.next_due_in is not None
    assert 0 < claim.next_due_in <= GROUP_SPACING


async def test_a_person_waits_for_no_spacing(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    for _ in range(2):
        await scene.enqueue(ana)
    lease = await scene.lease()

    claims = [await scene.claim(lease) for _ in range(2)]

    assert [len(claim.deliveries) for claim in claims] == [1, 1]


async def test_a_waiting_group_takes_nobodys_room(scene: Scene) -> None:
    (group,) = await scene.subscribe(chat_id=-7, kind=ChatKind.GROUP)
    people = await scene.subscribe(2)
    lease = await scene.lease()
    await scene.enqueue(group)
    await scene.claim(lease)
    for subscriber in (group, group, *people):
        await scene.enqueue(subscriber)

    claim = await scene.claim(lease, room=2)

    assert chats(claim) == [person.chat_id for person in people]


async def test_a_broadcast_goes_past_a_waiting_group_and_comes_back_to_it(scene: Scene) -> None:
    (group,) = await scene.subscribe(chat_id=-7, kind=ChatKind.GROUP)
    (ana,) = await scene.subscribe()
    lease = await scene.lease()
    await scene.enqueue(group)
    await scene.claim(lease)
    broadcast = await scene.start()

    first = await scene.claim(lease)
    second = await scene.claim(lease)
    await scene.rig.let_pass(GROUP_SPACING + 0.1)
    later = await scene.claim(lease)

    assert chats(first) == [ana.chat_id]
    assert second.deliveries == ()
    assert second.next_due_in is not None
    assert 0 < second.next_due_in <= GROUP_SPACING
    assert chats(later) == [-7]
    assert await scene.statuses(broadcast) == [("in_flight", None)] * 2


async def test_a_broadcast_makes_its_groups_wait_for_replies(scene: Scene) -> None:
    (group,) = await scene.subscribe(chat_id=-7, kind=ChatKind.GROUP)
    await scene.start()
    lease = await scene.lease()
    await scene.claim(lease)
    await scene.enqueue(group)

    early = await scene.claim(lease)
    await scene.rig.let_pass(GROUP_SPACING + 0.1)
    later = await scene.claim(lease)

    assert early.deliveries == ()
    assert [delivery.kind for delivery in later.deliveries] == [DeliveryKind.REPLY]


async def test_what_expires_while_its_group_waits_is_skipped(scene: Scene) -> None:
    (group,) = await scene.subscribe(chat_id=-7, kind=ChatKind.GROUP)
    lease = await scene.lease()
    await scene.enqueue(group)
    await scene.claim(lease)
    await scene.enqueue(group, lifetime=1)
    await scene.claim(lease)
    await scene.rig.let_pass(GROUP_SPACING + 0.1)

    claim = await scene.claim(lease)

    assert claim.deliveries == ()
    assert (await scene.claim(lease)).next_due_in is None


# What Telegram asks of one chat


async def test_a_chat_that_has_to_wait_gets_nothing_meanwhile(scene: Scene) -> None:
    ana, ben = await scene.subscribe(2)
    await scene.enqueue(ana)
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(delivery, retry_in=30, chat_wait=30))
    broadcast = await scene.start()
    await scene.enqueue(ana)

    during = await scene.claim(lease)
    nothing_else = await scene.claim(lease)
    await scene.rig.let_pass(31)
    after = await scene.claim(lease)

    assert chats(during) == [ben.chat_id]
    assert nothing_else.next_due_in == pytest.approx(30, abs=5)
    assert chats(after) == [ana.chat_id]
    assert after.deliveries[0].key == delivery.key
    assert await scene.statuses(broadcast) == [("pending", None), ("in_flight", None)]


async def test_a_shorter_wait_never_shortens_a_longer_one(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    for _ in range(2):
        await scene.enqueue(ana)
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(
        lease,
        scene.put_back(delivery, retry_in=60, chat_wait=60),
        scene.put_back(delivery, retry_in=2, chat_wait=2),
    )
    await scene.settle(lease, scene.put_back(delivery, retry_in=1, chat_wait=1))
    await scene.claim(lease)
    await scene.rig.let_pass(10)

    claim = await scene.claim(lease)

    assert claim.deliveries == ()
    assert claim.next_due_in == pytest.approx(50, abs=5)


async def test_a_chat_has_to_wait_whoever_heard_of_it(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana)
    await scene.enqueue(ana)
    first = await scene.lease("worker:1")
    (delivery,) = (await scene.claim(first)).deliveries
    second = await scene.take_over("worker:2")

    await scene.settle(first, scene.put_back(delivery, retry_in=30, chat_wait=30))

    assert (await scene.claim(second)).deliveries == ()
