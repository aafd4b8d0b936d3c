"""What a claim takes, in which order, and what it leaves."""

import msgspec
import pytest

from skua_core.domain.bot import TokenState
from skua_core.domain.content import Personalisation
from skua_core.domain.delivery import Claim, DeliveryCounts, DeliveryKind, DirectOrigin
from skua_core.domain.subscriber import Profile
from skua_core.ids import AutoMessageId
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
    assert (delivery.message, delivery.origin) == (None, None)
    assert (delivery.migrated, delivery.refused) == (False, False)
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
    assert delivery.origin is None


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


async def test_a_broadcast_may_have_less_room_than_replies(scene: Scene) -> None:
    people = await scene.subscribe(8)
    await scene.start()
    for person in people[4:]:
        await scene.enqueue(person)

    claim = await scene.claim(await scene.lease(), room=4, direct_room=1, broadcast_room=1)

    kinds = [delivery.kind for delivery in claim.deliveries]
    assert kinds == [DeliveryKind.REPLY] * 3 + [DeliveryKind.BROADCAST]
    assert claim.more


async def test_room_for_one_of_a_broadcast_is_one_with_what_was_put_back(scene: Scene) -> None:
    people = await scene.subscribe(4)
    await scene.start()
    lease = await scene.lease()
    first = (await scene.claim(lease, room=2)).deliveries
    await scene.settle(lease, *(scene.put_back(delivery) for delivery in first))
    await scene.rig.let_pass(0.1)

    claim = await scene.claim(lease, broadcast_room=1)

    assert chats(claim) == [people[0].chat_id]


async def test_a_broadcast_without_room_keeps_replies_from_nothing(scene: Scene) -> None:
    people = await scene.subscribe(3)
    broadcast = await scene.start()
    for person in people:
        await scene.enqueue(person)

    claim = await scene.claim(await scene.lease(), room=3, direct_room=1, broadcast_room=0)

    assert [delivery.kind for delivery in claim.deliveries] == [DeliveryKind.REPLY] * 3
    assert await scene.statuses(broadcast) == [("pending", None)] * 3


async def test_what_was_put_back_has_all_the_room_when_nothing_new_follows(scene: Scene) -> None:
    await scene.subscribe(4)
    await scene.start()
    lease = await scene.lease()
    first = (await scene.claim(lease)).deliveries
    await scene.settle(lease, *(scene.put_back(delivery) for delivery in first))
    await scene.rig.let_pass(0.1)

    assert len((await scene.claim(lease, room=4)).deliveries) == 4


# What has been received


async def test_a_claim_tells_which_wordings_somebody_has_received(scene: Scene) -> None:
    await scene.subscribe(2)
    broadcast = await scene.start()
    lease = await scene.lease()
    before = await scene.claim(lease, room=1)
    for wording in ("1:", "1:es", "1:"):
        await scene.note_received(lease, broadcast.id, wording)

    after = await scene.claim(lease)

    assert before.received == ()
    assert sorted(after.received) == ["1:", "1:es"]


async def test_what_was_received_of_something_unknown_harms_nothing(scene: Scene) -> None:
    await scene.note_received(await scene.lease(), scene.rig.ids.new(), "1:")


# Where a single message comes from


async def test_a_message_made_from_a_campaign_tells_its_origin(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    campaign = await scene.compose()
    origin = DirectOrigin(
        campaign_id=campaign.id,
        revision=1,
        variant="es",
        auto_message_id=AutoMessageId(scene.rig.ids.new()),
    )
    await scene.enqueue(ana, origin=origin)
    lease = await scene.lease()

    (delivery,) = (await scene.claim(lease)).deliveries

    assert delivery.origin == origin
    assert (delivery.campaign_id, delivery.revision) == (None, None)
    assert await scene.in_flight(lease) == [delivery]


async def test_a_test_has_an_origin_without_an_auto_message(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    origin = DirectOrigin(campaign_id=(await scene.compose()).id, revision=1)
    await scene.enqueue(ana, DeliveryKind.TEST, origin=origin)

    (delivery,) = (await scene.claim(await scene.lease())).deliveries

    assert delivery.origin == origin
