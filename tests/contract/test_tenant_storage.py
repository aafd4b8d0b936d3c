"""One bot never sees another's rows, what isn't committed is gone, and changes leave a trace."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import pytest

from skua_core.domain.delivery import DeliveryKind
from skua_core.domain.subscriber import Subscriber
from skua_core.errors import BotForbidden, MissingAudit, ResourceNotFound
from skua_core.ids import BotId, ChatId, DirectMessageId
from skua_core.ports.repositories import BotSecrets, SubscriberFilter
from skua_core.ports.tenant_storage import TenantUnit, UnitKind
from tests.contract.rigs.scene import Scene, a_revision, hello
from tests.contract.rigs.storage import ENTRY, StorageRig

Change = Callable[[Scene, TenantUnit], Awaitable[object]]
Look = Callable[[TenantUnit], Awaitable[object]]


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


# A change of each repository


async def _save_bot(scene: Scene, unit: TenantUnit) -> None:
    await unit.bot.save(msgspec.structs.replace(scene.bot, name="Heron"))


async def _remove_bot(_: Scene, unit: TenantUnit) -> None:
    await unit.bot.remove()


async def _save_secrets(_: Scene, unit: TenantUnit) -> None:
    await unit.bot.save_secrets(BotSecrets(webhook_fingerprint=b"new"))


async def _save_subscriber(scene: Scene, unit: TenantUnit) -> None:
    await unit.subscribers.save(scene.person())


async def _add_subscribers(scene: Scene, unit: TenantUnit) -> None:
    await unit.subscribers.add_many([scene.person(), scene.person()])


async def _save_campaign(scene: Scene, unit: TenantUnit) -> None:
    await unit.campaigns.save(scene.campaign())


async def _add_revision(scene: Scene, unit: TenantUnit) -> None:
    campaign = scene.campaign()
    await unit.campaigns.save(campaign)
    await unit.campaigns.add_revision(a_revision(campaign, 1, scene.rig.now()))


async def _record_update(_: Scene, unit: TenantUnit) -> None:
    await unit.updates.record(12)


async def _set_update_aside(_: Scene, unit: TenantUnit) -> None:
    await unit.updates.set_aside(13, b"{", "cut short")


async def _enqueue_direct(scene: Scene, unit: TenantUnit) -> None:
    await unit.deliveries.enqueue_direct(
        DirectMessageId(scene.rig.ids.new()),
        kind=DeliveryKind.TEST,
        subscriber_id=scene.person().id,
        content=hello(),
        lifetime=60,
    )


async def _acquire_lane(_: Scene, unit: TenantUnit) -> None:
    await unit.lane.acquire("worker:1")


CHANGES = [
    _save_bot,
    _remove_bot,
    _save_secrets,
    _save_subscriber,
    _add_subscribers,
    _save_campaign,
    _add_revision,
    _record_update,
    _set_update_aside,
    _enqueue_direct,
    _acquire_lane,
]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_command_that_changes_something_and_says_nothing_of_it_is_refused(
    scene: Scene, change: Change
) -> None:
    before = await _everything(scene)
    async with scene.rig.tenants.unit(scene.id) as unit:
        await change(scene, unit)
        with pytest.raises(MissingAudit):
            await unit.commit()

    assert await _everything(scene) == before


@pytest.mark.parametrize("change", CHANGES)
async def test_with_an_entry_the_same_change_is_kept(scene: Scene, change: Change) -> None:
    before = await _everything(scene)
    async with scene.rig.changing(scene.id) as unit:
        await change(scene, unit)

    assert await _everything(scene) != before


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", [UnitKind.INBOUND, UnitKind.LANE])
async def test_units_that_are_a_ledger_themselves_need_no_entry(
    scene: Scene, kind: UnitKind, change: Change
) -> None:
    before = await _everything(scene)
    async with scene.rig.tenants.unit(scene.id, kind) as unit:
        await change(scene, unit)
        await unit.commit()

    assert await _everything(scene) != before


@pytest.mark.parametrize("change", CHANGES)
async def test_leaving_without_commit_keeps_nothing(scene: Scene, change: Change) -> None:
    before = await _everything(scene)
    async with scene.rig.tenants.unit(scene.id) as unit:
        await change(scene, unit)
        await unit.audit.append(ENTRY)

    assert await _everything(scene) == before


@pytest.mark.parametrize("change", CHANGES)
async def test_an_error_inside_keeps_nothing(scene: Scene, change: Change) -> None:
    before = await _everything(scene)

    async def fail_afterwards() -> None:
        async with scene.rig.changing(scene.id) as unit:
            await change(scene, unit)
            raise LookupError

    with pytest.raises(LookupError):
        await fail_afterwards()

    assert await _everything(scene) == before


@pytest.mark.parametrize("change", CHANGES)
async def test_another_bot_is_not_touched_by(scene: Scene, change: Change) -> None:
    other = await Scene.set(scene.rig)
    await other.subscribe(2)
    await other.start()
    before = await _everything(other)
    async with scene.rig.changing(scene.id) as unit:
        await change(scene, unit)

    assert await _everything(other) == before


async def test_a_command_that_only_reads_needs_no_entry(scene: Scene) -> None:
    async with scene.rig.tenants.unit(scene.id) as unit:
        await unit.bot.get()
        await unit.audience.by_status()
        await unit.commit()


async def test_a_command_that_locks_and_changes_nothing_needs_no_entry(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    async with scene.rig.tenants.unit(scene.id) as unit:
        await unit.bot.get(lock=True)
        await unit.broadcasts.get(broadcast.id, lock=True)
        await unit.subscribers.by_chat(ana.chat_id, lock=True)
        await unit.campaigns.get(broadcast.campaign_id, lock=True)
        await unit.commit()


async def test_a_unit_is_over_with_its_commit(scene: Scene) -> None:
    async with scene.rig.changing(scene.id) as unit:
        pass

    with pytest.raises(RuntimeError, match="over"):
        await unit.commit()


async def test_an_unknown_bot_has_no_rows(storage: StorageRig) -> None:
    async with storage.reading(BotId(storage.ids.new())) as unit:
        with pytest.raises(BotForbidden):
            await unit.bot.get()
        assert await unit.bot.secrets() == BotSecrets()
        assert await unit.subscribers.page(SubscriberFilter(), after=None, limit=10) == []
        assert await unit.audit.head() is None


async def test_a_unit_sees_its_own_changes(scene: Scene) -> None:
    async with scene.rig.reading(scene.id) as unit:
        ana = scene.person()
        await unit.subscribers.save(ana)
        await unit.subscribers.save(msgspec.structs.replace(ana, source="poster"))

        assert await unit.subscribers.by_chat(ana.chat_id) == msgspec.structs.replace(
            ana, source="poster"
        )


async def test_what_a_unit_handed_out_changes_nothing_until_it_is_saved(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    async with scene.rig.changing(scene.id) as unit:
        found = await unit.subscribers.by_chat(ana.chat_id)
        assert found is not None
        found.subscribed = False

    assert await scene.subscriber(ana.id) == ana


async def test_units_of_two_bots_are_open_at_the_same_time(scene: Scene) -> None:
    other = await Scene.set(scene.rig)
    async with (
        scene.rig.changing(scene.id) as one,
        scene.rig.changing(other.id) as two,
    ):
        await one.subscribers.save(scene.person(chat_id=5))
        await two.subscribers.save(other.person(chat_id=5))

    assert len(await _subscribers(scene)) == len(await _subscribers(other)) == 1


async def test_two_who_count_up_the_same_row_both_count(scene: Scene) -> None:
    (ana,) = await scene.subscribe(source="0")

    async def count_up() -> None:
        async with scene.rig.changing(scene.id) as unit:
            found = await unit.subscribers.by_chat(ana.chat_id, lock=True)
            assert found is not None
            await asyncio.sleep(0.01)
            found.source = str(int(found.source or "") + 1)
            await unit.subscribers.save(found)

    await asyncio.gather(*(count_up() for _ in range(5)))

    stored = await scene.subscriber(ana.id)
    assert stored is not None
    assert stored.source == "5"


# One bot never sees another's


async def test_ids_of_another_bot_are_unknown_here(scene: Scene) -> None:
    other = await Scene.set(scene.rig)
    (theirs,) = await other.subscribe()
    broadcast = await other.start()
    campaign_id = broadcast.campaign_id
    async with scene.rig.reading(scene.id) as unit:
        assert await unit.subscribers.by_chat(theirs.chat_id) is None
        assert await unit.subscribers.by_chat(theirs.chat_id, lock=True) is None
        assert await unit.campaigns.get(campaign_id) is None
        assert await unit.campaigns.get(campaign_id, lock=True) is None
        assert await unit.campaigns.revision(campaign_id, 1) is None
        assert await unit.broadcasts.get(broadcast.id) is None
        assert await unit.broadcasts.get(broadcast.id, lock=True) is None
        assert await unit.broadcasts.last_sent(campaign_id, 1) is None
        assert await unit.broadcasts.report(broadcast.id) is None
        assert not await unit.deliveries.audit_counts(broadcast.id)
        assert [row async for row in unit.deliveries.recipients(broadcast.id)] == []
        with pytest.raises(ResourceNotFound):
            await unit.broadcasts.save(broadcast)


async def test_another_bots_audience_is_neither_frozen_nor_cancelled(scene: Scene) -> None:
    other = await Scene.set(scene.rig)
    await scene.subscribe(2)
    await other.subscribe(3)
    fresh = await other.start(freeze=False)
    before = await _everything(other)
    async with scene.rig.on_lane(scene.id) as unit:
        assert await unit.deliveries.freeze(fresh.id) == 0
        assert await unit.deliveries.cancel_pending(fresh.id) == 0

    assert await _everything(other) == before
    assert await other.freeze(fresh) == 3


async def test_another_bots_chat_does_not_move(scene: Scene) -> None:
    other = await Scene.set(scene.rig)
    (theirs,) = await other.subscribe()
    async with scene.rig.changing(scene.id) as unit:
        await unit.subscribers.migrate(theirs.chat_id, ChatId(-99))

    assert await other.subscriber(theirs.id) == theirs


async def test_two_bots_take_in_updates_of_the_same_number(scene: Scene) -> None:
    other = await Scene.set(scene.rig)

    assert await _recorded(scene, 700)
    assert await _recorded(other, 700)


async def test_two_bots_may_both_send(scene: Scene) -> None:
    other = await Scene.set(scene.rig)
    broadcasts = [await each.start(freeze=False) for each in (scene, other)]

    for each, broadcast in zip((scene, other), broadcasts, strict=True):
        assert (await each.report(broadcast)).broadcast.status == "sending"


async def test_nothing_is_left_of_a_removed_bot_but_its_audit_chain(scene: Scene) -> None:
    other = await Scene.set(scene.rig)
    await other.subscribe()
    before = await _everything(other)
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    await scene.enqueue(ana)
    lease = await scene.lease()
    await scene.claim(lease)
    async with scene.rig.changing(scene.id) as unit:
        await unit.bot.remove()

    async with scene.rig.reading(scene.id) as unit:
        with pytest.raises(BotForbidden):
            await unit.bot.get()
        assert await unit.bot.secrets() == BotSecrets()
        assert await unit.broadcasts.get(broadcast.id) is None
        assert await unit.audit.head() is not None
    assert await _subscribers(scene) == []
    assert await scene.acquire() is None
    assert await scene.rig.registry.snapshot(scene.id) is None
    listed = await scene.rig.platform.list_bots(scene.bot.owner_id)
    assert other.id in {bot.id for bot in listed}
    assert scene.id not in {bot.id for bot in listed}
    assert await _everything(other) == before


# Everything that a bot has, as far as it can be asked for


async def _everything(scene: Scene) -> list[object]:
    looks: list[Look] = [
        lambda unit: unit.bot.secrets(),
        lambda unit: unit.subscribers.page(SubscriberFilter(), after=None, limit=100),
        lambda unit: unit.campaigns.page(after=None, limit=100),
        lambda unit: unit.broadcasts.page(before=None, limit=100),
        # Whether it is new: this unit is discarded.
        lambda unit: unit.updates.record(12),
        lambda unit: unit.audit.read(),
    ]
    async with scene.rig.reading(scene.id) as unit:
        seen = [await look(unit) for look in looks]
        campaigns = await unit.campaigns.page(after=None, limit=100)
        seen += [await unit.campaigns.revision(campaign.id, 1) for campaign in campaigns]
        for broadcast in await unit.broadcasts.page(before=None, limit=100):
            seen.append([row async for row in unit.deliveries.recipients(broadcast.id)])
        try:
            seen.append(await unit.bot.get())
        except BotForbidden:
            seen.append("removed")
    seen.append(await scene.rig.registry.snapshot(scene.id))
    return [*seen, await scene.rig.extras(scene.id)]


async def _subscribers(scene: Scene) -> Sequence[Subscriber]:
    async with scene.rig.reading(scene.id) as unit:
        return await unit.subscribers.page(SubscriberFilter(), after=None, limit=100)


async def _recorded(scene: Scene, update_id: int) -> bool:
    async with scene.rig.tenants.unit(scene.id, UnitKind.INBOUND) as unit:
        recorded = await unit.updates.record(update_id)
        await unit.commit()
    return recorded
