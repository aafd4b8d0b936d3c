"""All lanes at once: who lives, who waits."""

import msgspec
import pytest

from skua_core.domain.bot import TokenState
from skua_core.domain.delivery import DeliveryKind
from skua_core.ids import BotId
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import StorageRig

EVERYBODY = 100_000


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def is_due(scene: Scene) -> bool:
    return scene.id in await scene.rig.registry.due(limit=EVERYBODY)


async def is_unserved(scene: Scene) -> bool:
    return scene.id in {bot_id for bot_id, _ in await scene.rig.registry.unserved()}


async def close_gate(scene: Scene, **fields: object) -> None:
    async with scene.rig.changing(scene.id) as unit:
        bot = await unit.bot.get()
        await unit.bot.save(msgspec.structs.replace(bot, **(fields or {"read_only": True})))


# Heartbeats


async def test_heartbeats_prolong_the_leases_that_still_hold(scene: Scene) -> None:
    other, third = await Scene.set(scene.rig), await Scene.set(scene.rig)
    leases = [await scene.lease(), await other.lease(), await third.lease()]
    await other.release(leases[1])
    await scene.rig.let_pass(scene.rig.times.takeover - 2)

    held = await scene.rig.registry.heartbeat(leases)

    assert held == {scene.id, third.id}
    await scene.rig.let_pass(scene.rig.times.takeover - 2)
    assert await scene.acquire() is None
    assert await other.acquire() is not None


async def test_a_lost_lease_is_not_prolonged(scene: Scene) -> None:
    first = await scene.lease("worker:1")
    second = await scene.take_over("worker:2")

    assert await scene.rig.registry.heartbeat([first]) == frozenset()
    assert await scene.rig.registry.heartbeat([second]) == {scene.id}


async def test_no_leases_no_heartbeats(scene: Scene) -> None:
    assert await scene.rig.registry.heartbeat([]) == frozenset()


# Due


async def test_a_lane_without_work_is_not_due(scene: Scene) -> None:
    await scene.subscribe(2)
    await scene.compose()

    assert not await is_due(scene)


@pytest.mark.parametrize("kind", [DeliveryKind.REPLY, DeliveryKind.TEST, DeliveryKind.AUTO_MESSAGE])
async def test_a_lane_with_a_direct_message_is_due(scene: Scene, kind: DeliveryKind) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana, kind)

    assert await is_due(scene)


@pytest.mark.parametrize("freeze", [True, False])
async def test_a_lane_with_a_sending_broadcast_is_due(scene: Scene, *, freeze: bool) -> None:
    await scene.subscribe()
    await scene.start(freeze=freeze)

    assert await is_due(scene)


async def test_a_paused_broadcast_makes_no_lane_due_not_even_with_rows_put_back(
    scene: Scene,
) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease, room=1)).deliveries
    await scene.settle(lease, scene.put_back(delivery))
    await scene.pause(broadcast)
    await scene.release(lease)

    assert not await is_due(scene)


