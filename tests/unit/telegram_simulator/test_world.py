"""Who exists in the simulated Telegram."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.telegram_simulator import ActionImpossible, NewBot, NotInWorld, User
from skua_adapters.telegram_simulator.people import People
from skua_adapters.telegram_simulator.refusals import Refusal
from skua_adapters.telegram_simulator.world import IdSet, World

TOKEN = "42:AAF-secret_part"


@pytest.fixture
def world() -> World:
    world = World(seed=0, remembered_messages=2)
    world.add_bot(NewBot(token=TOKEN))
    world.add_users(range(1000, 2000))
    return world


@given(st.lists(st.integers(min_value=1, max_value=30)), st.integers(min_value=1, max_value=20))
def test_an_id_set_holds_exactly_what_was_added(numbers: list[int], start: int) -> None:
    ids, expected = IdSet(), set(numbers) | set(range(start, start + 5))
    for number in numbers:
        ids.add(number)
    ids.add_range(range(start, start + 5))

    assert {number for number in range(40) if number in ids} == expected
    assert len(ids) == len(expected)


def test_people_who_join_one_after_the_other_cost_no_memory() -> None:
    ids = IdSet()
    for number in range(1, 100_001):
        ids.add(number)

    assert len(ids) == 100_000
    assert len(ids._starts) == 1


@pytest.mark.parametrize("token", ["", "x", "42", "42:", "0:a", "42:a b", "x:y", "42:AAF/secret"])
def test_a_malformed_token_is_not_found(world: World, token: str) -> None:
    with pytest.raises(Refusal) as caught:
        world.bot_of_token(token)

    assert (caught.value.error_code, caught.value.description) == (404, "Not Found")


def test_an_unknown_revoked_or_replaced_token_is_unauthorized(world: World) -> None:
    assert world.bot_of_token(TOKEN).id == 42

    world.replace_token(42, "42:new")
    assert world.bot_of_token("42:new").id == 42
    world.revoke_token(42)

    for token in (TOKEN, "42:new", "43:other"):
        with pytest.raises(Refusal) as caught:
            world.bot_of_token(token)
        assert (caught.value.error_code, caught.value.description) == (401, "Unauthorized")


def test_a_bot_takes_no_token_of_another(world: World) -> None:
    with pytest.raises(ActionImpossible):
        world.replace_token(42, "43:new")
    with pytest.raises(ActionImpossible):
        world.add_bot(NewBot(token=TOKEN))


def test_people_are_made_up_unless_described(world: World) -> None:
    world.add_user(User(id=1005, first_name="Nina"))

    assert world.user(1005).first_name == "Nina"
    assert world.user(1006) == world.user(1006)
    with pytest.raises(NotInWorld):
        world.user(2000)


@pytest.mark.parametrize("ids", [range(0), range(5), range(40, 50), range(1 << 52, (1 << 52) + 1)])
def test_user_ids_that_telegram_would_not_give_are_refused(world: World, ids: range) -> None:
    with pytest.raises(ActionImpossible):
        world.add_users(ids)


def test_people_can_only_do_what_the_apps_offer(world: World) -> None:
    people = People(world)
    people.block(42, 1001)
    people.deactivate(1002)

    with pytest.raises(ActionImpossible):
        people.send_text(42, 1001, "hello?")
    with pytest.raises(ActionImpossible):
        people.press_start(42, 1002)
    with pytest.raises(ActionImpossible):
        people.press_start(42, 1003, "not a payload")
    with pytest.raises(NotInWorld):
        people.press_start(43, 1003)
    with pytest.raises(NotInWorld):
        people.press_button(42, 1003)


def test_blocking_twice_tells_the_bot_once(world: World) -> None:
    people = People(world)

    assert people.block(42, 1001) is not None
    assert people.block(42, 1001) is None
    assert len(world.bot(42).updates) == 1


def test_only_the_latest_messages_with_buttons_are_remembered(world: World) -> None:
    bot = world.bot(42)
    for number in range(1, 4):
        bot.remember(1000 + number, number, {"message_id": number})

    assert bot.remembered(1001, 1) is None
    assert bot.remembered(1003, 3) == {"message_id": 3}
    assert bot.last_message_with_buttons(1002) == 2
