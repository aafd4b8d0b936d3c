"""What must be found before a bot is known: users, and bots by name."""

import msgspec
import pytest

from skua_core.domain.bot import TokenState, WebhookState
from skua_core.domain.chat_link import ChatLink
from skua_core.errors import BotForbidden
from skua_core.ids import BotId, UserId
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage, login=f"{storage.ids.new()}@example.com")


async def a_user(storage: StorageRig) -> UserId:
    return (await storage.platform.ensure_user(f"{storage.ids.new()}@example.com")).id


async def change(scene: Scene, **fields: object) -> None:
    async with scene.rig.changing(scene.id) as unit:
        await unit.bot.save(msgspec.structs.replace(await unit.bot.get(), **fields))


async def test_a_login_is_one_user(storage: StorageRig) -> None:
    first = await storage.platform.ensure_user("cli:ana")
    again = await storage.platform.ensure_user("cli:ana")
    other = await storage.platform.ensure_user("cli:ben")

    assert again == first
    assert (first.login, other.login) == ("cli:ana", "cli:ben")
    assert other.id != first.id


async def test_an_owner_finds_the_bot_by_its_slug(scene: Scene) -> None:
    found = await scene.rig.platform.resolve_bot(scene.bot.slug, scene.bot.owner_id)

    assert found == scene.bot


async def test_a_bot_of_somebody_else_and_one_that_does_not_exist_look_the_same(
    scene: Scene,
) -> None:
    stranger = await a_user(scene.rig)

    with pytest.raises(BotForbidden) as foreign:
        await scene.rig.platform.resolve_bot(scene.bot.slug, stranger)
    with pytest.raises(BotForbidden) as unknown:
        await scene.rig.platform.resolve_bot("nobodys-bot", stranger)

    assert str(foreign.value) == str(unknown.value)
    assert await scene.rig.platform.list_bots(stranger) == []


async def test_a_user_with_a_role_sees_the_bot(scene: Scene) -> None:
    editor = await a_user(scene.rig)
    other = await Scene.set(scene.rig)
    await scene.rig.grant(scene.id, editor)

    assert await scene.rig.platform.resolve_bot(scene.bot.slug, editor) == scene.bot
    assert await scene.rig.platform.list_bots(editor) == [scene.bot]
    with pytest.raises(BotForbidden):
        await scene.rig.platform.resolve_bot(other.bot.slug, editor)


async def test_bots_are_listed_by_slug(scene: Scene) -> None:
    login = f"{scene.rig.ids.new()}@example.com"
    scenes = [await Scene.set(scene.rig, login=login) for _ in range(3)]
    owner = (await scene.rig.platform.ensure_user(login)).id

    listed = await scene.rig.platform.list_bots(owner)

    assert listed == sorted((each.bot for each in scenes), key=lambda bot: bot.slug)


async def test_a_webhooks_bot_is_found_by_its_public_id(scene: Scene) -> None:
    assert await scene.rig.platform.find_by_public_id(scene.bot.public_id) == scene.id
    assert await scene.rig.platform.find_by_public_id("unknown") is None
    assert await scene.rig.platform.find_by_public_id(scene.bot.slug) is None


@pytest.mark.parametrize("webhook", WebhookState)
@pytest.mark.parametrize("token", TokenState)
async def test_updates_are_fetched_for_polled_bots_with_a_working_token(
    scene: Scene, token: TokenState, webhook: WebhookState
) -> None:
    await change(scene, token_state=token, webhook_state=webhook)

    polled = scene.id in await scene.rig.platform.polled_bots()

    assert polled == (token is TokenState.ACTIVE and webhook is WebhookState.POLLING)


@pytest.mark.parametrize(
    ("webhook", "public", "private"),
    [
        (WebhookState.NONE, False, False),
        (WebhookState.PENDING, True, True),
        (WebhookState.SET, False, True),
        (WebhookState.POLLING, True, False),
    ],
)
async def test_webhooks_that_are_not_as_this_installation_wants_them_are_repaired(
    scene: Scene, webhook: WebhookState, *, public: bool, private: bool
) -> None:
    await change(scene, webhook_state=webhook)
    platform = scene.rig.platform

    assert (scene.id in await platform.webhooks_to_repair(public=True)) == public
    assert (scene.id in await platform.webhooks_to_repair(public=False)) == private


async def test_a_webhook_without_a_working_token_can_not_be_repaired(scene: Scene) -> None:
    await change(scene, webhook_state=WebhookState.PENDING, token_state=TokenState.REVOKED)

    assert scene.id not in await scene.rig.platform.webhooks_to_repair(public=True)


async def test_every_bot_is_found_page_by_page(storage: StorageRig) -> None:
    directory = storage.directory
    made = {(await Scene.set(storage, login=f"{storage.ids.new()}@example.com")).id for _ in "123"}
    found: list[BotId] = []

    while page := await directory.page(after=found[-1] if found else None, limit=2):
        assert len(page) <= 2
        found += page

    assert made <= set(found)
    assert found == sorted(set(found))


async def test_bots_that_keep_a_link_of_a_user_are_found_whoever_may_see_them(
    scene: Scene,
) -> None:
    rig = scene.rig
    user = await a_user(rig)
    linked, unlinked = [await Scene.set(rig) for _ in range(2)]
    for bot_id, user_id in (
        (scene.id, user),
        (linked.id, user),
        (unlinked.id, await a_user(rig)),
    ):
        async with rig.changing(bot_id) as unit:
            await unit.chat_links.save(ChatLink(user_id=user_id, fingerprint=None, expires_at=None))

    assert list(await rig.directory.linked_to(user)) == sorted([scene.id, linked.id])
    assert list(await rig.directory.linked_to(await a_user(rig))) == []
