"""What isn't sent any more: to people who left meanwhile, and too late."""

import pytest

from skua_core.domain.delivery import DeliveryCounts, DeliveryKind
from skua_core.domain.subscriber import Reach
from tests.contract.rigs.scene import Scene, chats
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subscribed": False}, "unsubscribed"),
        ({"reach": Reach.BLOCKED}, "unreachable"),
        ({"reach": Reach.DEACTIVATED}, "unreachable"),
        ({"reach": Reach.INVALID, "subscribed": False}, "unreachable"),
    ],
)
async def test_who_left_after_the_freeze_is_skipped(
    scene: Scene, change: dict[str, object], reason: str
) -> None:
    ana, ben = await scene.subscribe(2)
    broadcast = await scene.start()
    await scene.change(ana, **change)

    claim = await scene.claim(await scene.lease())

    assert chats(claim) == [ben.chat_id]
    assert await scene.statuses(broadcast) == [("skipped", reason), ("in_flight", None)]


async def test_who_was_erased_after_the_freeze_is_skipped(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    await scene.rig.erase(scene.id, ana.id)

    claim = await scene.claim(await scene.lease())

    assert claim.deliveries == ()
    assert await scene.statuses(broadcast) == [("skipped", "erased")]


async def test_who_left_while_a_delivery_was_put_back_is_skipped(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(delivery))
    await scene.unsubscribe(ana)
    await scene.rig.let_pass(0.1)

    claim = await scene.claim(lease)

    assert claim.deliveries == ()
    assert await scene.statuses(broadcast) == [("skipped", "unsubscribed")]


@pytest.mark.parametrize(
    ("kind", "change", "leaves"),
    [
        (DeliveryKind.REPLY, {"subscribed": False}, True),
        (DeliveryKind.TEST, {"subscribed": False}, False),
        (DeliveryKind.AUTO_MESSAGE, {"subscribed": False}, False),
        (DeliveryKind.REPLY, {"reach": Reach.BLOCKED}, False),
        (DeliveryKind.AUTO_MESSAGE, {"reach": Reach.BLOCKED}, False),
    ],
)
async def test_unsubscribed_people_get_replies_only_and_blockers_get_nothing(
    scene: Scene, kind: DeliveryKind, change: dict[str, object], *, leaves: bool
) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana, kind)
    await scene.change(ana, **change)
    lease = await scene.lease()

    claim = await scene.claim(lease)

    assert len(claim.deliveries) == leaves
    assert (await scene.claim(lease)).deliveries == ()


async def test_a_reply_that_is_too_late_is_dropped_even_if_its_subscriber_comes_back(
    scene: Scene,
) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana, lifetime=600)
    await scene.rig.let_pass(601)

    claim = await scene.claim(await scene.lease())

    assert (claim.deliveries, claim.next_due_in) == ((), None)


async def test_a_broadcast_never_expires(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    await scene.rig.let_pass(90 * 86_400)

    assert len((await scene.claim(await scene.lease())).deliveries) == 1


async def test_a_claim_that_skips_the_last_rows_completes_the_broadcast(scene: Scene) -> None:
    people = await scene.subscribe(3)
    broadcast = await scene.start()
    for person in people:
        await scene.unsubscribe(person)

    await scene.claim(await scene.lease())

    report = await scene.report(broadcast)
    assert report.broadcast.status == "completed"
    assert report.broadcast.finished_at is not None
    assert report.broadcast.counts == DeliveryCounts(skipped=3)


async def test_a_broadcast_with_rows_in_flight_is_not_completed_by_a_claim(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    await scene.claim(lease)
    await scene.claim(lease)

    report = await scene.report(broadcast)
    assert report.broadcast.status == "sending"
    assert report.broadcast.finished_at is None
