"""Looking at a broadcast before its launch."""

from datetime import timedelta

import pytest

from skua_core.domain.content import MessageSource
from skua_core.domain.media import MediaKind, MediaUpload, Medium
from skua_core.domain.subscriber import Profile, SubscriberStatus
from skua_core.ids import ChatId, MediaId
from skua_core.ports.tenant_storage import UnitKind
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.lane_place import LaneSettings
from skua_core.use_cases.preflight import CheckBroadcast, Preflight, PreflightQuery, StarPrice
from tests.unit.use_cases.broadcasting import set_read_only
from tests.unit.use_cases.world import TOKEN, World


@pytest.fixture
async def access(world: World) -> BotAccess:
    return await world.add_bot()


async def look(
    world: World, access: BotAccess, source: MessageSource | str, *, paid: bool = False
) -> Preflight:
    if isinstance(source, str):
        source = MessageSource(source)
    check = CheckBroadcast(
        storage=world.storage,
        lanes=world.lanes,
        renderer=world.renderer,
        bot_api=world.api,
        vault=world.vault,
        clock=world.clock,
        settings=LaneSettings(),
    )
    compiled = world.renderer.compile(source)
    return await check(PreflightQuery(access=access, compiled=compiled, paid=paid))


async def join(world: World, access: BotAccess, chat: int, **fields: str) -> None:
    await world.join(access, chat)
    async with world.storage.unit(access.bot_id, UnitKind.INBOUND) as unit:
        subscriber = await unit.subscribers.by_chat(ChatId(chat))
        assert subscriber is not None
        subscriber.profile = Profile(**fields)
        await unit.subscribers.save(subscriber)
        await unit.commit()


async def test_it_says_who_gets_which_wording_and_who_has_a_gap(
    world: World, access: BotAccess
) -> None:
    await join(world, access, 1, first_name="Ana", language="pt-BR")
    await join(world, access, 2, first_name="Ben", language="en")
    await join(world, access, 3, language="de")
    source = MessageSource(
        "Hello {{ first_name }}!",
        variants={"pt": MessageSource("Olá {{ first_name }} (@{{ username }})")},
    )

    found = await look(world, access, source)

    english, portuguese = found.wordings
    assert (english.language, english.recipients, english.gaps) == ("", 2, {"first_name": 1})
    assert (portuguese.language, portuguese.recipients) == ("pt", 1)
    assert portuguese.gaps == {"username": 1}
    assert (english.length, english.limit) == (len("Hello Ben!"), 4096)
    assert found.recipients == found.tried == 3
    assert found.problems == ()


async def test_it_says_who_is_left_out_and_why(world: World, access: BotAccess) -> None:
    await world.join(access, 1, 2, 3)
    async with world.storage.unit(access.bot_id, UnitKind.INBOUND) as unit:
        gone = await unit.subscribers.by_chat(ChatId(2))
        assert gone is not None
        gone.stop(world.clock.now())
        await unit.subscribers.save(gone)
        await unit.commit()

    found = await look(world, access, "Hello")

    assert (found.recipients, found.excluded) == (2, {SubscriberStatus.UNSUBSCRIBED: 1})


async def test_it_tries_the_message_on_real_subscribers(world: World, access: BotAccess) -> None:
    await join(world, access, 1, first_name="Ana")
    await join(world, access, 2)

    found = await look(world, access, "{{ first_name }}")

    assert (found.tried, found.unrenderable) == (2, {"message-empty": 1})


async def test_the_time_it_takes_follows_what_the_lane_has_learned(
    world: World, access: BotAccess
) -> None:
    await world.join(access, *range(1, 61))
    fresh = await look(world, access, "Hello")
    async with world.storage.unit(access.bot_id, UnitKind.LANE) as unit:
        acquired = await unit.lane.acquire("test")
        assert acquired is not None
        await unit.lane.hold_until(acquired.lease, wait=100.0, learned_rate=15.0)
        await unit.commit()
    world.clock.advance(timedelta(seconds=40).total_seconds())

    taught = await look(world, access, "Hello")

    assert (fresh.rate, fresh.seconds) == (30.0, 2.0)
    assert taught.rate == 15.0
    assert taught.wait == pytest.approx(60)
    assert taught.seconds == pytest.approx(64)


async def test_a_paid_broadcast_has_a_price_in_stars(world: World, access: BotAccess) -> None:
    await world.join(access, *range(1, 101))
    world.api.give_stars(TOKEN, 12_000)

    found = await look(world, access, "Hello", paid=True)

    assert found.price == StarPrice(stars=10, balance=12_000)
    assert found.price.affordable
    assert found.rate == 1000.0
    assert found.problems == ()


async def test_too_few_stars_are_a_problem(world: World, access: BotAccess) -> None:
    await world.join(access, 1)
    world.api.give_stars(TOKEN, 9_999)

    found = await look(world, access, "Hello", paid=True)

    assert found.problems == ("the bot has 9999 Stars, and 10000 are needed",)


async def test_a_balance_that_nobody_tells_is_no_problem(world: World, access: BotAccess) -> None:
    await world.join(access, 1)
    world.api.cut_off()

    found = await look(world, access, "Hello", paid=True)

    assert found.price is not None
    assert (found.price.balance, found.price.affordable) == (None, None)
    assert found.problems == ()


async def test_nobody_to_send_to_and_a_closed_gate_are_problems(
    world: World, access: BotAccess
) -> None:
    await set_read_only(world, access, read_only=True)

    found = await look(world, await world.enter(access.bot.slug), "Hello")

    assert found.problems == (
        "the bot may not send (read_only)",
        "nobody would get it: there is no active subscriber",
    )


async def test_media_are_told_apart_by_whether_telegram_has_them(
    world: World, access: BotAccess
) -> None:
    await world.join(access, 1)
    there, gone = MediaId(world.ids.new()), MediaId(world.ids.new())
    media = (
        Medium(MediaKind.PHOTO, upload=there),
        Medium(MediaKind.PHOTO, upload=gone),
        Medium(MediaKind.PHOTO, url="https://example.org/a.jpg"),
        Medium(MediaKind.PHOTO, file_id="AgAC"),
    )
    async with world.storage.unit(access.bot_id, UnitKind.INBOUND) as unit:
        await unit.media.add(
            MediaUpload(
                id=there,
                kind=MediaKind.PHOTO,
                name="a.jpg",
                size=1234,
                created_at=world.clock.now(),
            )
        )
        url = media[2].key
        assert url is not None
        await unit.media.remember({url: "AgAD"})
        await unit.commit()

    found = await look(world, access, MessageSource("Look", media=media))

    (wording,) = found.wordings
    assert [(check.known, check.size) for check in wording.media] == [
        (False, 1234),
        (False, None),
        (True, None),
        (True, None),
    ]
    assert wording.limit == 1024
    assert found.problems == ("an uploaded photo is gone; upload it again",)
