"""What comes to light later: that a message arrived after all, and who blocked the bot over it."""

import asyncio
from datetime import datetime, timedelta

import msgspec
import pytest

from skua_core.domain.broadcast import Broadcast, PauseReason
from skua_core.domain.delivery import DeliveryCounts, DeliveryStatus, Reason
from skua_core.domain.subscriber import Profile, Subscriber
from skua_core.ids import ChatId, SourceId
from skua_core.ports.repositories import Unproven
from skua_core.ports.tenant_storage import UnitKind
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import StorageRig

UNCERTAIN = DeliveryStatus.UNCERTAIN


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def unsure_broadcast(scene: Scene) -> Broadcast:
    """Sent to everybody there is, of which nobody knows whether it arrived."""
    broadcast = await scene.start()
    lease = await scene.lease()
    deliveries = (await scene.claim(lease)).deliveries
    await scene.settle(lease, *(scene.unanswered(delivery) for delivery in deliveries))
    await scene.release(lease)
    return broadcast


async def sent_broadcast(scene: Scene) -> Broadcast:
    broadcast = await scene.start()
    lease = await scene.lease()
    await scene.send_all(lease)
    await scene.release(lease)
    return broadcast


async def unproven(scene: Scene, chat_id: int) -> list[Unproven]:
    async with scene.rig.reading(scene.id) as unit:
        return list(await unit.deliveries.unproven(ChatId(chat_id)))


async def prove(scene: Scene, source_id: object, chat_id: int, message_id: int = 9) -> bool:
    async with scene.rig.tenants.unit(scene.id, UnitKind.INBOUND) as unit:
        proven = await unit.deliveries.prove(
            SourceId(source_id),  # type: ignore[arg-type]  # any source's id
            ChatId(chat_id),
            message_id,
        )
        await unit.commit()
    return proven


async def note_block(
    scene: Scene, subscriber: Subscriber, at: datetime | None = None
) -> Broadcast | None:
    """At this second, by Telegram's dates."""
    async with scene.rig.tenants.unit(scene.id, UnitKind.INBOUND) as unit:
        counted = await unit.broadcasts.note_block(
            subscriber.chat_id, at or scene.rig.now().replace(microsecond=0)
        )
        await unit.commit()
    return counted


# What isn't proven yet


async def test_uncertain_deliveries_of_a_chat_tell_what_they_would_have_said(scene: Scene) -> None:
    (ana, _) = await scene.subscribe(2, profile=Profile(first_name="Ana", language="es"))
    broadcast = await unsure_broadcast(scene)

    (found,) = await unproven(scene, ana.chat_id)

    assert found.source_id == SourceId(broadcast.id)
    assert found.campaign_id == broadcast.campaign_id
    assert (found.revision, found.attempt) == (1, 1)
    assert found.claimed_at <= found.finished_at


