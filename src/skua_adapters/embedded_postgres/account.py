"""The system account under which the server runs: ours, or for root one without privileges."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from skua_adapters.embedded_postgres.errors import DirectoryNotUsable

# PostgreSQL refuses to run as root. 65534 is "nobody" wherever a name is needed, and needs none.
_UNPRIVILEGED_UID = 65534


@dataclass(frozen=True)
class ServerAccount:
    """``uid`` is None when the server runs as whoever we are."""

    uid: int | None

    @classmethod
    def for_this_process(cls) -> Self:
        return cls(_UNPRIVILEGED_UID if os.geteuid() == 0 else None)

    @property
    def effective_uid(self) -> int:
        return os.geteuid() if self.uid is None else self.uid

    @property
    def has_name(self) -> bool:
        try:
            pwd.getpwuid(self.effective_uid)
        except KeyError:
            return False
        return True

    def own(self, path: Path) -> None:
        if self.uid is not None:
            os.chown(path, self.uid, self.uid)

    def barrier(self, path: Path) -> Path | None:
        """The first directory on the way into ``path`` that the account can't pass."""
        if self.uid is None:
            return None
        for folder in (*reversed(path.parents), path):
            about = folder.stat()
            needed = (
                stat.S_IXUSR
                if about.st_uid == self.uid
                else (stat.S_IXGRP if about.st_gid == self.uid else stat.S_IXOTH)
            )
            if not about.st_mode & needed:
                return folder
        return None

    def open_directory(self, directory: Path) -> None:
        """Make ``directory`` if it isn't there, and let the account through to what lies in it.

        Only ``directory`` itself and parents that were missing get other permissions: opening
        a folder that somebody else closed is not ours to do.
        """
        missing = [path for path in (directory, *directory.parents) if not path.exists()]
        nearest = missing[-1].parent if missing else directory
        if not nearest.is_dir():
            raise DirectoryNotUsable(nearest, "it is not a directory")
        barrier = self.barrier(nearest)
        if barrier not in {None, directory}:
            raise DirectoryNotUsable(
                directory,
                f"root runs the server as the unprivileged uid {self.uid}, which may not enter "
                f"{barrier} (`chmod o+x` would let it)",
            )
        for folder in reversed(missing):
            folder.mkdir(mode=0o700 if folder == directory else 0o777)
            if self.uid is not None and folder != directory:
                folder.chmod(0o711)
        if self.uid is not None and (missing or barrier == directory):
            # Its group and nobody else, so that the folder stays as private as it was.
            os.chown(directory, -1, self.uid)
            directory.chmod(stat.S_IMODE(directory.stat().st_mode) | stat.S_IXGRP)

    def private_directory(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        self.own(path)
