"""Where the server's socket lives: in the cluster's folder, or in /tmp when that is too long."""

import hashlib
import os
import re
import shutil
import stat
from pathlib import Path

from skua_adapters.embedded_postgres.account import ServerAccount
from skua_adapters.embedded_postgres.errors import DirectoryNotUsable

# The kernel takes 108 bytes for a socket's path on Linux and 104 on macOS, with a closing zero.
_LONGEST_SOCKET_PATH = 103
_SOCKET_NAME = ".s.PGSQL.5432"
# What the server's settings and the drivers' URLs take without quoting; a comma parts hosts.
_PLAIN = re.compile(r"[A-Za-z0-9/._+-]+")


def socket_directory(directory: Path) -> Path:
    """The same for every process that asks, whether the server runs or not."""
    inside = directory / "run"
    if _PLAIN.fullmatch(str(inside)) and len(f"{inside}/{_SOCKET_NAME}") <= _LONGEST_SOCKET_PATH:
        return inside
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    # Not tempfile.gettempdir(): that depends on the environment, and this must not.
    return Path(f"/tmp/skua-{name}")  # noqa: S108 - made with mkdir, its owner checked below


def make_socket_directory(path: Path, account: ServerAccount) -> None:
    """Begin with an empty one: a socket's lock file of a lost server would stop ours."""
    if path.is_symlink() or path.exists():
        about = path.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid not in {
            account.effective_uid,
            os.geteuid(),
        }:
            raise DirectoryNotUsable(path, "somebody else made it")
        shutil.rmtree(path)
    account.private_directory(path)
