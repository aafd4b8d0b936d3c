"""What a claim takes, in which order, and what it leaves."""

import msgspec
import pytest

from skua_core.domain.bot import TokenState
from skua_core.domain.content import Personalisation
from skua_core.domain.delivery import Claim, DeliveryCounts, DeliveryKind
from skua_core.domain.subscriber import Profile, Reach
from skua_core.ports.repositories import BotSecrets
from tests.contract.rigs.scene import SEALED, Scene, chats, hello
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


# Gates


@pytest.mark.parametrize(
    "closed",
    [
        {"read_only": True},
        {"token_state": TokenState.REVOKED},
        {"token_state": TokenState.UNREADABLE},
    ],
)
async def test_a_bot_whose_gate_is_closed_gets_nothing(
    scene: Scene, closed: dict[str, object]
) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana)
    broadcast = await scene.start()
    lease = await scene.lease()
    async with scene.rig.changing(scene.id) as unit:
        bot = await unit.bot.get(lock=True)
        await unit.bot.save(msgspec.structs.replace(bot, **closed))

    claim = await scene.claim(lease)

    assert (claim.deliveries, claim.sealed_token) == ((), None)
    assert await scene.statuses(broadcast) == [("pending", None)]


async def test_a_bot_without_a_token_gets_nothing(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    async with scene.rig.changing(scene.id) as unit:
        await unit.bot.save_secrets(BotSecrets())

    claim = await scene.claim(await scene.lease())

    assert (claim.deliveries, claim.sealed_token) == ((), None)


async def test_a_claim_brings_the_sealed_token(scene: Scene) -> None:
    assert (await scene.claim(await scene.lease())).sealed_token == SEALED


async def test_nothing_is_claimed_while_a_pause_lasts(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana)
    await scene.start()
    lease = await scene.lease()
    await scene.hold(lease, wait=5)

    during = await scene.claim(lease)
    await scene.rig.let_pass(6)
    after = await scene.claim(lease)

    assert during.deliveries == ()
    assert during.next_due_in == pytest.approx(5, abs=1)
    assert len(after.deliveries) == 1


async def test_a_broadcast_that_is_not_frozen_yet_is_named(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start(freeze=False)
    lease = await scene.lease()

    before = await scene.claim(lease)
    await scene.freeze(broadcast)
    after = await scene.claim(lease)

    assert (before.deliveries, before.to_freeze) == ((), broadcast.id)
    assert (len(after.deliveries), after.to_freeze) == (1, None)


async def test_nothing_is_claimed_from_a_paused_broadcast_until_it_is_resumed(
    scene: Scene,
) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    await scene.pause(broadcast)

    during = await scene.claim(lease)
    await scene.resume(broadcast)
    after = await scene.claim(lease)

    assert (during.deliveries, during.more, during.to_freeze) == ((), False, None)
    assert len(after.deliveries) == 1


async def test_nothing_is_claimed_from_a_cancelled_broadcast_which_is_named_until_it_is_final(
    scene: Scene,
) -> None:
    await scene.subscribe(3)
    broadcast = await scene.start()
    lease = await scene.lease()
    await scene.cancel(broadcast)

    before = await scene.claim(lease)
    await scene.cancel_pending(broadcast)
    after = await scene.claim(lease)

    assert (before.deliveries, before.to_cancel) == ((), broadcast.id)
    assert (after.deliveries, after.to_cancel) == ((), None)


# What a delivery carries


async def test_a_broadcasts_delivery_carries_what_is_needed_to_send_it(scene: Scene) -> None:
    (ana,) = await scene.subscribe(
        profile=Profile(first_name="Ana", username="ana", language="es"),
        attributes={"city": "Vigo"},
    )
    broadcast = await scene.start(paid=True)

    (delivery,) = (await scene.claim(await scene.lease())).deliveries

    assert delivery.key.source_id == broadcast.id
    assert (delivery.kind, delivery.attempt, delivery.paid) == (DeliveryKind.BROADCAST, 1, True)
    assert (delivery.subscriber_id, delivery.chat_id) == (ana.id, ana.chat_id)
    assert (delivery.campaign_id, delivery.revision) == (broadcast.campaign_id, 1)
    assert (delivery.message, delivery.migrated) == (None, False)
    assert delivery.values == Personalisation(
        first_name="Ana", username="ana", language="es", attributes={"city": "Vigo"}
    )


async def test_a_reply_carries_its_message_and_no_campaign(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    key = await scene.enqueue(ana, text="You are welcome")

    (delivery,) = (await scene.claim(await scene.lease())).deliveries

    assert delivery.key == key
    assert (delivery.kind, delivery.chat_id) == (DeliveryKind.REPLY, ana.chat_id)
    assert (delivery.campaign_id, delivery.revision) == (None, None)
    assert delivery.message == hello("You are welcome")


async def test_the_rest_of_a_resumed_broadcast_gets_the_new_revision(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    first = await scene.claim(lease, room=1)
    await scene.pause(broadcast)
    await scene.resume(broadcast, revision=2)

    second = await scene.claim(lease)

    assert [delivery.revision for delivery in first.deliveries] == [1]
    assert [delivery.revision for delivery in second.deliveries] == [2]


# Order and room


async def test_a_broadcast_is_claimed_by_position_each_row_once(scene: Scene) -> None:
    people = await scene.subscribe(5)
    broadcast = await scene.start()
    lease = await scene.lease()

    claims = [await scene.claim(lease, room=2) for _ in range(4)]

    assert [chats(claim) for claim in claims] == [
        [people[0].chat_id, people[1].chat_id],
        [people[2].chat_id, people[3].chat_id],
        [people[4].chat_id],
        [],
    ]
    assert [claim.more for claim in claims] == [True, True, False, False]
    report = await scene.report(broadcast)
    assert report.broadcast.counts == DeliveryCounts(in_flight=5)


async def test_what_a_person_waits_for_leaves_first(scene: Scene) -> None:
    people = await scene.subscribe(4)
    await scene.start()
    await scene.enqueue(people[1], DeliveryKind.AUTO_MESSAGE)
    await scene.enqueue(people[2], DeliveryKind.TEST)
    await scene.enqueue(people[3], DeliveryKind.REPLY)
    lease = await scene.lease()

    claim = await scene.claim(lease)

    assert [delivery.kind for delivery in claim.deliveries] == [
        DeliveryKind.REPLY,
        DeliveryKind.TEST,
        DeliveryKind.AUTO_MESSAGE,
        DeliveryKind.BROADCAST,
    ]
    assert chats(claim)[-1] == people[0].chat_id


async def test_replies_leave_in_the_order_in_which_they_were_queued(scene: Scene) -> None:
    people = await scene.subscribe(3)
    keys = [await scene.enqueue(person) for person in reversed(people)]

    claim = await scene.claim(await scene.lease())

    assert [delivery.key for delivery in claim.deliveries] == keys


async def test_a_waiting_broadcast_keeps_its_share_of_the_room(scene: Scene) -> None:
    people = await scene.subscribe(8)
    for person in people[4:]:
        await scene.enqueue(person)
    await scene.start()

    claim = await scene.claim(await scene.lease(), room=5, direct_room=3)

    kinds = [delivery.kind for delivery in claim.deliveries]
    assert kinds == [DeliveryKind.REPLY] * 3 + [DeliveryKind.BROADCAST] * 2
    assert claim.more


async def test_without_a_broadcast_replies_have_all_the_room(scene: Scene) -> None:
    for person in await scene.subscribe(4):
        await scene.enqueue(person)

    claim = await scene.claim(await scene.lease(), room=3, direct_room=1)

    assert len(claim.deliveries) == 3
    assert claim.more


async def test_a_paused_broadcast_keeps_no_room(scene: Scene) -> None:
    people = await scene.subscribe(4)
    await scene.pause(await scene.start())
    for person in people:
        await scene.enqueue(person)

    claim = await scene.claim(await scene.lease(), room=3, direct_room=1)

    assert len(claim.deliveries) == 3


async def test_no_room_means_no_claim(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()

    claim = await scene.claim(await scene.lease(), room=0, direct_room=0)

    assert (claim.deliveries, claim.more) == ((), True)
    assert await scene.statuses(broadcast) == [("pending", None)]


async def test_an_empty_lane_has_no_more(scene: Scene) -> None:
    assert await scene.claim(await scene.lease()) == Claim(sealed_token=SEALED)


# One at a time per chat


async def test_a_reply_waits_while_its_chat_is_busy_and_holds_up_nobody_else(scene: Scene) -> None:
    ana, ben = await scene.subscribe(2)
    await scene.enqueue(ana)
    await scene.enqueue(ben)
    lease = await scene.lease()

    busy = await scene.claim(lease, busy=[ana.chat_id])
    free = await scene.claim(lease)

    assert (chats(busy), busy.more) == ([ben.chat_id], False)
    assert chats(free) == [ana.chat_id]


async def test_busy_chats_do_not_use_up_the_room_of_replies(scene: Scene) -> None:
    people = await scene.subscribe(6)
    for person in people:
        await scene.enqueue(person)
    busy = [person.chat_id for person in people[:4]]

    claim = await scene.claim(await scene.lease(), room=2, busy=busy)

    assert chats(claim) == [people[4].chat_id, people[5].chat_id]


async def test_two_replies_to_one_chat_leave_one_after_the_other(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    keys = [await scene.enqueue(ana), await scene.enqueue(ana)]
    lease = await scene.lease()

    first = await scene.claim(lease)
    second = await scene.claim(lease)

    assert [delivery.key for delivery in first.deliveries] == keys[:1]
    assert [delivery.key for delivery in second.deliveries] == keys[1:]


async def test_a_broadcast_goes_on_past_a_busy_chat_and_comes_back_to_it(scene: Scene) -> None:
    ana, ben = await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()

    first = await scene.claim(lease, busy=[ana.chat_id])
    at_once = await scene.claim(lease)
    await scene.rig.let_pass(1.1)
    later = await scene.claim(lease)

    assert chats(first) == [ben.chat_id]
    assert chats(at_once) == []
    assert at_once.next_due_in == pytest.approx(1, abs=0.2)
    assert chats(later) == [ana.chat_id]
    assert await scene.statuses(broadcast) == [("in_flight", None)] * 2


async def test_one_claim_takes_no_second_message_to_a_chat(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    await scene.enqueue(ana)

    claim = await scene.claim(await scene.lease())

    assert [delivery.kind for delivery in claim.deliveries] == [DeliveryKind.REPLY]
    assert await scene.statuses(broadcast) == [("pending", None)]


# Put back


async def test_what_was_put_back_is_claimed_when_it_comes_due(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(delivery, retry_in=30))

    early = await scene.claim(lease)
    await scene.rig.let_pass(31)
    due = await scene.claim(lease)

    assert (early.deliveries, early.more) == ((), False)
    assert early.next_due_in == pytest.approx(30, abs=1)
    assert due.deliveries == (delivery,)
    assert due.next_due_in is None


async def test_a_reply_that_was_put_back_tells_when_it_comes_due(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana)
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(delivery, retry_in=5))

    claim = await scene.claim(lease)

    assert claim.deliveries == ()
    assert claim.next_due_in == pytest.approx(5, abs=1)


async def test_what_was_put_back_of_a_paused_broadcast_is_not_awaited(scene: Scene) -> None:
    await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(delivery, retry_in=5))
    await scene.pause(broadcast)

    assert (await scene.claim(lease)).next_due_in is None


async def test_what_was_put_back_leaves_ahead_of_new_rows_without_starving_them(
    scene: Scene,
) -> None:
    people = await scene.subscribe(8)
    await scene.start()
    lease = await scene.lease()
    first = await scene.claim(lease, room=4)
    await scene.settle(lease, *(scene.put_back(delivery) for delivery in first.deliveries))
    await scene.rig.let_pass(0.1)

    second = await scene.claim(lease, room=4)

    assert chats(second)[0] in {person.chat_id for person in people[:4]}
    assert set(chats(second)) & {person.chat_id for person in people[4:]}
    assert len(second.deliveries) == 4
    assert second.more


# Who gets nothing any more


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subscribed": False}, "unsubscribed"),
        ({"reach": Reach.BLOCKED}, "unreachable"),
        ({"reach": Reach.DEACTIVATED}, "unreachable"),
        ({"reach": Reach.INVALID, "subscribed": False}, "unreachable"),
    ],
)
async def test_who_left_after_the_freeze_is_skipped(
    scene: Scene, change: dict[str, object], reason: str
) -> None:
    ana, ben = await scene.subscribe(2)
    broadcast = await scene.start()
    await scene.change(ana, **change)

    claim = await scene.claim(await scene.lease())

    assert chats(claim) == [ben.chat_id]
    assert await scene.statuses(broadcast) == [("skipped", reason), ("in_flight", None)]


async def test_who_was_erased_after_the_freeze_is_skipped(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    await scene.rig.erase(scene.id, ana.id)

    claim = await scene.claim(await scene.lease())

    assert claim.deliveries == ()
    assert await scene.statuses(broadcast) == [("skipped", "erased")]


async def test_who_left_while_a_delivery_was_put_back_is_skipped(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease)).deliveries
    await scene.settle(lease, scene.put_back(delivery))
    await scene.unsubscribe(ana)
    await scene.rig.let_pass(0.1)

    claim = await scene.claim(lease)

    assert claim.deliveries == ()
    assert await scene.statuses(broadcast) == [("skipped", "unsubscribed")]


@pytest.mark.parametrize(
    ("kind", "change", "leaves"),
    [
        (DeliveryKind.REPLY, {"subscribed": False}, True),
        (DeliveryKind.TEST, {"subscribed": False}, False),
        (DeliveryKind.AUTO_MESSAGE, {"subscribed": False}, False),
        (DeliveryKind.REPLY, {"reach": Reach.BLOCKED}, False),
        (DeliveryKind.AUTO_MESSAGE, {"reach": Reach.BLOCKED}, False),
    ],
)
async def test_unsubscribed_people_get_replies_only_and_blockers_get_nothing(
    scene: Scene, kind: DeliveryKind, change: dict[str, object], *, leaves: bool
) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana, kind)
    await scene.change(ana, **change)
    lease = await scene.lease()

    claim = await scene.claim(lease)

    assert len(claim.deliveries) == leaves
    assert (await scene.claim(lease)).deliveries == ()


async def test_a_reply_that_is_too_late_is_dropped_even_if_its_subscriber_comes_back(
    scene: Scene,
) -> None:
    (ana,) = await scene.subscribe()
    await scene.enqueue(ana, lifetime=600)
    await scene.rig.let_pass(601)

    claim = await scene.claim(await scene.lease())

    assert (claim.deliveries, claim.next_due_in) == ((), None)


async def test_a_broadcast_never_expires(scene: Scene) -> None:
    await scene.subscribe()
    await scene.start()
    await scene.rig.let_pass(90 * 86_400)

    assert len((await scene.claim(await scene.lease())).deliveries) == 1


async def test_a_claim_that_skips_the_last_rows_completes_the_broadcast(scene: Scene) -> None:
    people = await scene.subscribe(3)
    broadcast = await scene.start()
    for person in people:
        await scene.unsubscribe(person)

    await scene.claim(await scene.lease())

    report = await scene.report(broadcast)
    assert report.broadcast.status == "completed"
    assert report.broadcast.finished_at is not None
    assert report.broadcast.counts == DeliveryCounts(skipped=3)


async def test_a_broadcast_with_rows_in_flight_is_not_completed_by_a_claim(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    await scene.claim(lease)
    await scene.claim(lease)

    report = await scene.report(broadcast)
    assert report.broadcast.status == "sending"
    assert report.broadcast.finished_at is None
