"""Importing, listing and counting subscribers."""

from collections.abc import AsyncIterator

import pytest

from skua_core.domain.subscriber import ChatKind, SubscriberStatus
from skua_core.errors import ImportStopped, ImportUnreadable, StorageUnavailable
from skua_core.ports.repositories import SubscriberFilter
from skua_core.ports.tenant_storage import UnitKind
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.csv_lines import Refusal
from skua_core.use_cases.intake import ReceiveUpdateCommand
from skua_core.use_cases.subscribers import (
    CountSubscribers,
    CountSubscribersQuery,
    ImportReport,
    ImportSubscribers,
    ImportSubscribersCommand,
    ListSubscribers,
    ListSubscribersQuery,
)
from tests.unit.use_cases.updates import message, raw
from tests.unit.use_cases.world import World, details_of


@pytest.fixture
async def access(world: World) -> BotAccess:
    return await world.add_bot(None)


async def lines(*parts: str) -> AsyncIterator[bytes]:
    for part in parts:
        yield part.encode()


async def import_lines(
    world: World, access: BotAccess, content: AsyncIterator[bytes]
) -> ImportReport:
    do_import = ImportSubscribers(
        storage=world.storage, clock=world.clock, ids=world.ids, batch=100
    )
    return await do_import(ImportSubscribersCommand(access=access, content=content))


async def test_a_list_becomes_subscribers(world: World, access: BotAccess) -> None:
    report = await import_lines(
        world, access, lines("chat_id,first_name,city\n", "1,Ana,Rome\n", "-5,Gulls,\n")
    )

    assert (report.lines, report.added, report.already_there, report.refused) == (2, 2, 0, 0)
    ana, gulls = await world.subscribers(access)
    assert (ana.profile.first_name, ana.attributes, ana.source) == (
        "Ana",
        {"city": "Rome"},
        "import",
    )
    assert (ana.status, ana.kind) == (SubscriberStatus.ACTIVE, ChatKind.PRIVATE)
    assert (gulls.kind, gulls.attributes) == (ChatKind.GROUP, {})


async def test_the_report_says_what_became_of_each_line(world: World, access: BotAccess) -> None:
    await world.join(access, 1)

    report = await import_lines(world, access, lines("chat_id\n1\n2\n2\nAna\n3\n"))

    assert (report.lines, report.added, report.already_there, report.refused) == (5, 2, 2, 1)
    assert report.refusals == [Refusal(line=5, reason="its chat_id isn't a Telegram chat id")]


async def test_an_import_is_in_the_audit_log_with_its_counts(
    world: World, access: BotAccess
) -> None:
    await import_lines(world, access, lines("chat_id\n1\n2\nx\n"))

    entry = (await world.audit(access))[-1]
    assert (entry.action, entry.actor) == ("subscribers.imported", "cli:ana")
    assert details_of(entry) == {"added": 2, "already_there": 0, "refused_so_far": 1}


async def test_an_import_that_adds_nobody_changes_nothing(world: World, access: BotAccess) -> None:
    await world.join(access, 1)

    report = await import_lines(world, access, lines("chat_id\n1\nx\n"))

    assert (report.added, report.already_there, report.refused) == (0, 1, 1)
    assert await world.actions(access) == ["bot.added"]


async def test_whoever_is_there_stays_as_they_are(world: World, access: BotAccess) -> None:
    await world.receive(
        ReceiveUpdateCommand(bot_id=access.bot_id, raw=raw(message(1, 1, "/stop", at=100)))
    )
    before = await world.subscriber(access, 1)

    await import_lines(world, access, lines("chat_id,first_name\n1,Somebody else\n"))

    assert await world.subscriber(access, 1) == before


async def test_a_wish_that_is_older_than_the_import_but_comes_after_it_counts(
    world: World, access: BotAccess
) -> None:
    """An import knows nothing of what people want; the person does."""
    await import_lines(world, access, lines("chat_id\n1\n"))

    await world.receive(
        ReceiveUpdateCommand(bot_id=access.bot_id, raw=raw(message(1, 1, "/stop", at=100)))
    )

    subscriber = await world.subscriber(access, 1)
    assert subscriber is not None
    assert subscriber.status is SubscriberStatus.UNSUBSCRIBED


async def test_a_large_import_goes_in_batches_each_with_its_entry(
    world: World, access: BotAccess
) -> None:
    report = await import_lines(
        world, access, lines("chat_id\n", *(f"{chat}\n" for chat in range(1, 251)))
    )

    assert report.added == 250
    counts = [details_of(entry)["added"] for entry in (await world.audit(access))[1:]]
    assert counts == [100, 100, 50]


async def test_an_unreadable_file_leaves_everything_as_it_was(
    world: World, access: BotAccess
) -> None:
    with pytest.raises(ImportUnreadable):
        await import_lines(world, access, lines("name\nAna\n"))

    assert await world.subscribers(access) == []
    assert await world.actions(access) == ["bot.added"]


async def test_an_import_that_breaks_off_says_how_far_it_came(
    world: World, access: BotAccess
) -> None:
    async def until_somebody_holds_the_bot() -> AsyncIterator[bytes]:
        yield b"chat_id\n" + b"".join(b"%d\n" % chat for chat in range(1, 103))
        async with world.storage.unit(access.bot_id, UnitKind.INBOUND):
            yield b"2000\n"
            yield b"".join(b"%d\n" % chat for chat in range(3000, 3100))

    with pytest.raises(ImportStopped, match="Up to line 101") as caught:
        await import_lines(world, access, until_somebody_holds_the_bot())

    assert caught.value.added == 100
    assert isinstance(caught.value.__cause__, StorageUnavailable)


async def test_only_the_first_thousand_refusals_are_listed(world: World, access: BotAccess) -> None:
    report = await import_lines(world, access, lines("chat_id\n", "x\n" * 1500))

    assert report.refused == 1500
    assert len(report.refusals) == 1000


async def test_subscribers_are_listed_page_by_page_and_counted(
    world: World, access: BotAccess
) -> None:
    await world.join(access, 1, 2, 3)
    await world.receive(
        ReceiveUpdateCommand(bot_id=access.bot_id, raw=raw(message(1, 2, "/stop", at=100)))
    )
    list_them = ListSubscribers(storage=world.storage)

    first = await list_them(ListSubscribersQuery(access=access, limit=2))
    rest = await list_them(ListSubscribersQuery(access=access, after=first[-1].id, limit=2))
    stopped = await list_them(
        ListSubscribersQuery(
            access=access, where=SubscriberFilter(status=SubscriberStatus.UNSUBSCRIBED)
        )
    )

    assert [row.chat_id for row in (*first, *rest)] == [1, 2, 3]
    assert [row.chat_id for row in stopped] == [2]
    counts = await CountSubscribers(storage=world.storage)(CountSubscribersQuery(access=access))
    assert {status: count for status, count in counts.items() if count} == {
        SubscriberStatus.ACTIVE: 2,
        SubscriberStatus.UNSUBSCRIBED: 1,
    }


async def test_nobody_sees_another_bots_subscribers(world: World, access: BotAccess) -> None:
    terns = await world.add_bot(None, slug="terns")
    await world.join(access, 1)

    assert await ListSubscribers(storage=world.storage)(ListSubscribersQuery(access=terns)) == []
