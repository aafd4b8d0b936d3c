"""What isn't kept any more is dropped, month by month, and what must stay stays."""

import pytest

from skua_core.domain.broadcast import Broadcast, BroadcastStatus
from skua_core.domain.delivery import DeliveryKind, DeliveryStatus, Reason
from skua_core.errors import BroadcastArchived
from skua_core.ids import BroadcastId, SourceId
from skua_core.ports.retention import KeptMonths
from skua_core.ports.tenant_storage import UnitKind
from skua_core.use_cases.retention import ApplyRetention, Retained
from tests.contract.rigs.retention import (
    RetentionRig,
    in_memory_retention,
    postgres_retention,
    rig,
)
from tests.contract.rigs.scene import Scene
from tests.postgres_cluster import Database

__all__ = ["in_memory_retention", "postgres_retention", "rig"]

KEEP = KeptMonths()
OLD = KEEP.deliveries + 2
"""Months ago, so that nothing of then is kept."""
OLDER = OLD + 1


@pytest.fixture
def migrated_database(own_database: Database) -> Database:
    """Months are of all bots: no two tests share them."""
    return own_database


@pytest.fixture
async def scene(rig: RetentionRig) -> Scene:
    """A bot with three subscribers."""
    scene = await Scene.set(rig.storage)
    await scene.subscribe(3)
    return scene


async def apply(rig: RetentionRig, keep: KeptMonths = KEEP) -> Retained:
    use = ApplyRetention(storage=rig.storage.tenants, retention=rig.retention, keep=keep)
    return await use()


def of_deliveries(retained: Retained) -> list[str]:
    """Months dropped of them, and of what belongs to them."""
    return [name for name in retained.dropped if not name.startswith("updates")]


async def completed(scene: Scene) -> Broadcast:
    """One got it, one was refused, and of one nobody knows."""
    broadcast = await scene.start()
    lease = await scene.lease()
    first, second, third = (await scene.claim(lease)).deliveries
    await scene.settle(
        lease,
        scene.sent(first),
        scene.outcome(second, DeliveryStatus.FAILED, reason=Reason.REFUSED),
        scene.outcome(third, DeliveryStatus.UNCERTAIN, reason=Reason.NO_ANSWER),
    )
    await scene.release(lease)
    assert (await scene.report(broadcast)).broadcast.status is BroadcastStatus.COMPLETED
    return broadcast


async def test_only_a_month_of_which_nothing_is_open_goes(rig: RetentionRig, scene: Scene) -> None:
    for months in (OLD, OLDER):
        await rig.make_month(months)
    paused = await rig.then(scene, OLDER).start()
    await scene.pause(paused)
    over = await completed(rig.then(scene, OLD))

    retained = await apply(rig)

    assert retained.archived == 1
    assert rig.name("deliveries", OLD) in retained.dropped
    assert not [name for name in of_deliveries(retained) if name[-7:] == f"{rig.ago(OLDER):%Y_%m}"]
    assert await scene.recipients(over) == []
    assert len(await scene.recipients(paused)) == 3


async def test_a_paused_broadcast_goes_on_after_a_year_and_then_its_month_goes(
    rig: RetentionRig, scene: Scene
) -> None:
    await rig.make_month(OLD)
    paused = await rig.then(scene, OLD).start()
    await scene.pause(paused)
    assert (await apply(rig)).archived == 0

    await scene.resume(paused)
    await scene.send_all(await scene.lease())
    retained = await apply(rig)

    assert (await scene.report(paused)).broadcast.counts.sent == 3
    assert rig.name("deliveries", OLD) in retained.dropped


async def test_totals_and_reasons_outlast_the_rows(rig: RetentionRig, scene: Scene) -> None:
    await rig.make_month(OLD)
    over = await completed(rig.then(scene, OLD))
    before = await scene.report(over)

    await apply(rig)
    after = await scene.report(over)

    assert after.broadcast.archived_at is not None
    assert after.broadcast.counts == before.broadcast.counts
    assert after.reasons == before.reasons == {Reason.REFUSED: 1, Reason.NO_ANSWER: 1}


async def test_whoever_got_an_archived_broadcast_never_gets_it_again(
    rig: RetentionRig, scene: Scene
) -> None:
    await rig.make_month(OLD)
    over = await completed(rig.then(scene, OLD))
    uncertain = (await scene.recipients(over))[2]
    assert uncertain.chat_id is not None

    await apply(rig)

    with pytest.raises(BroadcastArchived):
        await scene.resend(over, DeliveryStatus.UNCERTAIN)
    async with rig.storage.reading(scene.id) as unit:
        assert await unit.broadcasts.last_sent(over.campaign_id, 1) == over.created_at
        assert await unit.deliveries.unproven(uncertain.chat_id) == []
        assert not await unit.deliveries.prove(SourceId(over.id), uncertain.chat_id, 5)


async def test_applying_it_again_finds_nothing(rig: RetentionRig, scene: Scene) -> None:
    await rig.make_month(OLD)
    await completed(rig.then(scene, OLD))
    await apply(rig)

    assert await apply(rig) == Retained(archived=0, dropped=())


