"""How long a reply takes while a broadcast of the same bot leaves at full rate.

From the arrival of a ``/stop`` in the process until its reply was written to the connection, and
until it was answered. Where a pace is set the far end is Skua's Telegram simulator, with a latency
of 120 ms ± 40 ms and 2 % of the answers after 2 s; where none is, it answers at once.

``python -m benchmarks.bench_reply [--replies 200] [--data-dir DIR]``
"""

import argparse
import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.bench_pace import telegram
from benchmarks.bench_send import RATE
from benchmarks.far_end import far_end
from benchmarks.installation import TOKEN, Installation, Place, installation
from benchmarks.machine import cores, describe, run_client, staying_on, table

_PACES = {"none": 15_000, "paid, 1000/s": 1_000, "free, 30/s": 30}
"""Messages a second that will leave at most."""
_END = "UPDATE tenant.broadcasts SET status = 'cancelled', finished_at = now()"
_SECONDS_A_REPLY = 0.25
"""At most, by and large: the audience has to last as long."""


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    client, server = cores()
    print(__doc__)
    print(describe())
    rows = []
    with (
        staying_on(server),
        far_end(nginx=not options.no_nginx) as end,
        installation(options.data_dir) as installed,
    ):
        print(f"far end: {end.name}; it and PostgreSQL on core {server}, sender on core {client}")
        for number, (pace, most) in enumerate(_PACES.items()):
            audience = int(most * (2 + _SECONDS_A_REPLY * options.replies)) + options.replies
            token = TOKEN.replace("110201543", str(110_201_700 + number))
            place = installed.settle(audience, token=token)
            if pace == "none":
                environ = {"SKUA_TELEGRAM_API_BASE": end.url, "SKUA_SEND_RATE_PAID": RATE}
                result = _reply(client, place, environ, options.replies)
            else:
                with tempfile.TemporaryDirectory(prefix="skua-bench-") as folder:
                    book = Path(folder) / "receipts.jsonl"
                    with telegram(Path(folder), book, token, audience) as url:
                        environ = {"SKUA_TELEGRAM_API_BASE": url}
                        free = ["--free"] if pace.startswith("free") else []
                        result = _reply(client, place, environ, options.replies, *free)
            asyncio.run(_end_broadcast(installed))
            times = [*_times(result["left"]), *_times(result["answered"])]
            rows.append([pace, f"{result['rate']:,.0f}", *times])
            print("  ", *rows[-1], flush=True)
    head = ["pace", "messages/s", "left: median ms", "p99", "answered: median ms", "p99"]
    print(table(head, rows))


def _reply(
    client: int, place: Place, environ: Mapping[str, str], replies: int, *options: str
) -> dict[str, Any]:
    result: dict[str, Any] = run_client(
        client,
        "benchmarks.client_reply",
        *(place.slug, str(replies), *options),
        environ={**place.environ, **environ, "SKUA_BENCH_AUDIENCE": str(place.subscribers)},
    )
    return result


async def _end_broadcast(installed: Installation) -> None:
    """The next process would go on with it."""
    outside = await asyncpg.connect(installed.dsn)
    try:
        await outside.execute(_END)
    finally:
        await outside.close()


def _times(seconds: Sequence[float]) -> list[str]:
    ordered = sorted(seconds)
    places = (len(ordered) // 2, int(len(ordered) * 0.99))
    return [f"{ordered[place] * 1000:.1f}" for place in places]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=200)
    parser.add_argument("--data-dir", type=Path, help="where the database's folder is made")
    parser.add_argument("--no-nginx", action="store_true", help="use the benchmark's own server")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
