"""A seed makes the plan; the plan leaves nothing out."""

from collections.abc import Iterator
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.torture.plan import (
    OPERATOR_POINTS,
    SERVER_POINTS,
    WORKER_POINTS,
    Act,
    Lives,
    make_lives,
    make_plan,
    unknown_points,
)
from tests.e2e.torture.scale import FULL, SHORT, Scale


@given(st.integers(0, 10**9), st.sampled_from([SHORT, FULL]))
def test_seed_makes_the_same_plan_again(seed: int, scale: Scale) -> None:
    plan = make_plan(seed, scale)

    assert plan == make_plan(seed, scale)
    assert {each.act for each in plan.disturbances} == set(Act)
    assert sum(each.act is Act.KILL for each in plan.disturbances) == scale.kills
    assert all(0 < each.at <= scale.over for each in plan.disturbances)


def test_two_seeds_make_two_plans() -> None:
    assert make_plan(1, SHORT) != make_plan(2, SHORT)


def test_programs_end_at_every_fault_point_there_is() -> None:
    lives = make_lives(7, SHORT)

    ends = {point for each in lives.values() for point in _ends(each)}

    assert ends == {*WORKER_POINTS, *SERVER_POINTS}
    assert unknown_points() == set(), "a fault point that no program of the torture ends at"


def test_life_that_ended_otherwise_is_lived_once_more() -> None:
    lives = Lives("worker0", ("heartbeat.skip",), seed=1, scale=SHORT)

    assert {next(lives).point for _ in range(3)} == {"heartbeat.skip"}
    lives.ended_at("heartbeat.skip")
    assert {plan.point for plan in islice(lives, 50)} == {None, *WORKER_POINTS}


def test_operators_and_programs_share_no_fault_point() -> None:
    assert not {*OPERATOR_POINTS} & {*WORKER_POINTS, *SERVER_POINTS}


def _ends(lives: Lives) -> Iterator[str]:
    """Where the first lives end, if nothing else ends them."""
    while lives.ends_left:
        point = next(lives).point
        assert point is not None
        yield point
        lives.ended_at(point)
