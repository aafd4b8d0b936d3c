"""Uploads, and by what Telegram has a bot's media."""

import pytest

from skua_core.domain.media import MediaKind, MediaUpload
from skua_core.ids import MediaId
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def upload(scene: Scene) -> MediaUpload:
    added = MediaUpload(
        id=MediaId(scene.rig.ids.new()),
        kind=MediaKind.VIDEO,
        name="spring \N{OWL}.mp4",
        size=50 * 1024 * 1024,
        created_at=scene.rig.now(),
    )
    async with scene.rig.changing(scene.id) as unit:
        await unit.media.add(added)
    return added


async def known(scene: Scene, *keys: str) -> dict[str, str]:
    async with scene.rig.reading(scene.id) as unit:
        return dict(await unit.media.file_ids(keys))


async def test_an_upload_is_kept_as_it_was_added(scene: Scene) -> None:
    added = await upload(scene)

    async with scene.rig.reading(scene.id) as unit:
        assert await unit.media.get(added.id) == added
        assert await unit.media.get(MediaId(scene.rig.ids.new())) is None


async def test_an_upload_is_its_bot_s_alone(scene: Scene) -> None:
    added = await upload(scene)
    other = await Scene.set(scene.rig, "ben@example.com")

    async with scene.rig.reading(other.id) as unit:
        assert await unit.media.get(added.id) is None


async def test_nothing_is_known_of_media_at_first(scene: Scene) -> None:
    assert await known(scene, "photo:upload:1", "video:upload:2") == {}
    assert await known(scene) == {}


async def test_what_is_remembered_is_known_from_then_on(scene: Scene) -> None:
    async with scene.rig.on_lane(scene.id) as unit:
        await unit.media.remember({"photo:upload:1": "AgAC", "video:upload:2": "BAAC"})
        await unit.media.remember({})

    assert await known(scene, "photo:upload:1", "photo:upload:9") == {"photo:upload:1": "AgAC"}
    assert await known(scene, "photo:upload:1", "video:upload:2") == {
        "photo:upload:1": "AgAC",
        "video:upload:2": "BAAC",
    }


async def test_the_newer_file_id_replaces_the_older(scene: Scene) -> None:
    async with scene.rig.on_lane(scene.id) as unit:
        await unit.media.remember({"photo:upload:1": "old", "photo:upload:2": "other"})
        await unit.media.remember({"photo:upload:1": "new"})

    assert await known(scene, "photo:upload:1", "photo:upload:2") == {
        "photo:upload:1": "new",
        "photo:upload:2": "other",
    }


async def test_what_is_forgotten_is_unknown_again(scene: Scene) -> None:
    async with scene.rig.on_lane(scene.id) as unit:
        await unit.media.remember({"photo:upload:1": "AgAC", "photo:upload:2": "AgAD"})
    async with scene.rig.on_lane(scene.id) as unit:
        await unit.media.forget(["photo:upload:1", "photo:upload:9"])
        await unit.media.forget([])

    assert await known(scene, "photo:upload:1", "photo:upload:2") == {"photo:upload:2": "AgAD"}


async def test_a_file_id_is_its_bot_s_alone(scene: Scene) -> None:
    other = await Scene.set(scene.rig, "ben@example.com")
    async with scene.rig.on_lane(scene.id) as unit:
        await unit.media.remember({"photo:upload:1": "mine"})
    async with scene.rig.on_lane(other.id) as unit:
        await unit.media.remember({"photo:upload:1": "theirs"})
        await unit.media.remember({"photo:upload:2": "theirs too"})

    assert await known(scene, "photo:upload:1", "photo:upload:2") == {"photo:upload:1": "mine"}


async def test_what_is_not_committed_is_not_kept(scene: Scene) -> None:
    async with scene.rig.reading(scene.id) as unit:
        await unit.media.remember({"photo:upload:1": "AgAC"})

    assert await known(scene, "photo:upload:1") == {}


async def test_a_removed_bot_leaves_no_media(scene: Scene) -> None:
    added = await upload(scene)
    async with scene.rig.on_lane(scene.id) as unit:
        await unit.media.remember({"photo:upload:1": "AgAC"})

    async with scene.rig.changing(scene.id) as unit:
        await unit.bot.remove()

    assert await known(scene, "photo:upload:1") == {}
    async with scene.rig.reading(scene.id) as unit:
        assert await unit.media.get(added.id) is None
