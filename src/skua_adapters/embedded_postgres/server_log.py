"""What the server wrote, and what it means when it did not start."""

import re
from pathlib import Path
from typing import IO

from skua_adapters.embedded_postgres.errors import (
    DataDirectoryBroken,
    DiskFull,
    EmbeddedPostgresError,
    PreviousServerLingers,
    ServerDidNotStart,
)

_KEPT_BYTES = 5_000_000
_TAIL_LINES = 10
_NO_SPACE = ("No space left on device", "Disk quota exceeded")
_DAMAGE = re.compile(
    r"could not (?:locate a valid checkpoint|find the database system)|invalid checkpoint|"
    r"incorrect checksum in control file|pg_control|invalid page in|"
    r"is not a valid data directory|required WAL directory|could not access status|"
    r"could not (?:open|read) (?:file|directory) \"(?:global|base|pg_)"
)
_SERIOUS = re.compile(r"(?:PANIC|FATAL|error): +(.+)")


class ServerLog:
    """A file that the server appends to, kept under a size by each start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begin = 0

    def open(self) -> IO[bytes]:
        """For a new start: what is explained later is what was written from here on."""
        if self.path.exists() and self.path.stat().st_size > _KEPT_BYTES:
            self.path.replace(self.path.with_suffix(".log.1"))
        self.path.touch(mode=0o600)
        self._begin = self.path.stat().st_size
        return self.path.open("ab")

    def tail(self) -> str:
        """The last lines since the start."""
        return "\n".join(self.written().splitlines()[-_TAIL_LINES:])

    def written(self) -> str:
        with self.path.open("rb") as log:
            log.seek(self._begin)
            return log.read().decode(errors="replace")


def explain(log: ServerLog, data: Path, otherwise: str) -> EmbeddedPostgresError:
    """The error that the last start's lines tell of; ``otherwise`` when they tell nothing."""
    written = log.written()
    serious = _SERIOUS.findall(written)
    if any(words in written for words in _NO_SPACE):
        return DiskFull(data.parent)
    if "pre-existing shared memory block" in written:
        return PreviousServerLingers(log.path, log.tail())
    damage = next((line for line in serious if _DAMAGE.search(line)), None)
    if damage is not None:
        return DataDirectoryBroken(data, damage)
    last_words = serious or written.splitlines() or [otherwise]
    return ServerDidNotStart(last_words[-1], log.path, log.tail())
