"""Subscribers of one bot."""

from datetime import timedelta

import msgspec
import pytest

from skua_core.domain.subscriber import ChatKind, Profile, Reach, Subscriber, SubscriberStatus
from skua_core.errors import ForeignRow
from skua_core.ids import ChatId, SubscriberId
from skua_core.ports.repositories import SubscriberFilter
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import StorageRig


@pytest.fixture
async def scene(storage: StorageRig) -> Scene:
    return await Scene.set(storage)


async def found(
    scene: Scene,
    *,
    after: SubscriberId | None = None,
    limit: int = 100,
    **where: object,
) -> list[SubscriberId]:
    wanted = msgspec.convert(where, SubscriberFilter)
    async with scene.rig.reading(scene.id) as unit:
        page = await unit.subscribers.page(wanted, after=after, limit=limit)
    return [subscriber.id for subscriber in page]


async def test_a_subscriber_is_kept_as_it_was_saved(scene: Scene) -> None:
    now = scene.rig.now()
    ana = Subscriber(
        id=SubscriberId(scene.rig.ids.new()),
        chat_id=ChatId(-(2**51)),
        kind=ChatKind.GROUP,
        profile=Profile(first_name="Ana", last_name="Ñu 🪶", username="ana", language="es-419"),
        attributes={"city": "Vigo", "quote": '"\\'},
        tags=("early bird", "vip"),
        source="poster",
        subscribed=False,
        subscribed_changed_at=now - timedelta(days=2),
        reach=Reach.DEACTIVATED,
        reach_changed_at=now - timedelta(days=1),
        joined_at=now - timedelta(days=3),
        last_seen_at=now,
    )
    async with scene.rig.changing(scene.id) as unit:
        await unit.subscribers.save(ana)

    assert await scene.subscriber(ana.id) == ana


async def test_many_are_kept_as_they_were_added(scene: Scene) -> None:
    people = [
        scene.person(),
        scene.person(profile=Profile(), attributes={"a": "b"}, source="import"),
        scene.person(tags=("vip", 'the "new"')),
        scene.person(reach=Reach.BLOCKED, last_seen_at=scene.rig.now()),
    ]
    async with scene.rig.changing(scene.id) as unit:
        assert await unit.subscribers.add_many(people) == len(people)
        page = await unit.subscribers.page(SubscriberFilter(), after=None, limit=10)

    assert page == people


