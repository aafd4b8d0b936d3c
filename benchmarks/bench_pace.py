"""Share of the allowed rate that a lane reaches, and the 429s it provokes (none).

The far end is Skua's Telegram simulator as a process of its own, with Telegram's limits and a
latency of 120 ms ± 40 ms, 2 % of the answers after 2 s.

``python -m benchmarks.bench_pace [--seconds 60] [--paid-seconds 30]``
"""

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.installation import TOKEN, Installation, installation
from benchmarks.machine import cores, describe, run_client, staying_on, table
from skua_adapters.telegram_simulator import LatencySettings, NewBot, ReceiptBook, SimulatorSettings
from skua_adapters.telegram_simulator.receipts import SEND_MESSAGE

_LATENCY = LatencySettings(mean=0.12, deviation=0.04, tail_share=0.02, tail=2.0)
_TOO_MANY = 429
_FREE, _PAID = 30, 1000


class Kept(msgspec.Struct, frozen=True):
    """What the far end saw of one broadcast."""

    accepted: int
    refused: int
    """429s."""
    rate: float
    """Messages per second from the first to the last."""
    uncertain: int


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    client, server = cores()
    print(describe())
    rows = []
    with staying_on(server), installation(options.data_dir) as installed:
        for name, rate, seconds in (
            ("free", _FREE, options.seconds),
            ("paid", _PAID, options.paid_seconds),
        ):
            kept = _send(installed, client, name, int(rate * seconds))
            rows.append(
                [
                    f"{name}, {rate}/s",
                    str(kept.accepted),
                    f"{kept.rate:.2f}",
                    f"{kept.rate / rate:.1%}",
                    str(kept.refused),
                    str(kept.uncertain),
                ]
            )
    print(table(["rate", "messages", "reached/s", "share", "429s", "uncertain"], rows))


def _send(installed: Installation, client: int, kind: str, messages: int) -> Kept:
    # A bot of its own for each: limits and slots are a bot's.
    token = TOKEN.replace("110201543", f"11020{1500 + messages % 7000}")
    place = installed.settle(messages, token=token)
    with tempfile.TemporaryDirectory(prefix="skua-bench-") as folder:
        book = Path(folder) / "receipts.jsonl"
        with telegram(Path(folder), book, token, messages) as url:
            environ = {**place.environ, "SKUA_TELEGRAM_API_BASE": url}
            module = "benchmarks.client_skua"
            options = ["--free"] if kind == "free" else []
            result = run_client(client, module, place.slug, *options, environ=environ)
        sends = [each for each in ReceiptBook.read(book) if each.method == SEND_MESSAGE]
    times = sorted(receipt.at for receipt in sends if receipt.accepted)
    return Kept(
        accepted=len(times),
        refused=sum(receipt.error_code == _TOO_MANY for receipt in sends),
        rate=(len(times) - 1) / (times[-1] - times[0]),
        uncertain=result["uncertain"],
    )


@contextmanager
def telegram(folder: Path, book: Path, token: str, audience: int) -> Iterator[str]:
    """The simulator as a process of its own; its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    settings = SimulatorSettings(
        latency=_LATENCY,
        bots=(NewBot(token=token, paid_broadcasts=True),),
    )
    file = folder / "settings.json"
    file.write_bytes(msgspec.json.encode(settings))
    skua = shutil.which("skua", path=str(Path(sys.executable).parent)) or "skua"
    command = [
        *(skua, "telegram-simulator", "--settings", str(file), "--port", str(port)),
        *("--audience", str(audience), "--receipt-book", str(book)),
    ]
    simulator = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        _wait_for(port, simulator)
        yield f"http://127.0.0.1:{port}"
    finally:
        simulator.terminate()
        simulator.wait()


def _wait_for(port: int, simulator: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and simulator.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the simulator doesn't answer")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--paid-seconds", type=float, default=30)
    parser.add_argument("--data-dir", type=Path, help="where the database's folder is made")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
