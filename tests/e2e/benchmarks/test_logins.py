"""What is measured of logins still runs, and would notice what it is there to notice."""

import random
from collections.abc import Iterator, Sequence

import pytest

from benchmarks import bench_logins, timing_logins
from benchmarks.bench_logins import Result
from benchmarks.login_site import Kind
from benchmarks.timing_logins import Times, compare, fails, mann_whitney
from skua_adapters.embedded_postgres import EmbeddedPostgresError
from tests.postgres_cluster import skip_or_fail

SAMPLES = 300


@pytest.mark.external
@pytest.mark.timeout(180)
def test_many_logins_at_once_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        bench_logins.main(["--logins=3", "--patient"])
    except EmbeddedPostgresError as error:
        skip_or_fail(error)

    assert "| 3 x 200 |" in capsys.readouterr().out


@pytest.mark.external
@pytest.mark.timeout(180)
def test_refusals_of_all_kinds_are_timed(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        timing_logins.main(["--samples=3"])
    except EmbeddedPostgresError as error:
        skip_or_fail(error)
    told = capsys.readouterr().out

    assert all(f" {kind} |" in told for kind in Kind)
    assert " known and unknown |" in told


def some(chance: random.Random, *, later: float = 0.0) -> Sequence[float]:
    """Seconds of logins as they are: 0.27, scattered by some milliseconds."""
    return [chance.gauss(0.27 + later, 0.02) for _ in range(SAMPLES)]


def runs(*unlike: float) -> Iterator[Times]:
    """One for each; so much longer take those of disabled users."""
    chance = random.Random(4)  # noqa: S311 - the same each time
    for later in unlike:
        times: dict[Kind, Sequence[float]] = {kind: some(chance) for kind in Kind}
        times[Kind.DISABLED] = some(chance, later=later)
        yield times


def test_what_takes_longer_in_two_runs_of_three_is_told() -> None:
    assert fails(runs(0.02, 0.02))
    assert fails(runs(0.0, 0.02, 0.02))
    assert fails(runs(0.02, 0.0, 0.02))


def test_what_one_run_shows_may_be_chance() -> None:
    assert not fails(runs(0.0, 0.0))
    assert not fails(runs(0.02, 0.0, 0.0))


def test_a_difference_that_nobody_could_use_is_none() -> None:
    chance = random.Random(4)  # noqa: S311 - the same each time
    steady = [chance.gauss(0.27, 0.001) for _ in range(SAMPLES)]
    later = [each + 0.002 for each in steady]

    (comparison,) = compare({Kind.KNOWN: steady, Kind.UNKNOWN: later})

    assert comparison.p < 0.001
    assert not comparison.tells


def test_the_same_times_are_told_apart_by_nobody() -> None:
    chance = random.Random(4)  # noqa: S311 - the same each time
    times = some(chance)

    assert mann_whitney(times, times) == pytest.approx(1.0)
    assert mann_whitney(times, [each + 0.1 for each in times]) < 1e-6


@pytest.mark.parametrize(
    ("answers", "lag", "problem"),
    [
        ([(200, False), (503, True)], 0.01, None),
        ([(503, False)], 0.01, "a login was answered 503 without Retry-After"),
        ([(429, True)], 0.01, "a login was answered 429"),
        ([(200, False)], 0.2, "/healthz took 200 ms at the 99th percentile"),
    ],
)
def test_a_wrong_answer_and_a_stalled_server_are_problems(
    answers: list[tuple[int, bool]], lag: float, problem: str | None
) -> None:
    result = Result(answers=answers, seconds=[1.0], lags=[lag] * 100)

    assert result.problems() == ([] if problem is None else [problem])
