"""Taking updates in: proof of who sends them, once each, none lost."""

import asyncio
import logging
from typing import Any

import pytest

from skua_adapters.bot_api.fake import FakeBotApi
from skua_core import faults
from skua_core.domain.delivery import DeliveryKind
from skua_core.domain.subscriber import ChatKind, Reach, SubscriberStatus
from skua_core.domain.update import Update
from skua_core.errors import BotForbidden, StorageUnavailable
from skua_core.faults import Fault, FaultAction, FaultPlan
from skua_core.ports.tenant_storage import UnitKind
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.arrivals import CallbackReply
from skua_core.use_cases.bots import (
    RemoveBot,
    RemoveBotCommand,
)
from skua_core.use_cases.intake import (
    IntakeOutcome,
    Received,
    ReceiveUpdateCommand,
)
from skua_core.use_cases.replies import UNSUBSCRIBED_REPLY
from tests.unit.use_cases.updates import (
    blocked,
    callback,
    group_message,
    message,
    migrated,
    raw,
    unblocked,
)
from tests.unit.use_cases.world import World

ANA = 1001


@pytest.fixture
async def access(world: World) -> BotAccess:
    return await world.add_bot()


async def take_in(world: World, access: BotAccess, *updates: dict[str, Any]) -> list[Received]:
    return [
        await world.receive(ReceiveUpdateCommand(bot_id=access.bot_id, raw=raw(update)))
        for update in updates
    ]


# What it says


async def test_start_makes_a_subscriber_with_the_payload_as_source(
    world: World, access: BotAccess
) -> None:
    await take_in(world, access, message(1, ANA, "/start autumn", at=100, first_name="Ana"))

    subscriber = await world.subscriber(access, ANA)
    assert subscriber is not None
    assert subscriber.status is SubscriberStatus.ACTIVE
    assert (subscriber.source, subscriber.kind) == ("autumn", ChatKind.PRIVATE)
    assert subscriber.profile.first_name == "Ana"
    assert subscriber.joined_at == subscriber.last_seen_at
    assert subscriber.joined_at.timestamp() == 100


async def test_a_message_or_a_button_makes_a_subscriber_without_a_source(
    world: World, access: BotAccess
) -> None:
    await take_in(world, access, message(1, 1, "hello"), callback(2, 2))

    statuses = [(row.chat_id, row.status, row.source) for row in await world.subscribers(access)]
    assert statuses == [(1, SubscriberStatus.ACTIVE, None), (2, SubscriberStatus.ACTIVE, None)]


async def test_a_block_and_an_unblock_change_whether_somebody_is_reached(
    world: World, access: BotAccess
) -> None:
    await take_in(world, access, message(1, ANA, "/start", at=100), blocked(2, ANA, at=101))
    gone = await world.subscriber(access, ANA)
    await take_in(world, access, unblocked(3, ANA, at=102))
    back = await world.subscriber(access, ANA)

    assert gone is not None
    assert gone.status is SubscriberStatus.BLOCKED
    assert back is not None
    assert back.status is SubscriberStatus.ACTIVE


async def test_a_start_that_comes_late_does_not_undo_the_block_that_followed(
    world: World, access: BotAccess
) -> None:
    await take_in(world, access, blocked(2, ANA, at=101), message(1, ANA, "/start s", at=100))

    subscriber = await world.subscriber(access, ANA)
    assert subscriber is not None
    assert subscriber.status is SubscriberStatus.BLOCKED
    assert subscriber.source == "s"


async def test_a_button_pressed_before_a_block_does_not_undo_it(
    world: World, access: BotAccess
) -> None:
    """Telegram gives no date for a press, and holds one back for up to 150 seconds."""
    await take_in(world, access, blocked(1, ANA, at=100), callback(2, ANA))

    subscriber = await world.subscriber(access, ANA)
    assert subscriber is not None
    assert subscriber.reach is Reach.BLOCKED
    assert subscriber.last_seen_at == world.clock.now()


async def test_a_newer_name_replaces_an_older_one_and_never_the_other_way(
    world: World, access: BotAccess
) -> None:
    await take_in(
        world,
        access,
        message(1, ANA, "hi", at=100, first_name="Ana", username="ana"),
        message(2, ANA, "hi", at=102, first_name="Anna"),
        message(3, ANA, "hi", at=101, first_name="Old"),
    )

    subscriber = await world.subscriber(access, ANA)
    assert subscriber is not None
    assert (subscriber.profile.first_name, subscriber.profile.username) == ("Anna", None)