async def test_months_are_kept_up_to_the_setting(rig: RetentionRig, scene: Scene) -> None:
    for months in (5, 6):
        await rig.make_month(months)
    gone = await completed(rig.then(scene, 6))
    kept = await completed(rig.then(scene, 5))

    retained = await apply(rig, KeptMonths(deliveries=5))

    assert retained.archived == 1
    assert of_deliveries(retained)[-1] == rig.name("deliveries", 6)
    assert not [name for name in of_deliveries(retained) if name[-7:] != f"{rig.ago(6):%Y_%m}"]
    assert (await scene.recipients(gone), len(await scene.recipients(kept))) == ([], 3)


async def test_many_broadcasts_are_found_in_turns(rig: RetentionRig, scene: Scene) -> None:
    await rig.make_month(OLD)
    then = rig.then(scene, OLD)
    ids = [(await completed(then)).id for _ in range(3)]

    first = await rig.retention.to_archive(KEEP, after=None, limit=2)
    second = await rig.retention.to_archive(KEEP, after=first[-1][1], limit=2)

    assert [*first, *second] == [(scene.id, broadcast_id) for broadcast_id in ids]


async def test_what_is_not_over_is_not_archived(rig: RetentionRig, scene: Scene) -> None:
    await rig.make_month(OLD)
    sending = await rig.then(scene, OLD).start()

    assert not await archive(scene, sending.id)
    await scene.pause(sending)
    assert not await archive(scene, sending.id)
    await scene.cancel(sending)
    assert not await archive(scene, sending.id)
    await scene.cancel_pending(sending)
    assert await archive(scene, sending.id)
    assert not await archive(scene, sending.id)
    assert not await archive(scene, BroadcastId(rig.storage.ids.new()))


async def test_a_message_that_may_still_be_sent_keeps_its_month(
    rig: RetentionRig, scene: Scene
) -> None:
    await rig.make_month(OLD)
    (person,) = await scene.subscribe()
    await rig.then(scene, OLD).enqueue(person, lifetime=600)

    assert of_deliveries(await apply(rig)) == []
    await scene.send_all(await scene.lease())

    assert rig.name("direct_messages", OLD) in (await apply(rig)).dropped


async def test_a_message_that_has_expired_keeps_nothing(rig: RetentionRig, scene: Scene) -> None:
    await rig.make_month(OLD)
    (person,) = await scene.subscribe()
    await rig.then(scene, OLD).enqueue(person, DeliveryKind.TEST, lifetime=-1)

    assert rig.name("deliveries", OLD) in (await apply(rig)).dropped


async def test_a_delivery_in_flight_keeps_its_month(rig: RetentionRig, scene: Scene) -> None:
    await rig.make_month(OLD)
    (person,) = await scene.subscribe()
    await rig.then(scene, OLD).enqueue(person)
    lease = await scene.lease()
    (claimed,) = (await scene.claim(lease)).deliveries
    await rig.storage.let_pass(3600)

    assert of_deliveries(await apply(rig)) == []
    await scene.settle(lease, scene.sent(claimed))

    assert rig.name("deliveries", OLD) in (await apply(rig)).dropped


async def test_updates_are_forgotten_after_their_months(rig: RetentionRig, scene: Scene) -> None:
    months = KEEP.updates + 1
    await rig.make_month(months)
    await take_in(scene, 7)
    await rig.age_updates(scene.id, months)
    await take_in(scene, 8)

    dropped = (await apply(rig)).dropped
    extras = await rig.storage.extras(scene.id)

    assert dropped[-2:] == (
        rig.name("updates", months),
        rig.name("updates_set_aside", months),
    )
    assert [update_id for update_id, _, _ in extras["updates_set_aside"]] == [8]
    assert not await record(scene, 8)


async def test_updates_of_kept_months_stay(rig: RetentionRig, scene: Scene) -> None:
    await rig.make_month(KEEP.updates)
    await take_in(scene, 7)
    await rig.age_updates(scene.id, KEEP.updates)

    assert (await apply(rig)).dropped == ()


async def test_an_update_of_last_month_is_known(rig: RetentionRig, scene: Scene) -> None:
    await rig.make_month(1)
    await take_in(scene, 7)
    await rig.age_updates(scene.id, 1)

    assert not await record(scene, 7)


async def archive(scene: Scene, broadcast_id: BroadcastId) -> bool:
    async with scene.rig.on_lane(scene.id) as unit:
        return await unit.broadcasts.archive(broadcast_id)


async def take_in(scene: Scene, update_id: int) -> None:
    assert await record(scene, update_id)
    async with scene.rig.tenants.unit(scene.id, UnitKind.INBOUND) as unit:
        await unit.updates.set_aside(update_id, b"{", "cut short")
        await unit.commit()


async def record(scene: Scene, update_id: int) -> bool:
    async with scene.rig.tenants.unit(scene.id, UnitKind.INBOUND) as unit:
        recorded = await unit.updates.record(update_id)
        await unit.commit()
    return recorded
