"""One live supervisor for each cluster."""

import fcntl
import os
from pathlib import Path
from typing import Self

from skua_adapters.embedded_postgres.errors import ClusterInUse


class ClusterLock:
    """Held until released, or until the process ends in whatever way."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)

    def __enter__(self) -> Self:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 20, 0).strip()
            os.close(self._descriptor)
            raise ClusterInUse(self._directory, int(holder) if holder.isdigit() else None) from None
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)
        except OSError:
            os.close(self._descriptor)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
