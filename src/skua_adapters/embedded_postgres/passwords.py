"""Random passwords of the cluster's roles, each in a file that only its owner reads."""

import os
import re
import secrets
import tempfile
from pathlib import Path

_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class RolePasswords:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, role: str) -> str:
        """The role's password, made and kept at the first call."""
        if not _ROLE.fullmatch(role):
            raise ValueError(f"{role!r} is not the plain name of a database role")
        path = self._folder / role
        if not path.exists():
            self._keep(path, secrets.token_hex(24))
        return path.read_text()

    def _keep(self, path: Path, password: str) -> None:
        # Whole or not at all, and on the disk before anybody relies on it; of two processes
        # that get here together, the second finds the link taken and reads what the first kept.
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._folder, prefix=".") as unfinished:
            unfinished.write(password)
            unfinished.flush()
            os.fsync(unfinished.fileno())
            try:
                path.hardlink_to(unfinished.name)
            except FileExistsError:
                return
        sync_folder(self._folder)


def sync_folder(folder: Path) -> None:
    """Bring new names in ``folder`` to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
