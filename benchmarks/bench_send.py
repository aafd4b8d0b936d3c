"""Messages per second of one lane, ledger and all, against aiogram's bare loop in the same run.

Once more with a snapshot held open meanwhile, as a dump does, which keeps every row version alive.

``python -m benchmarks.bench_send [--recipients 50000] [--runs 5] [--data-dir DIR]``
"""

import argparse
import asyncio
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from benchmarks.far_end import FarEnd, far_end
from benchmarks.installation import SUPERUSER, Place, installation
from benchmarks.machine import client_command, cores, describe, run_client, staying_on, table

IN_FLIGHT = 64
RATE = "1000000"
"""Messages per second: so many that the pace never holds anything up."""
_SNAPSHOT = "skua, snapshot held"


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    client, server = cores()
    print(__doc__)
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
        "SKUA_SEND_RATE_PAID": RATE,
    }
    aiogram = ("benchmarks.client_aiogram", end.url, str(place.subscribers), str(IN_FLIGHT))
    skua = ("benchmarks.client_skua", place.slug)
    clients = {
        "aiogram": aiogram,
        "aiogram, patient": (*aiogram, "patient"),
        "skua": skua,
        _SNAPSHOT: skua,
    }
    for name, (module, *arguments) in clients.items():
        print(f"{name}: {shlex.join(client_command(client, module, *arguments))}")
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in clients}
    for _ in range(runs):
        for name, (module, *arguments) in clients.items():

            def run(module: str = module, arguments: Sequence[str] = arguments) -> Any:
                return run_client(client, module, *arguments, environ=environ)

            result = _beside_snapshot(place, run) if name == _SNAPSHOT else run()
            results[name].append(result)
            print(f"  {name}: {rate(result):,.0f}/s, {cpu(result):.0f} µs CPU", flush=True)
    return results


def _beside_snapshot(place: Place, run: Callable[[], Any]) -> Any:
    async def hold() -> Any:
        outside = await asyncpg.connect(place.environ[SUPERUSER])
        try:
            async with outside.transaction(isolation="repeatable_read", readonly=True):
                await outside.execute("SELECT count(*) FROM tenant.broadcasts")
                return await asyncio.to_thread(run)
        finally:
            await outside.close()

    return asyncio.run(hold())


def rate(result: dict[str, Any]) -> float:
    return float(result["messages"] / result["seconds"])


def cpu(result: dict[str, Any], whose: str = "cpu") -> float:
    """Microseconds per message; of the sending process, unless ``whose`` says otherwise."""
    return float(result.get(whose, 0.0) / result["messages"] * 1e6)


def costs(many: Sequence[dict[str, Any]]) -> list[str]:
    """Medians: rate, its spread, and CPU of the sender, of PostgreSQL and of the far end."""
    rates = [rate(each) for each in many]
    return [
        f"{median(rates):,.0f}",
        f"{min(rates):,.0f} to {max(rates):,.0f}",
        *(
            f"{median(cpu(each, whose) for each in many):.0f}"
            for whose in ("cpu", "database_cpu", "far_end_cpu")
        ),
        f"{median(each['rss'] for each in many) / 1024:.0f}",
    ]


COSTS = ["messages/s", "spread", "CPU µs/message", "PostgreSQL", "far end", "RSS MB"]


def _report(results: dict[str, list[dict[str, Any]]]) -> None:
    print(table(["sender", *COSTS], [[name, *costs(many)] for name, many in results.items()]))
    skua = results["skua"]
    for name in ("aiogram", "aiogram, patient"):
        compare("skua", skua, name, results[name])
    compare(_SNAPSHOT, results[_SNAPSHOT], "skua", skua)
    turns, trips = (median(each[name] for each in skua) for name in ("turns", "round_trips"))
    messages = skua[0]["messages"]
    print(f"a turn: {messages / turns:.0f} messages, {trips / turns:.1f} round trips")
    unsent = [each["messages"] - each["sent"] for each in (*skua, *results[_SNAPSHOT])]
    print(f"not recorded as sent: {sum(unsent)}")


def compare(
    name: str, ours: Sequence[dict[str, Any]], other: str, theirs: Sequence[dict[str, Any]]
) -> None:
    """Pair by pair, for the machine changes from one minute to the next."""
    rates = median(rate(our) / rate(their) for our, their in zip(ours, theirs, strict=True))
    cpus = median(cpu(their) / cpu(our) for our, their in zip(ours, theirs, strict=True))
    print(f"{name} against {other}: {rates:.2f} times the rate, CPU ratio {cpus:.2f}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--data-dir", type=Path, help="where the database's folder is made")
    parser.add_argument("--no-nginx", action="store_true", help="use the benchmark's own server")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
