"""``make torture``: the whole thing, with the times as they are shipped."""

import argparse
import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from tests.e2e.torture.plan import make_plan
from tests.e2e.torture.run import Torture
from tests.e2e.torture.scale import FULL, SHORT, Scale
from tests.postgres_cluster import bin_dir_of_tests

_STOPPED = 130
_FEWEST_BOTS = 2


def main() -> int:
    """0 when every promise was kept, 1 when one was broken, 130 after Ctrl-C."""
    arguments = _arguments()
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(10**9)
    scale = _scale(arguments)
    _say(f"seed {seed}: SEED={seed} makes the same plan again")
    if arguments.plan:
        for each in make_plan(seed, scale).disturbances:
            _say(str(each))
        return 0
    with contextlib.ExitStack() as cleanup:
        directory = _directory(cleanup, keep=arguments.keep)
        try:
            with asyncio.Runner() as runner:
                return runner.run(_run(seed, scale, directory))
        except (KeyboardInterrupt, asyncio.CancelledError):
            _say("stopped; nothing was judged, nothing is left running")
            return _STOPPED


async def _run(seed: int, scale: Scale, directory: Path) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    torture = Torture(
        seed,
        scale,
        directory=directory,
        database_directory=directory / "database",
        bin_dir=bin_dir_of_tests(),
        tell=_say,
    )
    verdict = await torture.run()
    _say(str(verdict))
    return 1 if verdict.violations else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make torture ARGS=…", description=__doc__)
    parser.add_argument("--seed", type=int, help="makes the same plan again")
    parser.add_argument("--short", action="store_true", help="all times ten times shorter")
    parser.add_argument("--bots", type=int)
    parser.add_argument("--people", type=int, help="recipients of each bot")
    parser.add_argument("--kills", type=int, help="from outside, beside those at fault points")
    parser.add_argument("--minutes", type=float, help="how long disturbances go on")
    parser.add_argument("--keep", type=Path, help="a new folder for logs and receipts, kept")
    parser.add_argument("--plan", action="store_true", help="only show what would be done")
    arguments = parser.parse_args()
    if arguments.bots is not None and arguments.bots < _FEWEST_BOTS:
        parser.error(f"--bots begins at {_FEWEST_BOTS}: operators need some to do things to")
    return arguments


def _scale(arguments: argparse.Namespace) -> Scale:
    scale = SHORT if arguments.short else FULL
    changes = {
        name: getattr(arguments, name)
        for name in ("bots", "people", "kills")
        if getattr(arguments, name) is not None
    }
    if arguments.minutes is not None:
        longer = arguments.minutes * 60 - scale.over
        changes |= {"over": scale.over + longer, "limit": scale.limit + max(0.0, longer)}
    return msgspec.structs.replace(scale, **changes)


def _directory(cleanup: contextlib.ExitStack, *, keep: Path | None) -> Path:
    if keep is not None:
        keep.mkdir(parents=True)
        return keep.resolve()
    memory = Path("/dev/shm")  # noqa: S108 - made with mkdtemp
    base = memory if os.access(memory, os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="skua-torture-", dir=base)).resolve()
    # The database server may run as another account.
    path.chmod(0o711)
    cleanup.callback(shutil.rmtree, path, ignore_errors=True)
    return path


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)  # noqa: T201 - it reports to the terminal


if __name__ == "__main__":
    sys.exit(main())
