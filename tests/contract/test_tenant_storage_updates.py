"""Which updates have been taken in."""

import asyncio

import pytest

from skua_core.ports.tenant_storage import UnitKind
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def record(scene: Scene, update_id: int, *, pause: float = 0) -> bool:
    async with scene.rig.tenants.unit(scene.id, UnitKind.INBOUND) as unit:
        recorded = await unit.updates.record(update_id)
        await asyncio.sleep(pause)
        await unit.commit()
    return recorded


async def test_an_update_is_new_once(scene: Scene) -> None:
    assert await record(scene, 5)
    assert not await record(scene, 5)
    assert await record(scene, 6)


async def test_an_update_whose_unit_failed_is_still_new(scene: Scene) -> None:
    async with scene.rig.tenants.unit(scene.id, UnitKind.INBOUND) as unit:
        assert await unit.updates.record(5)

    assert await record(scene, 5)


async def test_of_many_who_take_in_one_update_at_once_one_does(scene: Scene) -> None:
    taken = await asyncio.gather(*(record(scene, 9, pause=0.01) for _ in range(5)))

    assert sorted(taken) == [False] * 4 + [True]


@pytest.mark.parametrize("update_id", [8, None])
async def test_updates_that_are_set_aside_are_kept_as_they_came(
    scene: Scene, update_id: int | None
) -> None:
    raw = b'{"update_id": \xff\x00'
    async with scene.rig.tenants.unit(scene.id, UnitKind.INBOUND) as unit:
        await unit.updates.set_aside(update_id, raw, "not UTF-8")
        await unit.updates.set_aside(update_id, raw, "not UTF-8")
        await unit.commit()

    extras = await scene.rig.extras(scene.id)
    assert extras["updates_set_aside"] == [(update_id, raw, "not UTF-8")] * 2
