"""The bot that a unit is about."""

from datetime import timedelta

import msgspec
import pytest

from skua_core.domain.bot import Bot, TokenState, WebhookState
from skua_core.domain.secret import SealedSecret
from skua_core.errors import BotForbidden, BotInUse, ForeignRow
from skua_core.ids import BotId
from skua_core.ports.repositories import BotSecrets
from tests.contract.rigs.scene import SEALED, Scene
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def stored(scene: Scene, *, lock: bool = False) -> Bot:
    async with scene.rig.reading(scene.id) as unit:
        return await unit.bot.get(lock=lock)


async def save(scene: Scene, **fields: object) -> None:
    async with scene.rig.changing(scene.id) as unit:
        await unit.bot.save(msgspec.structs.replace(await unit.bot.get(lock=True), **fields))


async def test_a_bot_is_kept_as_it_was_added(scene: Scene) -> None:
    assert await stored(scene) == scene.bot
    assert await stored(scene, lock=True) == scene.bot


async def test_a_bot_comes_with_a_free_lane(scene: Scene) -> None:
    snapshot = await scene.rig.registry.snapshot(scene.id)

    assert snapshot is not None
    assert (snapshot.epoch, snapshot.holder, snapshot.not_before) == (0, None, None)


async def test_what_changes_of_a_bot_is_saved(scene: Scene) -> None:
    changes = {
        "name": "Heron",
        "telegram_username": "heron_bot",
        "token_state": TokenState.REVOKED,
        "webhook_state": WebhookState.PENDING,
        "read_only": True,
    }
    await save(scene, **changes)

    bot = await stored(scene)
    assert bot == msgspec.structs.replace(scene.bot, updated_at=bot.updated_at, **changes)


async def test_the_time_of_a_change_rises_strictly(scene: Scene) -> None:
    times = [(await stored(scene)).updated_at]
    async with scene.rig.changing(scene.id) as unit:
        for name in ("Heron", "Egret"):
            bot = await unit.bot.get()
            await unit.bot.save(msgspec.structs.replace(bot, name=name))
            times.append((await unit.bot.get()).updated_at)

    assert times == sorted(set(times))
    assert len(times) == 3


async def test_a_saved_time_does_not_go_back(scene: Scene) -> None:
    before = (await stored(scene)).updated_at
    await save(scene, updated_at=before - timedelta(days=1))

    assert (await stored(scene)).updated_at > before


async def test_a_bot_that_does_not_exist_is_neither_found_nor_saved(scene: Scene) -> None:
    unknown = msgspec.structs.replace(scene.bot, id=BotId(scene.rig.ids.new()))
    async with scene.rig.reading(unknown.id) as unit:
        with pytest.raises(BotForbidden):
            await unit.bot.get()
        with pytest.raises(BotForbidden):
            await unit.bot.get(lock=True)
        with pytest.raises(BotForbidden):
            await unit.bot.save(unknown)


async def test_a_unit_takes_no_other_bot_than_its_own(scene: Scene) -> None:
    other = await Scene.set(scene.rig)
    async with scene.rig.reading(scene.id) as unit:
        with pytest.raises(ForeignRow):
            await unit.bot.save(other.bot)
        with pytest.raises(ForeignRow):
            await unit.bot.add(msgspec.structs.replace(other.bot, id=BotId(scene.rig.ids.new())))


async def test_a_telegram_bot_is_connected_once(scene: Scene) -> None:
    other = await Scene.set(scene.rig)

    async with scene.rig.reading(other.id) as unit:
        with pytest.raises(BotInUse) as caught:
            await unit.bot.save(
                msgspec.structs.replace(other.bot, telegram_id=scene.bot.telegram_id)
            )

    assert caught.value.username == "pelican_bot"


async def test_a_telegram_bot_is_not_connected_twice_by_a_new_bot(scene: Scene) -> None:
    new = msgspec.structs.replace(
        scene.bot, id=BotId(scene.rig.ids.new()), slug="heron-2", public_id="other"
    )
    async with scene.rig.reading(new.id) as unit:
        with pytest.raises(BotInUse):
            await unit.bot.add(new)


async def test_a_telegram_bot_whose_token_was_removed_may_move(scene: Scene) -> None:
    other = await Scene.set(scene.rig)
    await save(scene, token_state=TokenState.MISSING)

    await save(other, telegram_id=scene.bot.telegram_id)

    assert (await stored(other)).telegram_id == scene.bot.telegram_id
    async with scene.rig.reading(scene.id) as unit:
        with pytest.raises(BotInUse):
            await unit.bot.save(scene.bot)


async def test_secrets_are_replaced_as_a_whole(scene: Scene) -> None:
    new = BotSecrets(sealed_token=SealedSecret("v1.k2.bmV3"), webhook_fingerprint=b"\x00\xff")
    async with scene.rig.reading(scene.id) as unit:
        assert await unit.bot.secrets() == BotSecrets(sealed_token=SEALED)
        await unit.bot.save_secrets(new)
        assert await unit.bot.secrets() == new
        await unit.bot.save_secrets(BotSecrets())
        assert await unit.bot.secrets() == BotSecrets()
