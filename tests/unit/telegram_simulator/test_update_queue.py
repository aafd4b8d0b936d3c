"""The updates that wait for a bot."""

import json

from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.telegram_simulator.update_queue import QueueName, UpdateQueue

KEY = (QueueName.CHAT, 1)


def _filled(count: int) -> UpdateQueue:
    queue = UpdateQueue(first_id=100)
    for number in range(count):
        queue.add("message", {"n": number}, queue=KEY)
    return queue


def _ids(queue: UpdateQueue, offset: int = 0, limit: int = 100) -> list[int]:
    return [update.update_id for update in queue.take_page(offset, limit)]


def test_ids_follow_each_other_and_the_body_is_the_whole_update() -> None:
    queue = _filled(2)

    first, second = queue.take_page(0, 100)

    assert json.loads(first.body) == {"update_id": 100, "message": {"n": 0}}
    assert second.update_id == 101


def test_nothing_is_forgotten_until_an_offset_confirms_it() -> None:
    queue = _filled(5)

    assert _ids(queue, limit=2) == [100, 101]
    assert _ids(queue, limit=2) == [100, 101]
    assert _ids(queue, offset=102) == [102, 103, 104]
    assert _ids(queue) == [102, 103, 104]


def test_a_negative_offset_keeps_the_last_ones() -> None:
    queue = _filled(5)

    assert _ids(queue, offset=-2) == [103, 104]
    assert len(queue) == 2


def test_an_offset_far_in_the_future_is_taken_for_none() -> None:
    queue = _filled(2)

    assert _ids(queue, offset=10_000) == [100, 101]


def test_an_update_whose_life_is_over_is_gone() -> None:
    queue = _filled(1)
    queue.add("callback_query", {}, queue=KEY, life=-1.0)

    assert _ids(queue) == [100]


def test_unwanted_kinds_take_no_id() -> None:
    queue = UpdateQueue(first_id=100)
    queue.set_allowed(["callback_query", "nonsense"])

    assert queue.add("message", {}, queue=KEY) is None
    assert queue.add("callback_query", {}, queue=KEY) == 100


def test_allowed_updates_stay_unless_given_and_an_empty_list_resets_them() -> None:
    queue = UpdateQueue(first_id=100)
    queue.set_allowed(["message"])
    queue.set_allowed(None)
    assert queue.allowed == {"message"}

    queue.set_allowed([])
    assert "message" in queue.allowed
    assert "chat_member" not in queue.allowed


@given(st.lists(st.integers(min_value=-3, max_value=120)))
def test_pages_never_go_back_behind_a_confirmed_offset(offsets: list[int]) -> None:
    queue = _filled(10)
    highest = 0
    for offset in offsets:
        page = _ids(queue, offset=offset)
        if offset <= 110 + 10:
            highest = max(highest, offset)

        assert page == sorted(page)
        assert all(update_id >= highest for update_id in page)
