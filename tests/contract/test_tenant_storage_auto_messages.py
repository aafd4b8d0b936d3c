"""Auto-messages of one bot, and whose chat is whose."""

from datetime import timedelta

import msgspec
import pytest

from skua_core.domain.auto_message import AutoMessage, Trigger
from skua_core.domain.broadcast import PauseReason
from skua_core.domain.chat_link import ChatLink, fingerprint, make_code
from skua_core.errors import TriggerTaken
from skua_core.ids import AutoMessageId, CampaignId, SubscriberId, UserId
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def a_campaign(scene: Scene) -> CampaignId:
    campaign = scene.campaign()
    async with scene.rig.changing(scene.id) as unit:
        await unit.campaigns.save(campaign)
    return campaign.id


async def answering(scene: Scene, keyword: str | None) -> AutoMessage:
    """One that isn't stored yet."""
    now = scene.rig.now()
    return AutoMessage(
        id=AutoMessageId(scene.rig.ids.new()),
        campaign_id=await a_campaign(scene),
        trigger=Trigger.START if keyword is None else Trigger.KEYWORD,
        keyword=keyword,
        created_at=now,
        updated_at=now,
    )


async def keep(scene: Scene, auto_message: AutoMessage) -> None:
    async with scene.rig.changing(scene.id) as unit:
        await unit.auto_messages.save(auto_message)


@pytest.mark.parametrize("keyword", [None, "prices"])
async def test_an_auto_message_is_found_by_its_trigger(scene: Scene, keyword: str | None) -> None:
    kept = await answering(scene, keyword)
    await keep(scene, kept)

    async with scene.rig.reading(scene.id) as unit:
        assert await unit.auto_messages.answering(kept.trigger, keyword) == kept
        assert await unit.auto_messages.answering(Trigger.KEYWORD, "other") is None
        assert await unit.auto_messages.get(kept.id) == kept


async def test_a_paused_one_answers_nothing_and_tells_why(scene: Scene) -> None:
    kept = await answering(scene, "prices")
    kept.pause(PauseReason.CONTENT_REFUSED, now=scene.rig.now(), detail="message is too long")
    await keep(scene, kept)

    async with scene.rig.reading(scene.id) as unit:
        assert await unit.auto_messages.answering(Trigger.KEYWORD, "prices") is None
        assert await unit.auto_messages.get(kept.id) == kept


async def test_it_is_known_which_wordings_of_it_were_received(scene: Scene) -> None:
    kept = await answering(scene, "prices")
    await keep(scene, kept)
    await scene.note_received(await scene.lease(), kept.id, "2:pt")

    async with scene.rig.reading(scene.id) as unit:
        assert await unit.auto_messages.was_received(kept.id, "2:pt")
        assert not await unit.auto_messages.was_received(kept.id, "2:")
        assert not await unit.auto_messages.was_received(AutoMessageId(kept.campaign_id), "2:pt")


@pytest.mark.parametrize("keyword", [None, "prices"])
async def test_one_trigger_has_one_auto_message(scene: Scene, keyword: str | None) -> None:
    await keep(scene, await answering(scene, keyword))

    with pytest.raises(TriggerTaken):
        await keep(scene, await answering(scene, keyword))


async def test_changes_are_kept_and_what_was_removed_is_gone(scene: Scene) -> None:
    first, second = await answering(scene, "a"), await answering(scene, "b")
    await keep(scene, first)
    await keep(scene, second)
    changed = msgspec.structs.replace(first, keyword="c")
    await keep(scene, changed)
    async with scene.rig.changing(scene.id) as unit:
        await unit.auto_messages.remove(second.id)

    async with scene.rig.reading(scene.id) as unit:
        assert await unit.auto_messages.page(after=None, limit=10) == [changed]
        assert await unit.auto_messages.page(after=changed.id, limit=10) == []


async def test_a_bots_auto_messages_are_its_own(storage: StorageRig, scene: Scene) -> None:
    other = await Scene.set(storage, "ben@example.com")
    kept = await answering(scene, "prices")
    await keep(scene, kept)
    await keep(other, await answering(other, "prices"))

    async with storage.reading(other.id) as unit:
        assert await unit.auto_messages.get(kept.id) is None


async def test_a_chat_link_is_found_by_its_user_and_by_its_open_code(scene: Scene) -> None:
    now = scene.rig.now()
    code = make_code()
    link = ChatLink(
        user_id=UserId(scene.rig.ids.new()),
        fingerprint=fingerprint(code),
        expires_at=now + timedelta(minutes=15),
    )
    async with scene.rig.changing(scene.id) as unit:
        await unit.chat_links.save(link)
    async with scene.rig.reading(scene.id) as unit:
        assert await unit.chat_links.by_fingerprint(fingerprint(code)) == link
        assert await unit.chat_links.by_fingerprint(fingerprint(make_code())) is None

    linked = ChatLink(
        user_id=link.user_id,
        fingerprint=None,
        expires_at=None,
        subscriber_id=SubscriberId(scene.rig.ids.new()),
        linked_at=now,
    )
    async with scene.rig.changing(scene.id) as unit:
        await unit.chat_links.save(linked)
    async with scene.rig.reading(scene.id) as unit:
        assert await unit.chat_links.of_user(link.user_id) == linked
        assert await unit.chat_links.by_fingerprint(fingerprint(code)) is None


async def test_a_removed_chat_link_is_gone_in_its_own_bot_alone(
    scene: Scene, storage: StorageRig
) -> None:
    user_id = UserId(storage.ids.new())
    other = await Scene.set(storage)
    for bot_id in (scene.id, other.id):
        async with storage.changing(bot_id) as unit:
            await unit.chat_links.save(ChatLink(user_id=user_id, fingerprint=None, expires_at=None))

    async with storage.changing(scene.id) as unit:
        assert await unit.chat_links.remove(user_id)
        assert await unit.chat_links.of_user(user_id) is None
        assert not await unit.chat_links.remove(user_id)

    async with storage.reading(other.id) as unit:
        assert await unit.chat_links.of_user(user_id) is not None


async def test_removing_a_chat_link_that_is_not_there_changes_nothing(scene: Scene) -> None:
    async with scene.rig.tenants.unit(scene.id) as unit:
        assert not await unit.chat_links.remove(UserId(scene.rig.ids.new()))
        await unit.commit()