async def test_a_group_is_a_subscriber_too(world: World, access: BotAccess) -> None:
    await take_in(world, access, group_message(1, -500, "/start", title="Bird watchers"))

    subscriber = await world.subscriber(access, -500)
    assert subscriber is not None
    assert (subscriber.kind, subscriber.profile.first_name) == (ChatKind.GROUP, "Bird watchers")


async def test_a_group_that_becomes_a_supergroup_keeps_its_place(
    world: World, access: BotAccess
) -> None:
    await take_in(
        world, access, group_message(1, -500, "/start"), migrated(2, -500, -1_000_000_000_500)
    )

    assert [row.chat_id for row in await world.subscribers(access)] == [-1_000_000_000_500]


async def test_what_skua_does_not_know_is_taken_and_changes_nothing(
    world: World, access: BotAccess
) -> None:
    received = await take_in(world, access, {"update_id": 1, "poll": {"id": "5"}}, {"update_id": 2})

    assert [one.outcome for one in received] == [IntakeOutcome.TAKEN] * 2
    assert await world.subscribers(access) == []


async def test_a_button_press_comes_with_what_to_answer(world: World, access: BotAccess) -> None:
    first, again = await take_in(world, access, callback(1, ANA), callback(1, ANA))

    assert first == Received(outcome=IntakeOutcome.TAKEN, callback=CallbackReply("call-1"))
    assert again == Received(outcome=IntakeOutcome.DUPLICATE, callback=CallbackReply("call-1"))


# /stop


async def queued_replies(world: World, access: BotAccess) -> list[tuple[DeliveryKind, str]]:
    tenant = world.memory.tenants[access.bot_id]
    return [
        (row.kind, tenant.direct_messages.rows[row.key.source_id].content.text)
        for row in tenant.deliveries.rows.values()
    ]


async def test_stop_unsubscribes_and_says_so(world: World, access: BotAccess) -> None:
    await take_in(
        world, access, message(1, ANA, "/start", at=100), message(2, ANA, "/stop", at=101)
    )

    subscriber = await world.subscriber(access, ANA)
    assert subscriber is not None
    assert subscriber.status is SubscriberStatus.UNSUBSCRIBED
    assert await queued_replies(world, access) == [(DeliveryKind.REPLY, UNSUBSCRIBED_REPLY.text)]
    assert world.queue.woken == [access.bot_id]


async def test_a_stop_that_a_later_start_overtook_says_nothing(
    world: World, access: BotAccess
) -> None:
    await take_in(
        world, access, message(2, ANA, "/start", at=101), message(1, ANA, "/stop", at=100)
    )

    subscriber = await world.subscriber(access, ANA)
    assert subscriber is not None
    assert subscriber.status is SubscriberStatus.ACTIVE
    assert await queued_replies(world, access) == []


async def test_a_stop_from_somebody_who_has_blocked_since_says_nothing(
    world: World, access: BotAccess
) -> None:
    await take_in(world, access, blocked(2, ANA, at=101), message(1, ANA, "/stop", at=100))

    subscriber = await world.subscriber(access, ANA)
    assert subscriber is not None
    assert not subscriber.subscribed
    assert await queued_replies(world, access) == []


# Once each


async def test_an_update_that_comes_again_is_known(world: World, access: BotAccess) -> None:
    stop = message(1, ANA, "/stop", at=100)
    received = await take_in(world, access, stop, stop)

    assert [one.outcome for one in received] == [IntakeOutcome.TAKEN, IntakeOutcome.DUPLICATE]
    assert len(await queued_replies(world, access)) == 1


async def test_the_same_update_twenty_times_at_once_is_taken_once(
    world: World, access: BotAccess
) -> None:
    command = ReceiveUpdateCommand(bot_id=access.bot_id, raw=raw(message(1, ANA, "/stop", at=100)))

    received = await asyncio.gather(*(world.receive(command) for _ in range(20)))

    outcomes = [one.outcome for one in received]
    assert outcomes.count(IntakeOutcome.TAKEN) == 1
    assert outcomes.count(IntakeOutcome.DUPLICATE) == 19
    assert len(await queued_replies(world, access)) == 1


async def test_an_update_of_one_bot_is_not_a_duplicate_in_another(
    world: World, access: BotAccess
) -> None:
    terns = await world.add_bot(None, slug="terns")

    (here,) = await take_in(world, access, message(1, ANA, "/start"))
    (there,) = await take_in(world, terns, message(1, ANA, "/start"))

    assert here.outcome is there.outcome is IntakeOutcome.TAKEN


