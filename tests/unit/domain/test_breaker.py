"""When refusals in a row stop being one recipient's bad luck."""

from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from skua_core.domain.breaker import REFUSALS_IN_A_ROW, Breaker
from skua_core.ids import SubscriberId

recipients = st.integers(0, 9).map(lambda number: SubscriberId(UUID(int=number)))
answers = st.lists(st.one_of(st.none(), recipients))
"""``None`` is a success, whoever had it."""


def trips(answers: list[SubscriberId | None]) -> list[bool]:
    """After which answers the breaker says that it's enough."""
    breaker, tripped = Breaker(), []
    for answer in answers:
        if answer is None:
            breaker.succeed()
        tripped.append(answer is not None and breaker.refuse(answer))
    return tripped


@given(answers)
def test_it_trips_at_the_fifth_different_recipient_since_the_last_success(
    answers: list[SubscriberId | None],
) -> None:
    for end, tripped in enumerate(trips(answers), start=1):
        seen = answers[:end]
        since = seen[len(seen) - seen[::-1].index(None) :] if None in seen else seen
        different = len(set(since))
        assert tripped == (answers[end - 1] is not None and different >= REFUSALS_IN_A_ROW)


@given(st.lists(st.lists(recipients, max_size=REFUSALS_IN_A_ROW - 1)))
def test_it_never_trips_while_successes_come_between(runs: list[list[SubscriberId]]) -> None:
    answers = [answer for run in runs for answer in (*run, None)]

    assert not any(trips(answers))


@given(st.lists(recipients, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_refusals_does_not_matter(
    refused: list[SubscriberId], shuffler: Random
) -> None:
    shuffled = list(refused)
    shuffler.shuffle(shuffled)

    assert any(trips(list(refused))) == any(trips(list(shuffled)))


@given(recipients, st.integers(1, 50))
def test_one_recipient_alone_never_trips_it(recipient: SubscriberId, times: int) -> None:
    assert not any(trips([recipient] * times))


def test_it_knows_whether_anything_was_refused_since_the_last_success() -> None:
    breaker = Breaker()
    assert not breaker

    breaker.refuse(SubscriberId(UUID(int=1)))
    assert breaker

    breaker.succeed()
    assert not breaker
