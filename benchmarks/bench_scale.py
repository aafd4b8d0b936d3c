"""What a message costs, and the most memory that freezing and sending take, by size of audience.

Each size is frozen and sent by a process of its own, small ones several times in a row. CPU and
memory of that process should stay the same.

``python -m benchmarks.bench_scale [--sizes 1000,100000,1000000] [--runs 1]``
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench_send import COSTS, RATE, costs, cpu, rate
from benchmarks.far_end import far_end
from benchmarks.installation import TOKEN, installation
from benchmarks.machine import cores, describe, run_client, staying_on, table

_FEWEST = 20_000
"""Messages of one measurement at least: smaller audiences are sent to several times."""
_WARM_UP = 2_000


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    sizes = [int(size) for size in options.sizes.split(",")]
    client, server = cores()
    print(__doc__)
    print(describe())
    results: dict[int, list[dict[str, Any]]] = {size: [] for size in sizes}
    with (
        staying_on(server),
        far_end(nginx=not options.no_nginx) as end,
        installation(options.data_dir) as installed,
    ):
        print(f"far end: {end.name}; it and PostgreSQL on core {server}, sender on core {client}")
        warm_up = installed.settle(min(_WARM_UP, *sizes))
        places = {}
        for number, size in enumerate(sizes):
            print(f"a bot with {size:,} subscribers", flush=True)
            token = TOKEN.replace("110201543", str(110_201_600 + number))
            places[size] = installed.settle(size, token=token)
        for _ in range(options.runs):
            for size, place in places.items():
                environ = {
                    **place.environ,
                    "SKUA_TELEGRAM_API_BASE": end.url,
                    "SKUA_SEND_RATE_PAID": RATE,
                }
                rounds = str(max(1, min(_FEWEST, max(sizes)) // size))
                arguments = (place.slug, rounds, warm_up.slug)
                result = run_client(client, "benchmarks.client_scale", *arguments, environ=environ)
                results[size].append(result)
                print(f"  {size:,}: {rate(result):,.0f}/s, {cpu(result):.0f} µs CPU", flush=True)
    _report(results)


def _report(results: dict[int, list[dict[str, Any]]]) -> None:
    rows = [[f"{size:,}", *costs(many)] for size, many in results.items()]
    print(table(["recipients", *COSTS], rows))
    first, *others = results
    for size in others:
        ratios = [
            median(of(each) for each in results[size]) / median(of(each) for each in results[first])
            for of in (cpu, _memory)
        ]
        print(f"{size:,} against {first:,}: CPU {ratios[0]:.2f}, memory {ratios[1]:.2f} times")
    unsent = [each["messages"] - each["sent"] for many in results.values() for each in many]
    print(f"not recorded as sent: {sum(unsent)}")


def _memory(result: dict[str, Any]) -> float:
    return float(result["rss"])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,100000,1000000")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--data-dir", type=Path, help="where the database's folder is made")
    parser.add_argument("--no-nginx", action="store_true", help="use the benchmark's own server")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