# None lost, none in the way


async def set_aside(world: World, access: BotAccess) -> list[tuple[int | None, bytes, str]]:
    rows = world.memory.tenants[access.bot_id].updates_set_aside.rows.values()
    return [(row.update_id, row.raw, row.problem) for row in rows]


@pytest.mark.parametrize(
    ("content", "update_id"),
    [
        (b"", None),
        (b"\xff\xfe", None),
        (b"[]", None),
        (b'{"update_id": 7, "message": {"date": "soon"}}', 7),
        (b'{"update_id": 7, "message": ' + b'{"a":' * 5000, None),
    ],
)
async def test_an_update_that_cannot_be_read_is_set_aside(
    world: World,
    access: BotAccess,
    content: bytes,
    update_id: int | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        received = await world.receive(ReceiveUpdateCommand(bot_id=access.bot_id, raw=content))

    assert received.outcome is IntakeOutcome.SET_ASIDE
    ((kept_id, kept, problem),) = await set_aside(world, access)
    assert (kept_id, kept) == (update_id, content)
    assert problem.startswith("UpdateUnreadable")
    assert "set aside" in caplog.text


class ShakyApi(FakeBotApi):
    """Reads updates with a bug that shows ``failures`` times."""

    def __init__(self, error: Exception, failures: int) -> None:
        super().__init__()
        self.error = error
        self.failures = failures

    def read_update(self, raw: bytes) -> Update:
        if self.failures:
            self.failures -= 1
            raise self.error
        return super().read_update(raw)


def with_bug(world: World, error: Exception, *, failures: int) -> None:
    world.receive._source = ShakyApi(error, failures)


async def test_an_update_that_meets_a_bug_each_time_is_set_aside_once(
    world: World, access: BotAccess
) -> None:
    with_bug(world, KeyError("\x00\ud800 naughty"), failures=99)
    command = ReceiveUpdateCommand(
        bot_id=access.bot_id, raw=raw(message(9, ANA, "hi")), update_id=9
    )

    first, second = await world.receive(command), await world.receive(command)

    assert first.outcome is IntakeOutcome.SET_ASIDE
    assert second.outcome is IntakeOutcome.DUPLICATE
    ((update_id, _, problem),) = await set_aside(world, access)
    assert update_id == 9
    assert problem.startswith("KeyError")
    assert problem.isascii()
    assert problem.isprintable()
    assert await world.subscribers(access) == []


async def test_trouble_that_passes_loses_nothing(world: World, access: BotAccess) -> None:
    with_bug(world, RuntimeError("just this once"), failures=1)

    (received,) = await take_in(world, access, message(1, ANA, "/start"))

    assert received.outcome is IntakeOutcome.TAKEN
    assert await set_aside(world, access) == []


async def test_a_crash_after_the_insert_leaves_nothing_half_done(
    world: World, access: BotAccess
) -> None:
    """The update isn't recorded without what it changes, so it may come again."""
    faults.install(FaultPlan({"webhook.after_insert": Fault(FaultAction.DROP)}, seed=1))
    with pytest.raises(StorageUnavailable):
        await take_in(world, access, message(1, ANA, "/start"))
    assert await world.subscribers(access) == []
    faults.install(None)

    (received,) = await take_in(world, access, message(1, ANA, "/start"))

    assert received.outcome is IntakeOutcome.TAKEN
    assert len(await world.subscribers(access)) == 1


async def test_while_the_database_is_busy_nothing_is_acknowledged(
    world: World, access: BotAccess
) -> None:
    async with world.storage.unit(access.bot_id, UnitKind.INBOUND):
        with pytest.raises(StorageUnavailable):
            await take_in(world, access, message(1, ANA, "/start"))

    assert await set_aside(world, access) == []


@pytest.mark.parametrize("content", [raw(message(1, ANA, "/start")), b"no update"])
async def test_a_bot_that_was_removed_takes_nothing_in(
    world: World, access: BotAccess, content: bytes
) -> None:
    remove = RemoveBot(storage=world.storage, vault=world.vault, route=world.route)
    await remove(RemoveBotCommand(access=access))

    with pytest.raises(BotForbidden):
        await world.receive(ReceiveUpdateCommand(bot_id=access.bot_id, raw=content))

    assert await set_aside(world, access) == []
    assert await world.subscribers(access) == []