async def test_only_new_chats_are_added(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    again = scene.person(chat_id=ana.chat_id, source="import")
    ben, twin = scene.person(chat_id=77), scene.person(chat_id=77)
    async with scene.rig.changing(scene.id) as unit:
        assert await unit.subscribers.add_many([again, ben, twin]) == 1

    assert await found(scene) == [ana.id, ben.id]
    assert await scene.subscriber(ana.id) == ana


async def test_adding_nobody_adds_nobody(scene: Scene) -> None:
    async with scene.rig.changing(scene.id) as unit:
        assert await unit.subscribers.add_many([]) == 0


async def test_a_chat_has_one_subscriber(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    async with scene.rig.reading(scene.id) as unit:
        with pytest.raises(ForeignRow):
            await unit.subscribers.save(scene.person(chat_id=ana.chat_id))


async def test_saving_again_changes_the_subscriber(scene: Scene) -> None:
    (ana,) = await scene.subscribe()
    changed = msgspec.structs.replace(ana, subscribed=False, profile=Profile(first_name="Anna"))
    async with scene.rig.changing(scene.id) as unit:
        await unit.subscribers.save(changed)

    assert await scene.subscriber(ana.id) == changed
    assert await found(scene) == [ana.id]


async def test_pages_follow_each_other_in_the_order_of_joining(scene: Scene) -> None:
    people = [person.id for person in await scene.subscribe(5)]

    first = await found(scene, limit=2)
    second = await found(scene, after=first[-1], limit=2)
    third = await found(scene, after=second[-1], limit=2)

    assert [*first, *second, *third] == people
    assert await found(scene, after=people[-1]) == []


async def test_subscribers_are_found_and_counted_by_status(scene: Scene) -> None:
    (active,) = await scene.subscribe()
    (stopped,) = await scene.subscribe(subscribed=False)
    (blocked,) = await scene.subscribe(reach=Reach.BLOCKED)
    (gone,) = await scene.subscribe(reach=Reach.DEACTIVATED, subscribed=False)

    assert await found(scene, status=SubscriberStatus.ACTIVE) == [active.id]
    assert await found(scene, status=SubscriberStatus.UNSUBSCRIBED) == [stopped.id]
    assert await found(scene, status=SubscriberStatus.BLOCKED) == [blocked.id]
    assert await found(scene, status=SubscriberStatus.DEACTIVATED) == [gone.id]
    async with scene.rig.reading(scene.id) as unit:
        assert await unit.audience.by_status() == {
            SubscriberStatus.ACTIVE: 1,
            SubscriberStatus.UNSUBSCRIBED: 1,
            SubscriberStatus.BLOCKED: 1,
            SubscriberStatus.DEACTIVATED: 1,
            SubscriberStatus.INVALID: 0,
        }


@pytest.mark.parametrize(
    ("search", "hits"),
    [
        ("ana", ["ana", "joana"]),
        ("ANA", ["ana", "joana"]),
        ("ana mar", ["ana"]),
        ("@river", ["ben"]),
        ("RIVER", ["ben"]),
        ("4200", ["ben"]),
        ("420", []),
        ("-4201", ["joana"]),
        ("100%", ["percent"]),
        ("_", ["percent"]),
        ("\\", []),
        ("nobody", []),
        (" ana mar ", ["ana"]),
        ("9" * 30, []),
        ("\0", []),
        ("ana\0", []),
        ("\ud83e", []),
    ],
)
async def test_search_finds_parts_of_names_and_whole_chat_ids(
    scene: Scene, search: str, hits: list[str]
) -> None:
    people = {
        "ana": scene.person(chat_id=1, profile=Profile(first_name="Ana", last_name="Maria")),
        "ben": scene.person(chat_id=4200, profile=Profile(first_name="Ben", username="RiverBen")),
        "joana": scene.person(chat_id=-4201, profile=Profile(last_name="Joana")),
        "percent": scene.person(chat_id=3, profile=Profile(first_name="100%_", username=None)),
        "nameless": scene.person(chat_id=4, profile=Profile()),
    }
    async with scene.rig.changing(scene.id) as unit:
        await unit.subscribers.add_many(list(people.values()))

    assert await found(scene, search=search) == [people[name].id for name in hits]


async def test_search_and_status_both_narrow(scene: Scene) -> None:
    await scene.subscribe(profile=Profile(first_name="Ana"))
    (stopped,) = await scene.subscribe(profile=Profile(first_name="Ana"), subscribed=False)

    assert await found(scene, search="ana", status=SubscriberStatus.UNSUBSCRIBED) == [stopped.id]


# Chats that move


async def migrate(scene: Scene, old: int, new: int) -> None:
    async with scene.rig.changing(scene.id) as unit:
        await unit.subscribers.migrate(ChatId(old), ChatId(new))


async def test_a_chat_gets_another_id(scene: Scene) -> None:
    (group,) = await scene.subscribe(chat_id=-1)
    await migrate(scene, -1, -100)

    assert await scene.subscriber(group.id) == msgspec.structs.replace(group, chat_id=-100)


async def test_a_chat_that_is_unknown_does_not_move(scene: Scene) -> None:
    (group,) = await scene.subscribe(chat_id=-1)
    await migrate(scene, -2, -1)
    await migrate(scene, -1, -1)

    assert await found(scene) == [group.id]
    assert await scene.subscriber(group.id) == group


async def test_two_subscribers_that_are_one_chat_merge(scene: Scene) -> None:
    now = scene.rig.now()
    (old,) = await scene.subscribe(
        chat_id=-1,
        joined_at=now - timedelta(days=9),
        source="poster",
        attributes={"city": "Vigo", "tier": "old"},
        subscribed=False,
        subscribed_changed_at=now + timedelta(seconds=1),
        reach=Reach.BLOCKED,
        reach_changed_at=now + timedelta(seconds=1),
        last_seen_at=now - timedelta(days=1),
    )
    (new,) = await scene.subscribe(
        chat_id=-100,
        attributes={"tier": "new"},
        last_seen_at=now,
        profile=Profile(first_name="Club"),
    )
    await migrate(scene, -1, -100)

    assert await scene.subscriber(old.id) is None
    assert await scene.subscriber(new.id) == msgspec.structs.replace(
        new,
        joined_at=old.joined_at,
        source="poster",
        attributes={"city": "Vigo", "tier": "new"},
        subscribed=False,
        subscribed_changed_at=old.subscribed_changed_at,
    )


async def test_the_one_who_stays_takes_over_what_waits_for_the_other(scene: Scene) -> None:
    (old,) = await scene.subscribe(chat_id=-1)
    broadcast = await scene.start()
    await scene.enqueue(old)
    (new,) = await scene.subscribe(chat_id=-100)
    await migrate(scene, -1, -100)
    lease = await scene.lease()

    sent = await scene.send_all(lease)
    await scene.rig.let_pass(1.1)
    sent += await scene.send_all(lease)

    assert [delivery.chat_id for delivery in sent] == [-100, -100]
    (row,) = await scene.recipients(broadcast)
    assert (row.subscriber_id, row.status) == (new.id, "sent")


async def test_who_was_in_an_audience_twice_gets_it_once(scene: Scene) -> None:
    await scene.subscribe(chat_id=-1)
    await scene.subscribe(chat_id=-100)
    broadcast = await scene.start()
    await migrate(scene, -1, -100)

    assert await scene.statuses(broadcast) == [("skipped", "duplicate"), ("pending", None)]
    assert len(await scene.send_all(await scene.lease())) == 1
    assert (await scene.report(broadcast)).broadcast.status == "completed"


async def test_a_merge_that_ends_the_last_waiting_row_completes_the_broadcast(
    scene: Scene,
) -> None:
    await scene.subscribe(chat_id=-100)
    await scene.subscribe(chat_id=-1)
    broadcast = await scene.start()
    lease = await scene.lease()
    (delivery,) = (await scene.claim(lease, room=1)).deliveries
    await scene.settle(lease, scene.sent(delivery))
    await migrate(scene, -1, -100)

    report = await scene.report(broadcast)
    assert await scene.statuses(broadcast) == [("sent", None), ("skipped", "duplicate")]
    assert report.broadcast.status == "completed"
    assert report.broadcast.finished_at is not None


async def test_a_merge_leaves_what_was_done_as_it_was(scene: Scene) -> None:
    (old,) = await scene.subscribe(chat_id=-1)
    await scene.subscribe(chat_id=-100)
    broadcast = await scene.start()
    await scene.send_all(await scene.lease())
    await migrate(scene, -1, -100)

    rows = await scene.recipients(broadcast)
    assert [(row.status, row.chat_id) for row in rows] == [("sent", None), ("sent", -100)]
    assert rows[0].subscriber_id == old.id


async def test_an_audience_is_divided_by_the_wording_that_each_would_get(scene: Scene) -> None:
    for language in ("pt-BR", "pt-PT", "PT", "en", None, "pt-BR-x-a", "ptx"):
        await scene.subscribe(profile=Profile(first_name="Ana", language=language))
    await scene.subscribe(profile=Profile(language="pt-br"), reach=Reach.BLOCKED)
    required: dict[str, tuple[str, ...]] = {"": (), "pt": (), "pt-br": ()}

    async with scene.rig.reading(scene.id) as unit:
        parts = await unit.audience.by_wording(required)

    assert {tag: part.recipients for tag, part in parts.items()} == {"": 3, "pt": 2, "pt-br": 2}


async def test_an_audience_tells_who_has_no_value_for_what_a_wording_needs(scene: Scene) -> None:
    await scene.subscribe(profile=Profile(first_name="Ana"), attributes={"city": "Vigo"})
    await scene.subscribe(profile=Profile(first_name=""), attributes={"city": ""})
    await scene.subscribe(profile=Profile(username="ben"))
    await scene.subscribe(profile=Profile(language="pt"))

    async with scene.rig.reading(scene.id) as unit:
        parts = await unit.audience.by_wording(
            {"": ("first_name", "attributes.city"), "pt": ("username",)}
        )

    assert parts[""].recipients == 3
    assert parts[""].gaps == {"first_name": 2, "attributes.city": 2}
    assert parts["pt"].gaps == {"username": 1}
