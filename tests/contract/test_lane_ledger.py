"""Who holds a lane, and what a lease is worth."""

import msgspec
import pytest

from skua_core.domain.delivery import DeliveryCounts, DeliveryStatus
from skua_core.domain.lane import ClaimOrder
from skua_core.errors import LeaseLost
from skua_core.ids import BotId, LeaseId
from skua_core.ports.tenant_storage import UnitKind
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def test_a_free_lane_is_given_to_whoever_asks(scene: Scene) -> None:
    acquired = await scene.acquire("worker:1")

    assert acquired is not None
    assert (acquired.lease.bot_id, acquired.lease.holder) == (scene.id, "worker:1")
    assert (acquired.wait, acquired.learned_rate, acquired.made_uncertain) == (0, None, 0)


async def test_a_lane_whose_holder_lives_is_not_given_away(scene: Scene) -> None:
    await scene.lease("worker:1")
    await scene.rig.let_pass(scene.rig.times.takeover - 2)

    assert await scene.acquire("worker:2") is None
    assert await scene.acquire("worker:1") is None


async def test_a_heartbeat_prolongs_a_lease(scene: Scene) -> None:
    lease = await scene.lease()
    await scene.rig.let_pass(scene.rig.times.takeover - 2)
    await scene.rig.registry.heartbeat([lease])
    await scene.rig.let_pass(scene.rig.times.takeover - 2)

    assert await scene.acquire("worker:2") is None


async def test_a_lane_whose_holder_is_silent_is_taken_over_under_the_next_epoch(
    scene: Scene,
) -> None:
    first = await scene.lease("worker:1")
    second = await scene.take_over("worker:2")

    assert second.epoch == first.epoch + 1
    assert second.lease_id != first.lease_id


async def test_a_heartbeat_far_in_the_future_is_a_broken_clock_and_frees_the_lane(
    scene: Scene,
) -> None:
    await scene.lease("worker:1")
    await scene.rig.shift_heartbeat(scene.id, scene.rig.times.future_tolerance + 2)

    assert await scene.acquire("worker:2") is not None


async def test_a_heartbeat_slightly_in_the_future_is_that_of_a_living_holder(scene: Scene) -> None:
    await scene.lease("worker:1")
    await scene.rig.shift_heartbeat(scene.id, scene.rig.times.future_tolerance - 2)

    assert await scene.acquire("worker:2") is None


async def test_a_bot_that_does_not_exist_has_no_lane(storage: StorageRig) -> None:
    async with storage.on_lane(BotId(storage.ids.new())) as unit:
        assert await unit.lane.acquire("worker:1") is None


async def test_an_acquisition_that_is_not_committed_did_not_happen(scene: Scene) -> None:
    async with scene.rig.tenants.unit(scene.id, UnitKind.LANE) as unit:
        abandoned = await unit.lane.acquire("worker:1")
    lease = await scene.lease("worker:2")

    assert abandoned is not None
    assert lease.lease_id != abandoned.lease.lease_id
    with pytest.raises(LeaseLost):
        await scene.claim(abandoned.lease)


async def test_a_released_lane_is_free_at_once(scene: Scene) -> None:
    await scene.release(await scene.lease("worker:1"))

    assert await scene.acquire("worker:2") is not None


async def test_releasing_a_lost_lease_leaves_the_new_holder_alone(scene: Scene) -> None:
    first = await scene.lease("worker:1")
    second = await scene.take_over("worker:2")
    await scene.release(first)

    assert await scene.acquire("worker:3") is None
    assert (await scene.claim(second)).sealed_token is not None


@pytest.mark.parametrize("kind", ["taken over", "released", "made up"])
async def test_nothing_is_claimed_with_a_lease_that_is_not_the_lanes(
    scene: Scene, kind: str
) -> None:
    lease = await scene.lease()
    if kind == "taken over":
        await scene.take_over()
    elif kind == "released":
        await scene.release(lease)
    else:
        lease = msgspec.structs.replace(lease, lease_id=LeaseId(scene.rig.ids.unguessable()))

    with pytest.raises(LeaseLost):
        await scene.claim(lease)


async def test_what_a_lost_lease_left_in_flight_becomes_uncertain(scene: Scene) -> None:
    await scene.subscribe(4)
    broadcast = await scene.start()
    lease = await scene.lease("worker:1")
    claim = await scene.claim(lease, room=3)
    await scene.settle(lease, scene.sent(claim.deliveries[0]))
    await scene.rig.let_pass(scene.rig.times.takeover + 1)

    acquired = await scene.acquire("worker:2")

    assert acquired is not None
    assert acquired.made_uncertain == 2
    assert await scene.statuses(broadcast) == [
        ("sent", None),
        ("uncertain", "lane_taken_over"),
        ("uncertain", "lane_taken_over"),
        ("pending", None),
    ]
    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(pending=1, sent=1, uncertain=2)