async def test_a_cancelled_broadcast_makes_its_lane_due_until_it_is_final(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    await scene.cancel(broadcast)

    before = await is_due(scene)
    await scene.cancel_pending(broadcast)

    assert before
    assert not await is_due(scene)


async def test_a_completed_broadcast_makes_no_lane_due(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    lease = await scene.lease()
    await scene.send_all(lease)
    await scene.release(lease)

    assert not await is_due(scene)


async def test_a_lane_whose_holder_lives_is_not_due(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    await scene.lease()

    before = await is_due(scene)
    await scene.rig.let_pass(scene.rig.times.takeover + 1)

    assert not before
    assert await is_due(scene)


async def test_a_lane_whose_heartbeat_is_far_in_the_future_is_due(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    await scene.lease()
    await scene.rig.shift_heartbeat(scene.id, scene.rig.times.future_tolerance + 2)

    assert await is_due(scene)


async def test_a_reply_that_was_put_back_is_due_when_its_time_comes(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana)
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(delivery, retry_in=30))
    await scene.release(lease)

    before = await is_due(scene)
    await scene.rig.let_pass(31)

    assert not before
    assert await is_due(scene)


async def test_a_lane_that_is_paused_by_telegram_is_due_when_that_is_over(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    lease = await scene.lease()
    await scene.hold(lease, wait=30)
    await scene.release(lease)

    before = await is_due(scene)
    await scene.rig.let_pass(31)

    assert not before
    assert await is_due(scene)


@pytest.mark.parametrize(
    "closed", [{"read_only": True}, {"token_state": TokenState.REVOKED}, {}], ids=str
)
async def test_a_lane_whose_gate_is_closed_is_not_due(
    scene: Scene, closed: dict[str, object]
) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana)
    await scene.start()
    await close_gate(scene, **closed)

    assert not await is_due(scene)


async def test_what_a_holder_left_in_flight_makes_a_lane_due_whatever_else(scene: Scene) -> None:
    """Somebody has to say that it is uncertain, also while nothing may be sent."""
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    await scene.claim(lease)
    await scene.hold(lease, wait=3000)
    await scene.release(lease)
    await scene.pause(broadcast)
    await close_gate(scene)

    before = await is_due(scene)
    await scene.release(await scene.lease())

    assert before
    assert not await is_due(scene)


async def test_who_waits_longest_comes_first(scene: Scene) -> None:
    others = [await Scene.set(scene.rig) for _ in range(2)]
    for each in (others[1], scene, others[0]):
        (ana,) = await each.subscribe()
        await each.enqueue(ana)
        await scene.rig.let_pass(1)

    due = await scene.rig.registry.due(limit=EVERYBODY)

    assert [bot_id for bot_id in due if bot_id in {scene.id, others[0].id, others[1].id}] == [
        others[1].id,
        scene.id,
        others[0].id,
    ]


async def test_no_more_lanes_are_named_than_were_asked_for(scene: Scene) -> None:
    for each in (scene, await Scene.set(scene.rig), await Scene.set(scene.rig)):
        (ana,) = await each.subscribe()
        await each.enqueue(ana)

    assert len(await scene.rig.registry.due(limit=2)) == 2


# Freed


async def test_the_lanes_of_a_dead_process_are_free_at_once(scene: Scene) -> None:
    other, third = await Scene.set(scene.rig), await Scene.set(scene.rig)
    dead = f"worker:{scene.rig.ids.new()}"
    leases = [await scene.lease(dead), await other.lease(dead)]
    await third.lease("worker:alive")

    assert await scene.rig.registry.free(dead) == 2

    assert await scene.rig.registry.heartbeat(leases) == frozenset()
    assert await scene.acquire() is not None
    assert await other.acquire() is not None
    assert await third.acquire() is None
    assert await scene.rig.registry.free(dead) == 0


# Unserved


async def test_a_broadcast_that_nobody_serves_is_named_after_a_while(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    await scene.rig.let_pass(scene.rig.times.unserved - 60)
    before = await is_unserved(scene)
    await scene.rig.let_pass(120)

    assert not before
    assert (scene.id, broadcast.id) in await scene.rig.registry.unserved()


async def test_a_broadcast_of_which_something_was_claimed_lately_is_served(scene: Scene) -> None:
    await scene.subscribe(2)
    await scene.start()
    await scene.rig.let_pass(scene.rig.times.unserved + 60)
    lease = await scene.lease()
    await scene.claim(lease, room=1)
    await scene.release(lease)

    before = await is_unserved(scene)
    await scene.rig.let_pass(scene.rig.times.unserved + 60)

    assert not before
    assert await is_unserved(scene)


async def test_a_broadcast_whose_lane_is_held_is_served(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    await scene.rig.let_pass(scene.rig.times.unserved + 60)
    await scene.lease()

    assert not await is_unserved(scene)


async def test_a_heartbeat_of_a_broken_clock_serves_nobody(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    await scene.rig.let_pass(scene.rig.times.unserved + 60)
    await scene.lease()
    await scene.rig.shift_heartbeat(scene.id, 86_400)

    assert await is_unserved(scene)


async def test_time_in_which_telegram_wanted_nothing_does_not_count(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    lease = await scene.lease()
    await scene.hold(lease, wait=300)
    await scene.release(lease)
    await scene.rig.let_pass(scene.rig.times.unserved + 60)
    before = await is_unserved(scene)
    await scene.rig.let_pass(300)

    assert not before
    assert await is_unserved(scene)


async def test_a_broadcast_whose_gate_is_closed_is_not_unserved(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    await close_gate(scene)
    await scene.rig.let_pass(scene.rig.times.unserved + 60)

    assert not await is_unserved(scene)


async def test_a_paused_broadcast_is_not_unserved(scene: Scene) -> None:
    await scene.subscribe()
    await scene.pause(await scene.start())
    await scene.rig.let_pass(scene.rig.times.unserved + 60)

    assert not await is_unserved(scene)


# Snapshots


async def test_a_snapshot_shows_who_holds_a_lane_and_what_it_remembers(scene: Scene) -> None:
    lease = await scene.lease("worker:7")
    await scene.hold(lease, wait=300, learned_rate=12.5)

    snapshot = await scene.rig.registry.snapshot(scene.id)

    assert snapshot is not None
    assert (snapshot.bot_id, snapshot.epoch, snapshot.holder) == (scene.id, 1, "worker:7")
    assert snapshot.learned_rate == 12.5
    assert snapshot.heartbeat_at is not None
    assert snapshot.not_before is not None
    assert 290 < (snapshot.not_before - snapshot.heartbeat_at).total_seconds() < 310


async def test_a_bot_that_does_not_exist_has_no_snapshot(storage: StorageRig) -> None:
    assert await storage.registry.snapshot(BotId(storage.ids.new())) is None
