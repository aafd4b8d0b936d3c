"""Freezing an audience against a bare ``INSERT … SELECT`` of the same columns.

``python -m benchmarks.bench_freeze [--subscribers 1000000] [--runs 5] [--data-dir DIR]``
"""

import argparse
import asyncio
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

import asyncpg
import msgspec

from benchmarks.client_skua import begin_broadcast
from benchmarks.installation import Installation, Place, installation
from benchmarks.machine import describe, table
from skua_app.container import QueueKind, make_container
from skua_core.ports.tenant_storage import TenantStorage, UnitKind

_MB = 1024 * 1024
_KEYS = {
    "bare, primary key": "PRIMARY KEY (bot_id, source_id, position)",
    "bare, both keys": (
        "PRIMARY KEY (bot_id, source_id, position), UNIQUE (bot_id, source_id, subscriber_id)"
    ),
}
_MAKE = "CREATE TABLE public.bare (LIKE tenant.deliveries INCLUDING DEFAULTS, {keys})"
_COPY = """
INSERT INTO public.bare (bot_id, source_id, position, subscriber_id, kind)
SELECT bot_id, $2, row_number() OVER (ORDER BY id), id, 'broadcast'
FROM tenant.subscribers WHERE bot_id = $1 AND status = 'active'
"""
_SIZE = """
SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
WHERE oid = $1::text::regclass
    OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::text::regclass)
"""
_FREE_SLOT = "UPDATE tenant.broadcasts SET status = 'cancelled', finished_at = now()"


class Run(msgspec.Struct, frozen=True):
    seconds: float
    size: int
    """Bytes by which table and indexes grew."""
    wal: int
    """Bytes of write-ahead log."""


async def _measure(installed: Installation, place: Place, runs: int) -> dict[str, list[Run]]:
    results: dict[str, list[Run]] = {name: [] for name in ("freeze", *_KEYS)}
    outside = await asyncpg.connect(installed.dsn)
    try:
        for _ in range(runs):
            results["freeze"].append(await _freeze(installed, outside, place))
            for name, keys in _KEYS.items():
                results[name].append(await _copy(outside, place, keys))
            print(", ".join(f"{name} {many[-1].seconds:.1f} s" for name, many in results.items()))
    finally:
        await outside.close()
    return results


async def _freeze(installed: Installation, outside: asyncpg.Connection, place: Place) -> Run:
    container = make_container(installed.settings, queue=QueueKind.IN_PROCESS)
    try:
        broadcast_id, bot_id = await begin_broadcast(container, place.slug, paid=False)
        storage = await container.get(TenantStorage)
        before = await _written(outside, "tenant.deliveries")
        began = time.perf_counter()
        async with storage.unit(bot_id, UnitKind.LANE) as unit:
            frozen = await unit.deliveries.freeze(broadcast_id)
            await unit.commit()
        seconds = time.perf_counter() - began
        run = _run(seconds, before, await _written(outside, "tenant.deliveries"))
        if frozen != place.subscribers:
            raise RuntimeError(f"{frozen} of {place.subscribers} were frozen")
    finally:
        await container.close()
    await outside.execute(_FREE_SLOT)
    return run


async def _copy(outside: asyncpg.Connection, place: Place, keys: str) -> Run:
    await outside.execute(_MAKE.format(keys=keys))
    before = await _written(outside, "public.bare")
    began = time.perf_counter()
    await outside.execute(_COPY, UUID(place.bot_id), uuid4())
    seconds = time.perf_counter() - began
    run = _run(seconds, before, await _written(outside, "public.bare"))
    await outside.execute("DROP TABLE public.bare")
    return run


def _run(seconds: float, before: tuple[int, int], after: tuple[int, int]) -> Run:
    return Run(seconds, after[0] - before[0], after[1] - before[1])


async def _written(outside: asyncpg.Connection, name: str) -> tuple[int, int]:
    """Bytes of a table with its indexes, and of the log; nothing waits to be written after."""
    await outside.execute("CHECKPOINT")
    size = await outside.fetchval(_SIZE, name)
    log = await outside.fetchval("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
    return int(size), int(log)


def _report(results: dict[str, list[Run]], subscribers: int) -> None:
    rows = [
        [
            name,
            f"{median(each.seconds for each in many):.2f}",
            f"{min(each.seconds for each in many):.2f} to {max(e.seconds for e in many):.2f}",
            f"{median(each.size for each in many) / subscribers:.0f}",
            f"{median(each.wal for each in many) / subscribers:.0f}",
        ]
        for name, many in results.items()
    ]
    print(table(["", "seconds", "spread", "bytes a delivery", "log bytes a delivery"], rows))
    for name in _KEYS:
        pairs = zip(results["freeze"], results[name], strict=True)
        ratio = median(ours.seconds / bare.seconds for ours, bare in pairs)
        print(f"freezing takes {ratio:.2f} times as long as {name} (median of pairs)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"peak memory of this process: {peak / _MB:.0f} MB")


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    print(describe())
    with installation(options.data_dir) as installed:
        place = installed.settle(options.subscribers)
        results = asyncio.run(_measure(installed, place, options.runs))
    _report(results, options.subscribers)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--data-dir", type=Path, help="where the database's folder is made")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
