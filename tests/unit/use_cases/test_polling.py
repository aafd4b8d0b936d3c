"""Fetching updates where Telegram can't call."""

import pytest

from skua_core.domain.bot import TokenState
from skua_core.errors import StorageUnavailable, TelegramUnavailable, UpdatesTakenElsewhere
from skua_core.ports.tenant_storage import UnitKind
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.bots import RemoveToken, RemoveTokenCommand
from skua_core.use_cases.polling import Polled, PollUpdates, PollUpdatesCommand
from tests.unit.use_cases.updates import callback, message
from tests.unit.use_cases.world import TOKEN, World

ANA, BEN = 1001, 1002


@pytest.fixture
def world(polling_world: World) -> World:
    return polling_world


@pytest.fixture
async def access(world: World) -> BotAccess:
    return await world.add_bot()


async def poll(world: World, access: BotAccess, offset: int | None = None) -> Polled:
    poll_updates = PollUpdates(
        storage=world.storage,
        source=world.api,
        vault=world.vault,
        receive=world.receive,
        token_failed=world.token_failed,
    )
    return await poll_updates(PollUpdatesCommand(bot_id=access.bot_id, offset=offset, wait=0.01))


async def chats(world: World, access: BotAccess) -> list[int]:
    return [row.chat_id for row in await world.subscribers(access)]


async def test_fetched_updates_go_through_the_intake(world: World, access: BotAccess) -> None:
    first = world.api.add_update(TOKEN, message(0, ANA, "/start"))
    last = world.api.add_update(TOKEN, message(0, BEN, "/start"))

    polled = await poll(world, access)

    assert last == first + 1
    assert polled == Polled(received=2, next_offset=last + 1)
    assert await chats(world, access) == [ANA, BEN]


async def test_what_was_taken_in_is_confirmed_and_then_no_offset_is_given(
    world: World, access: BotAccess
) -> None:
    world.api.add_update(TOKEN, message(0, ANA, "/start"))
    polled = await poll(world, access)

    confirming = await poll(world, access, polled.next_offset)

    assert confirming == Polled(received=0, next_offset=None)
    assert (await world.api.webhook_info(TOKEN)).pending_updates == 0


async def test_after_a_restart_what_comes_again_is_known(world: World, access: BotAccess) -> None:
    world.api.add_update(TOKEN, message(0, ANA, "/stop"))
    await poll(world, access)

    await poll(world, access, None)

    assert len(world.memory.tenants[access.bot_id].deliveries.rows) == 1


async def test_what_could_not_be_stored_is_not_confirmed(world: World, access: BotAccess) -> None:
    world.api.add_update(TOKEN, message(0, ANA, "/start"))
    async with world.storage.unit(access.bot_id, UnitKind.INBOUND):
        with pytest.raises(StorageUnavailable):
            await poll(world, access)

    await poll(world, access)

    assert await chats(world, access) == [ANA]


async def test_telegram_away_is_the_callers_to_wait_for(world: World, access: BotAccess) -> None:
    world.api.add_update(TOKEN, message(0, ANA, "/start"))
    world.api.cut_off()
    with pytest.raises(TelegramUnavailable):
        await poll(world, access)
    world.api.restore()

    await poll(world, access)

    assert await chats(world, access) == [ANA]


async def test_another_program_that_fetches_is_told(world: World, access: BotAccess) -> None:
    world.api.take_elsewhere(TOKEN)

    with pytest.raises(UpdatesTakenElsewhere):
        await poll(world, access)


async def test_button_presses_are_answered(world: World, access: BotAccess) -> None:
    update_id = world.api.add_update(TOKEN, callback(5, ANA))

    await poll(world, access)

    assert world.api.answered_callbacks == ["call-5"]
    assert update_id in world.memory.tenants[access.bot_id].updates.rows


async def test_a_revoked_token_ends_the_fetching(world: World, access: BotAccess) -> None:
    world.api.revoke(TOKEN)

    assert (await poll(world, access)).over
    assert (await world.bot(access)).token_state is TokenState.REVOKED
    assert (await poll(world, access)).over


async def test_an_unreadable_token_ends_the_fetching(world: World, access: BotAccess) -> None:
    world.vault = World().vault

    assert (await poll(world, access)).over
    assert (await world.bot(access)).token_state is TokenState.UNREADABLE


async def test_a_bot_without_a_token_is_not_fetched_for(world: World, access: BotAccess) -> None:
    remove = RemoveToken(storage=world.storage, vault=world.vault, route=world.route)
    await remove(RemoveTokenCommand(access=access))

    assert (await poll(world, access)).over


async def test_a_bot_with_a_webhook_is_not_fetched_for() -> None:
    world = World()
    access = await world.add_bot()

    assert (await poll(world, access)).over
