"""Do logins hold anybody up? 50 at once, each of another user from another address.

Each has to be answered 200, or 503 with when to come again; and `/healthz`, asked every 10 ms
meanwhile, within 100 ms in 99 of 100 cases. The server, PostgreSQL and those who ask share all
cores, which bcrypt (cost 12) keeps busy as well.

``python -m benchmarks.bench_logins [--logins 50] [--data-dir DIR]``
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.installation import installation
from benchmarks.login_site import (
    HOST,
    PASSWORD,
    Kind,
    address,
    an_ip,
    login_request,
    server,
    settle,
)
from benchmarks.machine import describe, table

ALLOWED = 0.1
"""Seconds for the 99th percentile of /healthz."""
_EVERY = 0.01
_HEALTH = b"GET /healthz HTTP/1.1\r\nHost: skua.example\r\n\r\n"
_OK, _BUSY = 200, 503


class Result(msgspec.Struct, frozen=True, kw_only=True):
    answers: Sequence[tuple[int, bool]]
    """Status, and whether it was said when to come again."""
    seconds: Sequence[float]
    """Of each login."""
    lags: Sequence[float]
    """Of each look at /healthz."""

    @property
    def lag(self) -> float:
        return sorted(self.lags)[int(len(self.lags) * 0.99)]

    def problems(self) -> list[str]:
        found = [
            f"a login was answered {status}{'' if told else ' without Retry-After'}"
            for status, told in self.answers
            if status != _OK and not (status == _BUSY and told)
        ]
        if self.lag >= ALLOWED:
            found.append(f"/healthz took {self.lag * 1000:.0f} ms at the 99th percentile")
        return found


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    print(__doc__)
    print(describe())
    with installation(options.data_dir) as installed:
        settle(installed, options.logins)
        with server(installed) as port:
            result = asyncio.run(_measure(port, options.logins))
    answers = Counter(status for status, _ in result.answers)
    row = [
        ", ".join(f"{number} x {status}" for status, number in sorted(answers.items())),
        f"{median(result.seconds):.1f}",
        f"{max(result.seconds):.1f}",
        f"{median(result.lags) * 1000:.1f}",
        f"{result.lag * 1000:.1f}",
    ]
    head = ["answers", "login: median s", "longest", "/healthz: median ms", "p99"]
    print(table(head, [row]))
    problems = result.problems()
    if problems and not options.patient:
        sys.exit("\n".join(problems))


async def _measure(port: int, logins: int) -> Result:
    done = asyncio.Event()
    watching = asyncio.create_task(_watch(port, done))
    results = await asyncio.gather(*(_login(port, number) for number in range(logins)))
    done.set()
    return Result(
        answers=[(status, told) for status, told, _ in results],
        seconds=[seconds for _, _, seconds in results],
        lags=await watching,
    )


async def _login(port: int, number: int) -> tuple[int, bool, float]:
    reader, writer = await asyncio.open_connection(HOST, port)
    body, headers = login_request(address(Kind.KNOWN, number), PASSWORD, an_ip(number))
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = ["POST /api/auth/login HTTP/1.1", "Host: skua.example", *lines]
    head.append(f"Content-Length: {len(body)}")
    began = time.perf_counter()
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    seconds = time.perf_counter() - began
    writer.close()
    return int(answer.split()[1]), b"\r\nretry-after: " in answer.lower(), seconds


async def _watch(port: int, done: asyncio.Event) -> list[float]:
    reader, writer = await asyncio.open_connection(HOST, port)
    lags = []
    while not done.is_set():
        began = time.perf_counter()
        writer.write(_HEALTH)
        await reader.readuntil(b"}")
        lags.append(time.perf_counter() - began)
        await asyncio.sleep(_EVERY)
    writer.close()
    return lags


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logins", type=int, default=50)
    parser.add_argument("--patient", action="store_true", help="don't fail whatever is seen")
    parser.add_argument("--data-dir", type=Path, help="where the database's folder is made")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
