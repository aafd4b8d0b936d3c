"""The short way of turns does what the long way does, or nothing at all."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters.tenant_storage.in_memory.turn_groups import InMemoryTurnGroups
from skua_adapters.tenant_storage.postgres.turn_groups import PostgresTurnGroups
from skua_core.domain.bot import Bot
from skua_core.domain.broadcast import BroadcastStatus
from skua_core.domain.delivery import (
    Claim,
    ClaimedDelivery,
    DeliveryKey,
    DeliveryStatus,
    Reason,
    Settlement,
)
from skua_core.domain.lane import ClaimOrder, Lease
from skua_core.domain.subscriber import ChatKind, Reach, Subscriber
from skua_core.ids import ChatId, LeaseId, SourceId, SubscriberId
from skua_core.ports.tenant_storage import UnitKind
from skua_core.ports.turn_groups import PlainTurn, TurnGroups, is_plain
from tests.contract.rigs.scene import SEALED, Scene, chats
from tests.contract.rigs.storage import StorageRig

AUDIENCE, ROOM = 12, 4
Change = Callable[[Scene, list[Subscriber]], Awaitable[None]]


@pytest.fixture
def in_memory_groups(in_memory_storage: StorageRig) -> tuple[StorageRig, TurnGroups]:
    return in_memory_storage, InMemoryTurnGroups(in_memory_storage.tenants)


@pytest.fixture
def postgres_groups(
    postgres_storage: StorageRig, app_engine: AsyncEngine
) -> tuple[StorageRig, TurnGroups]:
    return postgres_storage, PostgresTurnGroups(app_engine, times=postgres_storage.times)


@pytest.fixture(
    params=["in_memory_groups", pytest.param("postgres_groups", marks=pytest.mark.external)]
)
def both(request: pytest.FixtureRequest) -> tuple[StorageRig, TurnGroups]:
    pair: tuple[StorageRig, TurnGroups] = request.getfixturevalue(request.param)
    return pair


@pytest.fixture
def rig(both: tuple[StorageRig, TurnGroups]) -> StorageRig:
    return both[0]


@pytest.fixture
def groups(both: tuple[StorageRig, TurnGroups]) -> TurnGroups:
    return both[1]


def turn(
    lease: Lease, settlements: Sequence[Settlement] = (), *, busy: Sequence[int] = ()
) -> PlainTurn:
    order = ClaimOrder(
        room=ROOM,
        direct_room=ROOM,
        busy_chats=frozenset(busy),
        busy_with_others=frozenset(busy),
    )
    return PlainTurn(lease=lease, settlements=settlements, order=order)


async def by_unit(scene: Scene, wanted: PlainTurn) -> Claim:
    async with scene.rig.on_lane(scene.id) as unit:
        if wanted.settlements:
            await unit.lane.settle(wanted.lease, wanted.settlements)
        return await unit.lane.claim(wanted.lease, wanted.order)


async def sending(rig: StorageRig) -> tuple[Scene, Lease]:
    scene = await Scene.set(rig)
    await scene.subscribe(AUDIENCE)
    await scene.start()
    return scene, await scene.lease()


# What a lane in the middle of a broadcast gets


async def test_a_lane_gets_what_follows_with_all_that_sending_takes(
    rig: StorageRig, groups: TurnGroups
) -> None:
    scene = await Scene.set(rig)
    people = await scene.subscribe(AUDIENCE, attributes={"city": "Vigo"})
    broadcast = await scene.start(paid=True)
    lease = await scene.lease()

    (claim,) = await groups.take([turn(lease)])

    assert claim is not None
    assert chats(claim) == [person.chat_id for person in people[:ROOM]]
    assert (claim.sealed_token, claim.more, claim.next_due_in) == (SEALED, True, None)
    first = claim.deliveries[0]
    assert first.key == DeliveryKey(SourceId(broadcast.id), 1)
    assert (first.campaign_id, first.revision, first.paid) == (broadcast.campaign_id, 1, True)
    assert first.values == people[0].personalisation
    assert list(await scene.in_flight(lease)) == list(claim.deliveries)


async def test_answers_are_recorded_before_the_next_are_claimed(
    rig: StorageRig, groups: TurnGroups
) -> None:
    scene, lease = await sending(rig)
    (first,) = await groups.take([turn(lease)])
    assert first is not None

    (second,) = await groups.take([turn(lease, [scene.sent(each) for each in first.deliveries])])

    assert second is not None
    assert [each.key.position for each in second.deliveries] == [5, 6, 7, 8]
    async with rig.reading(scene.id) as unit:
        (broadcast,) = await unit.broadcasts.page(before=None, limit=1)
    assert (broadcast.counts.sent, broadcast.counts.in_flight) == (ROOM, ROOM)
    assert (await scene.recipients(broadcast))[0].message_id == 77


async def test_many_lanes_are_served_at_once_each_with_its_own(
    rig: StorageRig, groups: TurnGroups
) -> None:
    lanes = [await sending(rig) for _ in range(3)]

    claims = await groups.take([turn(lease) for _, lease in reversed(lanes)])
    recorded = await groups.take(
        [
            turn(lease, [scene.sent(each) for each in claim.deliveries])
            for (scene, lease), claim in zip(reversed(lanes), claims, strict=True)
            if claim is not None
        ]
    )

    for (scene, lease), claim in zip(reversed(lanes), recorded, strict=True):
        assert claim is not None
        assert list(await scene.in_flight(lease)) == list(claim.deliveries)
        async with rig.reading(scene.id) as unit:
            (broadcast,) = await unit.broadcasts.page(before=None, limit=1)
        assert (await scene.report(broadcast)).broadcast.counts.sent == ROOM


# Held to the long way: two bots in the same state, one turn each


def all_sent(scene: Scene, claimed: Sequence[ClaimedDelivery]) -> list[Settlement]:
    return [scene.sent(each) for each in claimed]


def nothing(_scene: Scene, _claimed: Sequence[ClaimedDelivery]) -> list[Settlement]:
    return []


def one_of_each(scene: Scene, claimed: Sequence[ClaimedDelivery]) -> list[Settlement]:
    first, second, third, fourth = claimed
    refused = scene.outcome(
        first, DeliveryStatus.FAILED, reason=Reason.REFUSED, detail="Bad Request: no"
    )
    return [
        refused,
        scene.blocked(second, started_at=scene.rig.now().replace(year=2099)),
        scene.unanswered(third),
        scene.put_back(fourth, retry_in=60),
    ]


def put_back_for_later(scene: Scene, claimed: Sequence[ClaimedDelivery]) -> list[Settlement]:
    return [scene.put_back(each, retry_in=60) for each in claimed]


async def nothing_happens(_scene: Scene, _people: list[Subscriber]) -> None:
    """The audience stays as it was."""


async def some_leave(scene: Scene, people: list[Subscriber]) -> None:
    await scene.unsubscribe(people[4])
    await scene.block(people[5])
    await scene.rig.erase(scene.id, people[6].id)


async def somebody_waits_for_a_reply(scene: Scene, people: list[Subscriber]) -> None:
    await scene.enqueue(people[1])


async def it_is_paused(scene: Scene, _people: list[Subscriber]) -> None:
    await _switch(scene, "pause")


async def it_is_cancelled(scene: Scene, _people: list[Subscriber]) -> None:
    await _switch(scene, "cancel")


async def the_bot_is_read_only(scene: Scene, _people: list[Subscriber]) -> None:
    async with scene.rig.changing(scene.id) as unit:
        bot: Bot = await unit.bot.get(lock=True)
        await unit.bot.save(msgspec.structs.replace(bot, read_only=True))


async def _switch(scene: Scene, to: str) -> None:
    async with scene.rig.reading(scene.id) as unit:
        (broadcast,) = await unit.broadcasts.page(before=None, limit=1)
    if broadcast.status is BroadcastStatus.SENDING:
        await (scene.pause(broadcast) if to == "pause" else scene.cancel(broadcast))


@pytest.mark.parametrize("answers", [nothing, all_sent, one_of_each, put_back_for_later])
@pytest.mark.parametrize(
    "change",
    [
        nothing_happens,
        some_leave,
        somebody_waits_for_a_reply,
        it_is_paused,
        it_is_cancelled,
        the_bot_is_read_only,
    ],
)
async def test_a_turn_is_worth_the_same_either_way(
    rig: StorageRig,
    groups: TurnGroups,
    change: Change,
    answers: Callable[[Scene, Sequence[ClaimedDelivery]], list[Settlement]],
) -> None:
    stories = []
    for short in (True, False):
        scene = await Scene.set(rig)
        people = await scene.subscribe(AUDIENCE)
        broadcast = await scene.start()
        lease = await scene.lease()
        claimed = (await scene.claim(lease, room=ROOM)).deliveries
        await change(scene, people)
        wanted = turn(lease, answers(scene, claimed), busy=[people[7].chat_id])
        claim = (await groups.take([wanted]))[0] if short else None
        if claim is None:
            claim = await by_unit(scene, wanted)
        known = {person.chat_id: number for number, person in enumerate(people)}
        reached = [await scene.subscriber(person.id) for person in people]
        report = await scene.report(broadcast)
        stories.append(
            (
                [known[each.chat_id] for each in claim.deliveries],
                (claim.sealed_token, claim.more, claim.to_cancel is None, claim.to_freeze),
                await scene.statuses(broadcast),
                (report.broadcast.status, report.broadcast.counts, report.reasons),
                [person and person.reach for person in reached],
                [row.detail for row in await scene.recipients(broadcast)],
            )
        )

    assert stories[0] == stories[1]


async def test_an_answer_tells_of_the_subscriber_too(rig: StorageRig, groups: TurnGroups) -> None:
    scene, lease = await sending(rig)
    (first,) = await groups.take([turn(lease)])
    assert first is not None
    await rig.let_pass(2)
    blocked, *others = first.deliveries

    await groups.take([turn(lease, [*all_sent(scene, others), scene.blocked(blocked)])])

    stored = [await scene.subscriber(each.subscriber_id) for each in first.deliveries]
    reaches = [person.reach for person in stored if person is not None]
    assert reaches == [Reach.BLOCKED, *[Reach.REACHABLE] * 3]


async def test_a_groups_next_message_waits_as_after_any_claim(
    rig: StorageRig, groups: TurnGroups
) -> None:
    scene = await Scene.set(rig)
    (group,) = await scene.subscribe(chat_id=-7, kind=ChatKind.GROUP)
    await scene.subscribe(AUDIENCE)
    broadcast = await scene.start()
    lease = await scene.lease()

    (first,) = await groups.take([turn(lease)])
    assert first is not None
    await scene.settle(lease, *all_sent(scene, first.deliveries))
    await scene.pause(broadcast)
    await scene.enqueue(group)

    assert first.deliveries[0].chat_id == -7
    assert (await scene.claim(lease)).deliveries == ()


# Who isn't served


async def test_a_lost_lease_gets_nothing_and_records_nothing_beside_one_that_holds(
    rig: StorageRig, groups: TurnGroups
) -> None:
    scene, lease = await sending(rig)
    other, held = await sending(rig)
    (claim,) = await groups.take([turn(lease)])
    assert claim is not None
    lost = msgspec.structs.replace(lease, lease_id=LeaseId(rig.ids.unguessable()))

    claims = await groups.take([turn(lost, all_sent(scene, claim.deliveries)), turn(held)])

    assert claims[0] is None
    assert claims[1] is not None
    assert len(await scene.in_flight(lease)) == ROOM
    assert len(await other.in_flight(held)) == ROOM


async def test_nobody_settles_what_is_another_bots(rig: StorageRig, groups: TurnGroups) -> None:
    scene, lease = await sending(rig)
    _, thiefs = await sending(rig)
    (claim,) = await groups.take([turn(lease)])
    assert claim is not None

    await groups.take([turn(thiefs, all_sent(scene, claim.deliveries))])

    assert len(await scene.in_flight(lease)) == ROOM


@pytest.mark.external
@pytest.mark.parametrize("held", ["bot", "broadcast"])
async def test_a_lane_that_somebody_holds_keeps_no_other_waiting(
    postgres_groups: tuple[StorageRig, TurnGroups], held: str
) -> None:
    rig, groups = postgres_groups
    busy, busy_lease = await sending(rig)
    _, free_lease = await sending(rig)
    async with rig.reading(busy.id) as unit:
        (broadcast,) = await unit.broadcasts.page(before=None, limit=1)

    async with rig.tenants.unit(busy.id, UnitKind.COMMAND) as command:
        if held == "bot":
            await command.bot.get(lock=True)
        else:
            await command.broadcasts.get(broadcast.id, lock=True)
        claims = await groups.take([turn(busy_lease), turn(free_lease)])

    assert claims[0] is None
    assert claims[1] is not None
    assert await busy.in_flight(busy_lease) == []


@pytest.mark.parametrize(
    ("fields", "plain"),
    [
        ({"status": DeliveryStatus.SENT}, True),
        ({"status": DeliveryStatus.PENDING, "retry_in": 2.0}, True),
        ({"status": DeliveryStatus.PENDING}, False),
        ({"status": DeliveryStatus.PENDING, "retry_in": 2.0, "behind": True}, False),
        ({"status": DeliveryStatus.PENDING, "retry_in": 2.0, "new_chat_id": ChatId(-9)}, False),
        ({"status": DeliveryStatus.PENDING, "retry_in": 2.0, "chat_wait": 5.0}, False),
    ],
)
def test_what_asks_for_more_is_not_plain(fields: dict[str, Any], *, plain: bool) -> None:
    settlement = Settlement(
        key=DeliveryKey(SourceId(UUID(int=1)), 1),
        attempt=1,
        subscriber_id=SubscriberId(UUID(int=2)),
        started_at=datetime(2026, 3, 1, tzinfo=UTC),
        **fields,
    )

    assert is_plain(settlement) is plain