async def test_only_uncertain_deliveries_of_that_chat_are_unproven(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await sent_broadcast(scene)
    (ben,) = await scene.subscribe()
    await scene.unsubscribe(ana)
    await unsure_broadcast(scene)

    assert await unproven(scene, ana.chat_id) == []
    assert len(await unproven(scene, ben.chat_id)) == 1
    assert await unproven(scene, 123456) == []


async def test_the_newest_come_first(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcasts = [await unsure_broadcast(scene) for _ in range(3)]

    found = await unproven(scene, ana.chat_id)

    assert [each.source_id for each in found] == [SourceId(each.id) for each in broadcasts[::-1]]


# Proof


async def test_a_proven_delivery_is_sent(scene: Scene) -> None:
    ana, _ = await scene.subscribe(2)
    broadcast = await unsure_broadcast(scene)

    assert await prove(scene, broadcast.id, ana.chat_id, message_id=9)

    first, second = await scene.recipients(broadcast)
    assert (first.status, first.reason, first.message_id) == ("sent", None, 9)
    assert second.status == "uncertain"
    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(sent=1, uncertain=1)


async def test_what_is_proven_once_needs_no_second_proof(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await unsure_broadcast(scene)
    await prove(scene, broadcast.id, ana.chat_id, message_id=9)

    assert not await prove(scene, broadcast.id, ana.chat_id, message_id=10)

    assert (await scene.recipients(broadcast))[0].message_id == 9


async def test_a_proof_settles_a_row_that_was_made_pending_again(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await unsure_broadcast(scene)
    await scene.resend(broadcast, UNCERTAIN)
    await scene.resend_next(broadcast)

    assert await prove(scene, broadcast.id, ana.chat_id)

    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(sent=1)
    assert report.broadcast.status == "completed"
    assert report.broadcast.finished_at is not None


async def test_a_proof_completes_nothing_while_rows_are_still_to_be_moved(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await unsure_broadcast(scene)
    await scene.resend(broadcast, UNCERTAIN)

    assert await prove(scene, broadcast.id, ana.chat_id)

    assert (await scene.report(broadcast)).broadcast.status == "sending"
    await scene.resend_next(broadcast)
    assert (await scene.report(broadcast)).broadcast.status == "completed"


async def test_a_proof_for_a_cancelled_broadcast_makes_it_final_with_its_last_row(
    scene: Scene,
) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await unsure_broadcast(scene)
    await scene.resend(broadcast, UNCERTAIN)
    await scene.resend_next(broadcast)
    await scene.cancel(broadcast)

    assert await prove(scene, broadcast.id, ana.chat_id)

    report = await scene.report(broadcast)
    assert (report.broadcast.status, report.broadcast.counts) == (
        "cancelled",
        DeliveryCounts(sent=1),
    )
    assert report.broadcast.finished_at is not None


@pytest.mark.parametrize("state", ["pending", "in_flight", "failed", "sent"])
async def test_nothing_else_needs_a_proof(scene: Scene, state: str) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    if state != "pending":
        (delivery,) = (await scene.claim(lease)).deliveries
        if state != "in_flight":
            outcome = scene.blocked if state == "failed" else scene.sent
            await scene.settle(lease, outcome(delivery))
    before = await scene.recipients(broadcast)

    assert not await prove(scene, broadcast.id, ana.chat_id)

    assert await scene.recipients(broadcast) == before


async def test_a_proof_of_something_unknown_proves_nothing(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await unsure_broadcast(scene)

    assert not await prove(scene, scene.rig.ids.new(), ana.chat_id)
    assert not await prove(scene, broadcast.id, 123456)


async def test_a_reply_can_be_proven_too(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    key = await scene.enqueue(ana)
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.unanswered(delivery))

    assert await prove(scene, key.source_id, ana.chat_id)
    assert not await prove(scene, key.source_id, ana.chat_id)


async def test_a_proof_and_a_late_answer_at_once_count_once(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.unanswered(delivery))

    await asyncio.gather(
        prove(scene, broadcast.id, ana.chat_id), scene.settle(lease, scene.sent(delivery))
    )

    assert (await scene.report(broadcast)).broadcast.counts == DeliveryCounts(sent=1)


# Blocks


async def test_a_block_counts_for_the_broadcast_that_came_before_it(scene: Scene) -> None:
    ana, _ = await scene.subscribe(2)
    broadcast = await sent_broadcast(scene)

    counted = await note_block(scene, ana)

    assert counted is not None
    assert (counted.id, counted.blocks) == (broadcast.id, 1)
    assert counted == (await scene.report(broadcast)).broadcast
    assert (await scene.report(broadcast)).reasons == {Reason.BLOCKED_AFTER: 1}
    assert await scene.statuses(broadcast) == [("sent", "blocked_after"), ("sent", None)]


async def test_each_recipient_counts_once(scene: Scene) -> None:
    ana, ben = await scene.subscribe(2)
    broadcast = await sent_broadcast(scene)

    counted = [await note_block(scene, person) for person in (ana, ana, ben)]

    assert [each and each.blocks for each in counted] == [1, None, 2]
    assert (await scene.report(broadcast)).broadcast.blocks == 2


async def test_a_block_before_the_message_does_not_count(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    before = scene.rig.now() - timedelta(seconds=3)
    broadcast = await sent_broadcast(scene)

    assert await note_block(scene, ana, before) is None
    assert (await scene.report(broadcast)).broadcast.blocks == 0


@pytest.mark.parametrize("state", ["pending", "in_flight", "uncertain"])
async def test_only_who_received_it_counts(scene: Scene, state: str) -> None:
    (ana,) = await scene.subscribe()
    await scene.start()
    lease = await scene.lease()
    if state != "pending":
        (delivery,) = (await scene.claim(lease)).deliveries
        if state == "uncertain":
            await scene.settle(lease, scene.unanswered(delivery))

    assert await note_block(scene, ana) is None


async def test_the_broadcast_that_is_being_sent_comes_first(scene: Scene) -> None:
    ana, _ = await scene.subscribe(2)
    older = await sent_broadcast(scene)
    newer = await scene.start()
    lease = await scene.lease()
    not_yet = await note_block(scene, ana)
    (first,) = (await scene.claim(lease, room=1)).deliveries
    await scene.settle(lease, scene.sent(first))

    counted = await note_block(scene, ana)

    assert not_yet is not None
    assert counted is not None
    assert (not_yet.id, counted.id) == (older.id, newer.id)
    assert counted.status == "sending"


async def test_what_was_finished_long_ago_is_not_to_blame(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await sent_broadcast(scene)
    async with scene.rig.changing(scene.id) as unit:
        stored = await unit.broadcasts.get(broadcast.id, lock=True)
        assert stored is not None
        stored.finished_at = scene.rig.now() - timedelta(days=1, minutes=1)
        await unit.broadcasts.save(stored)

    assert await note_block(scene, ana) is None


async def test_blocks_are_counted_anew_after_a_pause_for_harm(scene: Scene) -> None:
    people = await scene.subscribe(3)
    broadcast = await scene.start()
    lease = await scene.lease()
    (first,) = (await scene.claim(lease, room=1)).deliveries
    await scene.settle(lease, scene.sent(first))
    await note_block(scene, people[0])
    async with scene.rig.changing(scene.id) as unit:
        stored = await unit.broadcasts.get(broadcast.id, lock=True)
        assert stored is not None
        stored.pause(PauseReason.HARM, now=scene.rig.now())
        stored.resume(now=scene.rig.now())
        await unit.broadcasts.save(stored)

    resumed = (await scene.report(broadcast)).broadcast

    assert (resumed.blocks, resumed.blocks_since) == (0, 1)


async def test_blocks_at_once_are_all_counted(scene: Scene) -> None:
    people = await scene.subscribe(4)
    broadcast = await sent_broadcast(scene)

    await asyncio.gather(*(note_block(scene, person) for person in people))

    assert (await scene.report(broadcast)).broadcast.blocks == 4


async def test_a_late_answer_leaves_the_block_counted_once(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.sent(delivery))
    await note_block(scene, ana)

    await scene.settle(lease, scene.sent(delivery))

    assert await note_block(scene, ana) is None
    assert await scene.statuses(broadcast) == [("sent", "blocked_after")]


async def test_a_stranger_who_blocks_the_bot_counts_for_nothing(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await sent_broadcast(scene)

    assert await note_block(scene, msgspec.structs.replace(ana, chat_id=ChatId(123456))) is None
