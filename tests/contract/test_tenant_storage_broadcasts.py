"""Broadcasts, and the slot that one of a bot may hold."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from skua_core.domain.broadcast import Broadcast, BroadcastStatus, PauseReason
from skua_core.domain.delivery import DeliveryCounts, Reason
from skua_core.domain.subscriber import SubscriberStatus
from skua_core.errors import BroadcastAlreadySending, ResourceNotFound
from skua_core.ids import BroadcastId, UserId
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import ENTRY, StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def stored(scene: Scene, broadcast: Broadcast, *, lock: bool = False) -> Broadcast | None:
    async with scene.rig.reading(scene.id) as unit:
        return await unit.broadcasts.get(broadcast.id, lock=lock)


async def test_a_broadcast_is_kept_as_it_was_added(scene: Scene) -> None:
    broadcast = await scene.start(
        freeze=False, paid=True, created_by=UserId(scene.bot.owner_id), revision=2
    )

    assert await stored(scene, broadcast) == broadcast
    assert await stored(scene, broadcast, lock=True) == broadcast


async def test_two_clicks_never_send_twice(scene: Scene) -> None:
    await scene.start(freeze=False)
    campaign = await scene.compose()
    async with scene.rig.reading(scene.id) as unit:
        with pytest.raises(BroadcastAlreadySending):
            await unit.broadcasts.add(scene.draft(campaign))


async def test_of_clicks_at_the_same_moment_one_wins(scene: Scene) -> None:
    campaign = await scene.compose()

    async def click() -> str:
        try:
            async with scene.rig.changing(scene.id) as unit:
                await unit.broadcasts.add(scene.draft(campaign))
                await asyncio.sleep(0.02)
        except BroadcastAlreadySending:
            return "refused"
        return "sending"

    outcomes = await asyncio.gather(*(click() for _ in range(5)))

    assert sorted(outcomes) == ["refused"] * 4 + ["sending"]


@pytest.mark.external
async def test_a_click_whose_transaction_stays_open_is_not_waited_for_long(
    postgres_storage: StorageRig,
) -> None:
    """Only here: in memory, units of one bot take turns."""
    scene = await Scene.set(postgres_storage)
    campaign = await scene.compose()
    async with scene.rig.changing(scene.id) as first:
        await first.broadcasts.add(scene.draft(campaign))
        async with scene.rig.reading(scene.id) as second, asyncio.timeout(3):
            with pytest.raises(BroadcastAlreadySending):
                await second.broadcasts.add(scene.draft(campaign))


async def test_the_unit_of_whoever_came_second_is_still_good(scene: Scene) -> None:
    running = await scene.start(freeze=False)
    campaign = await scene.compose()
    async with scene.rig.changing(scene.id) as unit:
        await unit.subscribers.save(scene.person(chat_id=31))
        with pytest.raises(BroadcastAlreadySending):
            await unit.broadcasts.add(scene.draft(campaign))
        await unit.subscribers.save(scene.person(chat_id=32))

    async with scene.rig.reading(scene.id) as unit:
        counts = await unit.audience.by_status()
        page = await unit.broadcasts.page(before=None, limit=10)
    assert counts[SubscriberStatus.ACTIVE] == 2
    assert [broadcast.id for broadcast in page] == [running.id]


async def test_resuming_beside_a_running_broadcast_is_refused(scene: Scene) -> None:
    paused = await scene.start(freeze=False)
    await scene.pause(paused)
    await scene.start(freeze=False)

    with pytest.raises(BroadcastAlreadySending):
        await scene.resume(paused)

    again = await stored(scene, paused)
    assert again is not None
    assert again.status is BroadcastStatus.PAUSED


@pytest.mark.parametrize("status", [each for each in BroadcastStatus if each != "sending"])
async def test_only_a_sending_broadcast_holds_the_slot(
    scene: Scene, status: BroadcastStatus
) -> None:
    await scene.start(freeze=False, status=status)
    await scene.start(freeze=False, status=status)

    await scene.start(freeze=False)

    async with scene.rig.reading(scene.id) as unit:
        page = await unit.broadcasts.page(before=None, limit=10)
    assert [broadcast.status for broadcast in page] == ["sending", status, status]


async def test_saving_writes_the_state_and_never_the_counts(scene: Scene) -> None:
    await scene.subscribe(3)
    broadcast = await scene.start()
    before = await stored(scene, broadcast)
    assert before is not None
    later = scene.rig.now() + timedelta(minutes=1)
    async with scene.rig.changing(scene.id) as unit:
        await unit.broadcasts.save(
            msgspec.structs.replace(
                before,
                status=BroadcastStatus.PAUSED,
                pause_reason=PauseReason.CONTENT_REFUSED,
                pause_detail="Bad Request: message is too long",
                revision=2,
                changed_at=later,
                finished_at=later,
                counts=DeliveryCounts(sent=99),
                excluded={SubscriberStatus.BLOCKED: 7},
                frozen_at=None,
            )
        )

    assert await stored(scene, broadcast) == msgspec.structs.replace(
        before,
        status=BroadcastStatus.PAUSED,
        pause_reason=PauseReason.CONTENT_REFUSED,
        pause_detail="Bad Request: message is too long",
        revision=2,
        changed_at=later,
        finished_at=later,
    )


async def test_a_broadcast_that_does_not_exist_can_not_be_saved(scene: Scene) -> None:
    unknown = scene.draft(await scene.compose())
    async with scene.rig.reading(scene.id) as unit:
        with pytest.raises(ResourceNotFound):
            await unit.broadcasts.save(unknown)
        assert await unit.broadcasts.get(unknown.id) is None
        assert await unit.broadcasts.get(unknown.id, lock=True) is None
        assert await unit.broadcasts.report(unknown.id) is None


async def test_when_a_revision_was_last_sent_is_known_however_that_ended(scene: Scene) -> None:
    campaign = await scene.compose(revisions=2)
    now = scene.rig.now()
    async with scene.rig.changing(scene.id) as unit:
        for days, status in ((2, "completed"), (1, "cancelled")):
            await unit.broadcasts.add(
                scene.draft(
                    campaign,
                    status=BroadcastStatus(status),
                    created_at=now - timedelta(days=days),
                )
            )

    async with scene.rig.reading(scene.id) as unit:
        assert await unit.broadcasts.last_sent(campaign.id, 1) == now - timedelta(days=1)
        assert await unit.broadcasts.last_sent(campaign.id, 2) is None


async def test_a_revision_that_a_resume_replaced_was_sent_too(scene: Scene) -> None:
    campaign = await scene.compose(revisions=3)
    now = scene.rig.now()
    async with scene.rig.changing(scene.id) as unit:
        broadcast = scene.draft(campaign, created_at=now)
        await unit.broadcasts.add(broadcast)
        broadcast.pause(PauseReason.OPERATOR, now=now)
        broadcast.resume(now=now, revision=2)
        await unit.broadcasts.save(broadcast)

    async with scene.rig.reading(scene.id) as unit:
        assert await unit.broadcasts.get(broadcast.id) == broadcast
        assert await unit.broadcasts.last_sent(campaign.id, 1) == now
        assert await unit.broadcasts.last_sent(campaign.id, 2) == now
        assert await unit.broadcasts.last_sent(campaign.id, 3) is None


async def test_pages_begin_with_the_newest(scene: Scene) -> None:
    broadcasts = [await scene.start(freeze=False, status=BroadcastStatus.PAUSED) for _ in range(4)]
    running = await scene.start(freeze=False)

    async def ids(
        before: BroadcastId | None, status: BroadcastStatus | None = None
    ) -> list[BroadcastId]:
        async with scene.rig.reading(scene.id) as unit:
            page = await unit.broadcasts.page(before=before, limit=3, status=status)
        return [broadcast.id for broadcast in page]

    newest_first = [broadcast.id for broadcast in [running, *reversed(broadcasts)]]
    assert await ids(None) == newest_first[:3]
    assert await ids(newest_first[2]) == newest_first[3:]
    assert await ids(None, BroadcastStatus.SENDING) == [running.id]
    assert await ids(running.id, BroadcastStatus.PAUSED) == newest_first[1:4]


async def test_a_report_counts_outcomes_by_reason(scene: Scene) -> None:
    people = await scene.subscribe(4)
    broadcast = await scene.start()
    await scene.unsubscribe(people[0])
    lease = await scene.lease()
    sent, blocked, unsure = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.sent(sent), scene.blocked(blocked), scene.unanswered(unsure))

    report = await scene.report(broadcast)

    assert report.reasons == {Reason.UNSUBSCRIBED: 1, Reason.BLOCKED: 1, Reason.NO_ANSWER: 1}
    assert report.broadcast.counts == DeliveryCounts(sent=1, failed=1, skipped=1, uncertain=1)


async def test_after_a_pause_has_been_committed_nothing_is_claimed(scene: Scene) -> None:
    """Claims and the pause at once: whichever comes first, none follows the pause."""
    await scene.subscribe(30)
    broadcast = await scene.start()
    lease = await scene.lease()
    paused = asyncio.Event()
    claimed_after: list[int] = []

    async def claim_on() -> None:
        for _ in range(15):
            over = paused.is_set()
            claim = await scene.claim(lease, room=2)
            if over:
                claimed_after.append(len(claim.deliveries))

    async def pause() -> None:
        await asyncio.sleep(0.01)
        await scene.pause(broadcast)
        paused.set()

    await asyncio.gather(claim_on(), pause())

    assert sum(claimed_after) == 0
    await scene.report(broadcast)


async def test_a_lock_keeps_claims_waiting_until_the_unit_ends(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    async with scene.rig.tenants.unit(scene.id) as unit:
        locked = await unit.broadcasts.get(broadcast.id, lock=True)
        assert locked is not None
        claiming = asyncio.create_task(scene.claim(lease))
        await asyncio.sleep(0.05)
        waited = not claiming.done()
        locked.cancel(now=scene.rig.now())
        await unit.broadcasts.save(locked)
        await unit.audit.append(ENTRY)
        await unit.commit()

    assert waited
    assert (await claiming).deliveries == ()
