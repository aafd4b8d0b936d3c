"""A subscriber's status depends on what happened and when, not on what was heard first."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_core.domain.subscriber import ChatKind, Reach, Subscriber, SubscriberStatus
from skua_core.ids import ChatId, SubscriberId

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)

Change = Callable[[Subscriber, datetime], None]


def second(number: float) -> datetime:
    return NOON + timedelta(seconds=number)


def newcomer() -> Subscriber:
    return Subscriber.newcomer(
        SubscriberId(UUID(int=1)), ChatId(7), kind=ChatKind.PRIVATE, joined_at=NOON
    )


def start(subscriber: Subscriber, at: datetime) -> None:
    subscriber.start(at, source=None)


def block(subscriber: Subscriber, at: datetime) -> None:
    subscriber.change_reach(Reach.BLOCKED, at)


def unblock(subscriber: Subscriber, at: datetime) -> None:
    subscriber.change_reach(Reach.REACHABLE, at)


# Telegram keeps the order within each of these two queues, and none between them.
SPOKEN: list[Change] = [start, Subscriber.stop, Subscriber.speak]
MEMBERSHIP: list[Change] = [block, unblock]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[datetime, Change]]:
    """What happened to one person, each in a second of its own."""
    changes = draw(st.lists(st.sampled_from(SPOKEN + MEMBERSHIP), min_size=1, max_size=12))
    gaps = draw(st.lists(st.integers(1, 100), min_size=len(changes), max_size=len(changes)))
    moments = [second(sum(gaps[: place + 1])) for place in range(len(gaps))]
    return list(zip(moments, changes, strict=True))


@st.composite
def arrivals(
    draw: st.DrawFn, history: list[tuple[datetime, Change]]
) -> list[tuple[datetime, Change]]:
    """The two queues interleaved anew, each in its own order."""
    spoken = [event for event in history if event[1] in SPOKEN]
    membership = [event for event in history if event[1] in MEMBERSHIP]
    order = draw(st.permutations([True] * len(spoken) + [False] * len(membership)))
    queues = {True: iter(spoken), False: iter(membership)}
    return [next(queues[which]) for which in order]


def after(events: list[tuple[datetime, Change]]) -> Subscriber:
    subscriber = newcomer()
    for at, change in events:
        change(subscriber, at)
    return subscriber


@given(st.data())
def test_events_converge_whatever_order_the_queues_arrive_in(data: st.DataObject) -> None:
    history = data.draw(histories())

    arrived = after(data.draw(arrivals(history)))

    assert arrived == after(history)


@given(st.data())
def test_events_converge_in_any_order_at_all(data: st.DataObject) -> None:
    history = data.draw(histories())

    assert after(data.draw(st.permutations(history))) == after(history)


@given(st.data())
def test_an_event_that_comes_twice_changes_nothing(data: st.DataObject) -> None:
    history = data.draw(histories())
    again = data.draw(st.integers(0, len(history) - 1))

    assert after([*history, *history[again:]]) == after(history)


@given(histories())
def test_the_status_is_what_was_said_last_about_each_fact(
    history: list[tuple[datetime, Change]],
) -> None:
    wishes = [change for _, change in history if change in (start, Subscriber.stop)]
    signs = [change for _, change in history if change is not Subscriber.see]
    blocked = bool(signs) and signs[-1] is block
    unsubscribed = bool(wishes) and wishes[-1] is Subscriber.stop

    expected = (
        SubscriberStatus.BLOCKED
        if blocked
        else SubscriberStatus.UNSUBSCRIBED
        if unsubscribed
        else SubscriberStatus.ACTIVE
    )

    assert after(history).status is expected


def test_a_newcomer_is_taken_to_want_messages_until_something_is_heard() -> None:
    assert newcomer().status is SubscriberStatus.ACTIVE
    assert after([(second(-10_000), Subscriber.stop)]).status is SubscriberStatus.UNSUBSCRIBED
    assert after([(second(-10_000), block)]).status is SubscriberStatus.BLOCKED


@pytest.mark.parametrize(
    ("reach", "status"),
    [
        (Reach.BLOCKED, SubscriberStatus.BLOCKED),
        (Reach.DEACTIVATED, SubscriberStatus.DEACTIVATED),
        (Reach.INVALID, SubscriberStatus.INVALID),
    ],
)
def test_whoever_is_not_reached_is_not_active_whatever_they_wish(
    reach: Reach, status: SubscriberStatus
) -> None:
    subscriber = after([(second(1), start)])

    subscriber.change_reach(reach, second(2))

    assert subscriber.subscribed
    assert subscriber.status is status


def test_a_block_in_the_second_of_a_message_holds() -> None:
    """Somebody may write and block within a second, never write while blocking."""
    assert after([(second(5), start), (second(5), block)]).status is SubscriberStatus.BLOCKED
    assert after([(second(5), block), (second(5), start)]).status is SubscriberStatus.BLOCKED


def test_a_message_after_a_block_shows_that_it_was_lifted() -> None:
    subscriber = after([(second(5), block), (second(6), Subscriber.speak)])

    assert subscriber.status is SubscriberStatus.ACTIVE


def test_a_sign_of_life_without_a_date_says_nothing_about_a_block() -> None:
    subscriber = after([(second(5), block)])

    subscriber.see(second(60))

    assert subscriber.status is SubscriberStatus.BLOCKED
    assert subscriber.last_seen_at == second(60)


def test_the_first_source_stays() -> None:
    subscriber = newcomer()

    subscriber.start(second(1), source="autumn")
    subscriber.start(second(2), source="winter")

    assert subscriber.source == "autumn"


# What a refused send tells


def test_a_refused_send_makes_the_chat_unreachable_from_its_start_on() -> None:
    subscriber = after([(second(1), start)])

    subscriber.refuse(Reach.BLOCKED, second(10.7))

    assert (subscriber.reach, subscriber.reach_changed_at) == (Reach.BLOCKED, second(10))


@pytest.mark.parametrize("unblocked_at", [10, 11])
def test_a_refused_send_never_overwrites_a_newer_unblock(unblocked_at: int) -> None:
    """Also not one of the same second: Telegram's dates tell no more than that."""
    subscriber = after([(second(1), block), (second(unblocked_at), unblock)])

    subscriber.refuse(Reach.BLOCKED, second(10.7))

    assert subscriber.reach is Reach.REACHABLE


@given(st.integers(0, 50), st.floats(0, 50))
def test_an_unblock_that_arrives_after_the_refusal_wins_if_it_is_newer(
    unblocked_at: int, refused_at: float
) -> None:
    refused_first, unblocked_first = newcomer(), newcomer()

    refused_first.refuse(Reach.BLOCKED, second(refused_at))
    unblock(refused_first, second(unblocked_at))
    unblock(unblocked_first, second(unblocked_at))
    unblocked_first.refuse(Reach.BLOCKED, second(refused_at))

    assert refused_first.reach is unblocked_first.reach
    assert (refused_first.reach is Reach.BLOCKED) == (int(refused_at) > unblocked_at)
