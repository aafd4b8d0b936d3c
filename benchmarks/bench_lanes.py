"""Many busy lanes in one worker, with windows of 8, against aiogram's bare loop in the same run.

The number of messages is about the same each time, so what a lane costs by itself shows. Then one,
a hundred and a thousand of them side by side: what a message costs should stay the same.

``python -m benchmarks.bench_lanes [--lanes 100] [--flat 1,100,1000] [--messages 50000] [--runs 5]``
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bench_send import COSTS, IN_FLIGHT, RATE, compare, costs, cpu, rate
from benchmarks.far_end import FarEnd, far_end
from benchmarks.installation import TOKEN, Installation, Place, installation
from benchmarks.machine import cores, describe, run_client, staying_on, table

_WINDOW = 8
_AIOGRAM = "aiogram"


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    client, server = cores()
    print(__doc__)
    print(describe())
    counts = sorted({options.lanes, *map(int, options.flat.split(","))})
    with (
        staying_on(server),
        far_end(nginx=not options.no_nginx) as end,
        installation(options.data_dir) as installed,
    ):
        print(f"far end: {end.name}; it and PostgreSQL on core {server}, senders on core {client}")
        places = {count: _settle(installed, count, options.messages) for count in counts}
        results: dict[str, list[dict[str, Any]]] = {}
        for _ in range(options.runs):
            for name, result in _round(client, end, places, options.messages).items():
                results.setdefault(name, []).append(result)
    print(table(["sender", *COSTS], [[name, *costs(many)] for name, many in results.items()]))
    compare(_lanes(options.lanes), results[_lanes(options.lanes)], _AIOGRAM, results[_AIOGRAM])
    for name in results.keys() - {_AIOGRAM, _lanes(counts[0])}:
        compare(name, results[name], _lanes(counts[0]), results[_lanes(counts[0])])
    unsent = [
        each["messages"] - each.get("sent", each["messages"])
        for m in results.values()
        for each in m
    ]
    print(f"not recorded as sent: {sum(unsent)}")


def _settle(installed: Installation, lanes: int, messages: int) -> list[Place]:
    print(f"{lanes} bots, {messages // lanes} subscribers each", flush=True)
    first = 120_000_000 + 10_000 * lanes
    tokens = [TOKEN.replace("110201543", str(first + number)) for number in range(lanes)]
    return installed.settle_many(tokens, messages // lanes)


def _round(
    client: int, end: FarEnd, places: dict[int, list[Place]], messages: int
) -> dict[str, dict[str, Any]]:
    aiogram = ("benchmarks.client_aiogram", end.url, str(messages), str(IN_FLIGHT))
    results = {_AIOGRAM: run_client(client, *aiogram, environ={})}
    for lanes, bots in places.items():
        environ = {
            **bots[0].environ,
            "SKUA_TELEGRAM_API_BASE": end.url,
            "SKUA_SEND_RATE": RATE,
            "SKUA_WORKER_LANES": str(max(lanes, 500)),
        }
        slugs = [bot.slug for bot in bots]
        arguments = ("--free", f"--window={_WINDOW}", *slugs)
        results[_lanes(lanes)] = run_client(
            client, "benchmarks.client_skua", *arguments, environ=environ
        )
    for name, result in results.items():
        print(f"  {name}: {rate(result):,.0f}/s, {cpu(result):.0f} µs CPU", flush=True)
    return results


def _lanes(count: int) -> str:
    return f"skua, {count} lanes"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, default=100, help="to compare with aiogram")
    parser.add_argument("--flat", default="1,100,1000", help="to compare with each other")
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--data-dir", type=Path, help="where the database's folder is made")
    parser.add_argument("--no-nginx", action="store_true", help="use the benchmark's own server")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
