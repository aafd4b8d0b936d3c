"""Messages per second of one lane, ledger and all, against aiogram's bare loop in the same run.

``python -m benchmarks.bench_send [--recipients 50000] [--runs 5] [--data-dir DIR]``
"""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.far_end import FarEnd, far_end
from benchmarks.installation import Place, installation
from benchmarks.machine import client_command, cores, describe, run_client, staying_on, table

_IN_FLIGHT = 64
_RATE = "1000000"
"""Messages per second: so many that the pace never holds anything up."""


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    client, server = cores()
    print(describe())
    with (
        staying_on(server),
        far_end(nginx=not options.no_nginx) as end,
        installation(options.data_dir) as installed,
    ):
        print(f"far end: {end.name}; it and PostgreSQL on core {server}, senders on core {client}")
        place = installed.settle(options.recipients)
        results = _measure(client, place, end, options.runs)
    _report(results)


def _measure(client: int, place: Place, end: FarEnd, runs: int) -> dict[str, list[dict[str, Any]]]:
    environ = {
        **place.environ,
        "SKUA_TELEGRAM_API_BASE": end.url,
        "SKUA_SEND_RATE_PAID": _RATE,
    }
    messages, in_flight = str(place.subscribers), str(_IN_FLIGHT)
    aiogram = ("benchmarks.client_aiogram", end.url, messages, in_flight)
    clients = {
        "aiogram": (*aiogram,),
        "aiogram, patient": (*aiogram, "patient"),
        "skua": ("benchmarks.client_skua", place.slug),
    }
    for name, (module, *arguments) in clients.items():
        print(f"{name}: {shlex.join(client_command(client, module, *arguments))}")
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in clients}
    for _ in range(runs):
        for name, (module, *arguments) in clients.items():
            result = run_client(client, module, *arguments, environ=environ)
            results[name].append(result)
            print(f"  {name}: {_rate(result):,.0f}/s, {_cpu(result):.0f} µs CPU", flush=True)
    return results


def _rate(result: dict[str, Any]) -> float:
    return float(result["messages"] / result["seconds"])


def _cpu(result: dict[str, Any]) -> float:
    """Microseconds of the sending process per message."""
    return float(result["cpu"] / result["messages"] * 1e6)


def _report(results: dict[str, list[dict[str, Any]]]) -> None:
    rows = []
    for name, many in results.items():
        rates = [_rate(each) for each in many]
        rows.append(
            [
                name,
                f"{median(rates):,.0f}",
                f"{min(rates):,.0f} to {max(rates):,.0f}",
                f"{median(map(_cpu, many)):.0f}",
                f"{median(each['rss'] for each in many) / 1024:.0f}",
            ]
        )
    print(table(["sender", "messages/s", "spread", "CPU µs/message", "RSS MB"], rows))
    skua = results["skua"]
    for name in ("aiogram", "aiogram, patient"):
        pairs = [_rate(o) / _rate(t) for t, o in zip(results[name], skua, strict=True)]
        cpu = median(map(_cpu, results[name])) / median(map(_cpu, skua))
        print(f"skua against {name}: {median(pairs):.2f} times the rate, CPU ratio {cpu:.2f}")
    turns, trips = (median(each[name] for each in skua) for name in ("turns", "round_trips"))
    messages = skua[0]["messages"]
    print(f"a turn: {messages / turns:.0f} messages, {trips / turns:.1f} round trips")
    print(f"not recorded as sent: {sum(each['messages'] - each['sent'] for each in skua)}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--data-dir", type=Path, help="where the database's folder is made")
    parser.add_argument("--no-nginx", action="store_true", help="use the benchmark's own server")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
