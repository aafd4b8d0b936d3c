"""Two chats turn out to be one while their broadcast is being sent: no row is passed over."""

import asyncio

import pytest

from skua_core.domain.delivery import DeliveryCounts
from skua_core.ids import ChatId
from skua_core.ports.tenant_storage import UnitKind
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import StorageRig

OLD, NEW = ChatId(-500), ChatId(-1_000_500)


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def test_a_claim_waits_for_a_merge_that_hands_a_row_over(scene: Scene) -> None:
    """The new chat isn't in the audience, so that the row gets another subscriber."""
    await scene.subscribe(chat_id=OLD)
    broadcast = await scene.start()
    (survivor,) = await scene.subscribe(chat_id=NEW)
    lease = await scene.lease()
    async with scene.rig.tenants.unit(scene.id, UnitKind.INBOUND) as unit:
        await unit.subscribers.migrate(OLD, NEW)
        claiming = asyncio.create_task(scene.claim(lease))
        await asyncio.sleep(0.5)
        waited = not claiming.done()
        await unit.commit()

    claim = await claiming

    assert waited
    assert [(each.subscriber_id, each.chat_id) for each in claim.deliveries] == [(survivor.id, NEW)]
    assert (await scene.report(broadcast)).broadcast.counts == DeliveryCounts(in_flight=1)


async def test_a_merge_waits_for_a_claim_and_then_hands_over_what_is_in_flight(
    scene: Scene,
) -> None:
    await scene.subscribe(chat_id=OLD)
    broadcast = await scene.start()
    (survivor,) = await scene.subscribe(chat_id=NEW)
    lease = await scene.lease()

    claim, _ = await asyncio.gather(scene.claim(lease), migrate(scene))
    await scene.settle(lease, *(scene.sent(delivery) for delivery in claim.deliveries))

    (row,) = await scene.recipients(broadcast)
    assert (row.status, row.subscriber_id) == ("sent", survivor.id)
    assert (await scene.report(broadcast)).broadcast.status == "completed"


async def test_a_chat_that_moves_keeps_what_changes_at_the_same_moment(scene: Scene) -> None:
    (group,) = await scene.subscribe(chat_id=OLD)
    async with scene.rig.tenants.unit(scene.id, UnitKind.INBOUND) as unit:
        locked = await unit.subscribers.by_chat(OLD, lock=True)
        assert locked is not None
        locked.subscribed = False
        await unit.subscribers.save(locked)
        moving = asyncio.create_task(migrate(scene))
        await asyncio.sleep(0.5)
        await unit.commit()
    await moving

    moved = await scene.subscriber(group.id)

    assert moved is not None
    assert (moved.chat_id, moved.subscribed) == (NEW, False)


async def migrate(scene: Scene) -> None:
    async with scene.rig.tenants.unit(scene.id, UnitKind.INBOUND) as unit:
        await unit.subscribers.migrate(OLD, NEW)
        await unit.commit()