async def test_what_was_in_flight_when_a_lane_was_released_becomes_uncertain(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    await scene.claim(lease)
    await scene.release(lease)

    acquired = await scene.acquire()

    assert acquired is not None
    assert acquired.made_uncertain == 1
    assert await scene.statuses(broadcast) == [("uncertain", "lane_taken_over")]


async def test_a_reply_in_flight_becomes_uncertain_too(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana)
    await scene.claim(await scene.lease())
    await scene.rig.let_pass(scene.rig.times.takeover + 1)

    acquired = await scene.acquire("worker:2")

    assert acquired is not None
    assert acquired.made_uncertain == 1
    assert (await scene.claim(acquired.lease)).deliveries == ()


async def test_a_broadcast_whose_last_rows_were_lost_with_their_holder_is_completed(
    scene: Scene,
) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    await scene.claim(await scene.lease())

    await scene.claim(await scene.take_over())

    report = await scene.report(broadcast)
    assert report.broadcast.status == "completed"
    assert report.broadcast.finished_at is not None
    assert report.broadcast.counts == DeliveryCounts(uncertain=2)


async def test_a_pause_is_told_to_the_next_holder_and_never_shortened(scene: Scene) -> None:
    lease = await scene.lease()
    await scene.hold(lease, wait=300)
    await scene.hold(lease, wait=3)
    await scene.release(lease)

    acquired = await scene.acquire()

    assert acquired is not None
    assert 295 < acquired.wait <= 300


async def test_a_longer_pause_prolongs_a_shorter_one(scene: Scene) -> None:
    lease = await scene.lease()
    await scene.hold(lease, wait=3)
    await scene.hold(lease, wait=300)
    await scene.release(lease)

    acquired = await scene.acquire()

    assert acquired is not None
    assert 295 < acquired.wait <= 300


async def test_a_pause_that_is_over_means_no_wait(scene: Scene) -> None:
    lease = await scene.lease()
    await scene.hold(lease, wait=3)
    await scene.release(lease)
    await scene.rig.let_pass(4)

    acquired = await scene.acquire()

    assert acquired is not None
    assert acquired.wait == 0


async def test_a_pause_counts_even_if_a_lost_holder_heard_it(scene: Scene) -> None:
    """Telegram's word is about the token, whoever holds the lane."""
    first = await scene.lease("worker:1")
    second = await scene.take_over("worker:2")
    await scene.hold(first, wait=300, learned_rate=7.0)
    await scene.release(second)

    acquired = await scene.acquire("worker:3")

    assert acquired is not None
    assert acquired.wait > 295
    assert acquired.learned_rate is None


async def test_a_learned_rate_is_remembered(scene: Scene) -> None:
    lease = await scene.lease()
    await scene.hold(lease, learned_rate=22.5)
    await scene.hold(lease, wait=None, learned_rate=None)
    await scene.release(lease)

    acquired = await scene.acquire()

    assert acquired is not None
    assert acquired.learned_rate == 22.5
    assert acquired.wait == 0


async def test_a_holder_finds_what_it_has_in_flight(scene: Scene) -> None:
    people = await scene.subscribe(3)
    await scene.enqueue(people[2], text="Hi")
    await scene.start()
    lease = await scene.lease()
    claim = await scene.claim(lease, room=2)
    await scene.settle(lease, scene.sent(claim.deliveries[1]))

    assert list(await scene.in_flight(lease)) == [claim.deliveries[0]]


async def test_a_lost_lease_has_nothing_in_flight(scene: Scene) -> None:
    await scene.subscribe(2)
    await scene.start()
    lease = await scene.lease()
    await scene.claim(lease, room=1)
    second = await scene.take_over()
    await scene.claim(second)

    assert list(await scene.in_flight(lease)) == []
    assert len(await scene.in_flight(second)) == 1


async def test_a_claim_that_is_not_committed_did_not_happen(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    async with scene.rig.tenants.unit(scene.id, UnitKind.LANE) as unit:
        abandoned = await unit.lane.claim(lease, ClaimOrder(room=2, direct_room=2))

    assert len(abandoned.deliveries) == 2
    assert await scene.statuses(broadcast) == [("pending", None)] * 2
    assert (await scene.claim(lease)).deliveries == abandoned.deliveries


async def test_lanes_of_two_bots_do_not_meet(scene: Scene) -> None:
    other = await Scene.set(scene.rig)
    await scene.subscribe(1)
    await other.subscribe(1)
    await scene.start()
    broadcast = await other.start()
    lease, foreign = await scene.lease(), await other.lease()
    theirs = (await other.claim(foreign)).deliveries[0]

    await scene.settle(lease, scene.sent(theirs))

    with pytest.raises(LeaseLost):
        await scene.claim(foreign)
    assert len((await scene.claim(lease)).deliveries) == 1
    assert [row.status for row in await other.recipients(broadcast)] == [DeliveryStatus.IN_FLIGHT]
