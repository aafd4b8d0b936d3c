"""Does the time of a refused login tell what an address is to Skua?

Logins of known addresses (with a wrong password) and of unknown, unverified and disabled ones (with
the right one, where there is one) go to `skua serve` in random order, each from an address of its
own. The times of each two kinds are compared by the Mann-Whitney test. A run tells something when
p is below 0.01 for two kinds whose medians are more than 5 ms apart; chance does that once in a
while, so it takes two of three runs to fail. bcrypt's cost is 12, as everywhere.

``python -m benchmarks.timing_logins [--samples 300] [--data-dir DIR]``
"""

import argparse
import random
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import combinations
from pathlib import Path
from statistics import NormalDist, median, quantiles

import msgspec

from benchmarks.installation import installation
from benchmarks.login_site import PASSWORD, Kind, Visitor, address, an_ip, server, settle
from benchmarks.machine import describe, table

P_VALUE = 0.01
APART = 0.005
"""Seconds between two medians, below which nobody could use the difference."""
RUNS, TELLING_RUNS = 3, 2
_REFUSED = 401

Times = Mapping[Kind, Sequence[float]]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    kinds: tuple[Kind, Kind]
    p: float
    apart: float

    @property
    def tells(self) -> bool:
        return self.p < P_VALUE and self.apart > APART


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    print(__doc__)
    print(describe())
    with installation(options.data_dir) as installed:
        settle(installed, options.samples)
        order = random.Random(options.seed)  # noqa: S311 - nothing secret
        with server(installed) as port, closing(Visitor(port)) as visitor:
            failed = fails(_runs(visitor, options.samples, order))
    if failed:
        sys.exit(f"In {TELLING_RUNS} runs the time of a refusal told what the address is.")
    print("The time of a refusal doesn't tell what the address is.")


def _runs(visitor: Visitor, samples: int, order: random.Random) -> Iterator[Times]:
    ips = 0
    for run in range(RUNS):
        print(f"run {run + 1}: {samples} samples of each kind", flush=True)
        times: dict[Kind, list[float]] = {kind: [] for kind in Kind}
        for number in range(samples):
            for kind in order.sample(list(Kind), len(Kind)):
                ips += 1
                times[kind].append(_one(visitor, kind, number, an_ip(ips)))
        yield times


def _one(visitor: Visitor, kind: Kind, number: int, ip: str) -> float:
    password = PASSWORD if kind is not Kind.KNOWN else f"not {PASSWORD}"
    answer = visitor.login(address(kind, number), password, ip)
    if answer.status != _REFUSED:
        raise RuntimeError(f"a login of a {kind} address was answered {answer.status}")
    return answer.seconds


def fails(runs: Iterator[Times]) -> bool:
    """Whether the time tells something; goes on only as long as that isn't clear."""
    telling = 0
    for number, times in enumerate(runs, start=1):
        comparisons = compare(times)
        _show(times, comparisons)
        telling += any(comparison.tells for comparison in comparisons)
        if telling == TELLING_RUNS:
            return True
        if telling + RUNS - number < TELLING_RUNS:
            break
    return False


def compare(times: Times) -> list[Comparison]:
    """Each two kinds."""
    return [
        Comparison(
            kinds=(one, other),
            p=mann_whitney(times[one], times[other]),
            apart=abs(median(times[one]) - median(times[other])),
        )
        for one, other in combinations(times, 2)
    ]


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """How likely so unlike an order of both is by chance (two-sided, normal approximation)."""
    ordered = sorted([*one, *other])
    ranks = sum((bisect_left(ordered, each) + bisect_right(ordered, each) + 1) / 2 for each in one)
    pairs = len(one) * len(other)
    larger = ranks - len(one) * (len(one) + 1) / 2
    deviation = (pairs * (len(one) + len(other) + 1) / 12) ** 0.5
    distance = max(abs(larger - pairs / 2) - 0.5, 0.0) / deviation
    return 2 * (1 - NormalDist().cdf(distance))


def _show(times: Times, comparisons: Sequence[Comparison]) -> None:
    rows = []
    for kind, seconds in times.items():
        cuts = quantiles(seconds, n=20)
        rows.append(
            [kind, *(f"{each * 1000:.1f}" for each in (median(seconds), cuts[0], cuts[-1]))]
        )
    print(table(["address", "median ms", "5 %", "95 %"], rows))
    pairs = [
        [" and ".join(each.kinds), f"{each.p:.3f}", f"{each.apart * 1000:.2f}"]
        for each in comparisons
    ]
    print(table(["kinds", "p", "medians apart ms"], pairs), flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--seed", type=int, help="of the order; another one each time without")
    parser.add_argument("--data-dir", type=Path, help="where the database's folder is made")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
