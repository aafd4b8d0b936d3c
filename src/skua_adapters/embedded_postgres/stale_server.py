"""What an earlier start left behind: a server that outlived its Skua, or only its pid file."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from skua_adapters.embedded_postgres.server_process import ESCALATION

_POLL_SECONDS = 0.02


def clear_away(data: Path) -> None:
    """End a server that still runs on ``data``, and drop a pid file that names a stranger.

    For the holder of the cluster's lock only: whoever runs here then has lost its Skua.
    PostgreSQL refuses to start while the pid in its file belongs to any process of the same
    user, which after a power loss, or in a container, can be anybody.
    """
    pid_file = data / "postmaster.pid"
    pid = _recorded_pid(pid_file)
    if pid is None:
        return
    if _serves(pid, data):
        _end(pid, data)
    elif not _may_be_a_server_of_unknown_place(pid):
        pid_file.unlink(missing_ok=True)


def _recorded_pid(pid_file: Path) -> int | None:
    try:
        first_line = pid_file.read_text().split("\n", 1)[0]
    except FileNotFoundError:
        return None
    return int(first_line) if first_line.isdecimal() else 0


def _end(pid: int, data: Path) -> None:
    for number, seconds in ESCALATION:
        deadline = time.monotonic() + seconds
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        while time.monotonic() < deadline:
            if not _serves(pid, data):
                return
            time.sleep(_POLL_SECONDS)


def _serves(pid: int, data: Path) -> bool:
    return f"postgres -D {data} " in f"{_command_line(pid)} "


def _may_be_a_server_of_unknown_place(pid: int) -> bool:
    """Somebody's ``postgres -D data`` by hand: PostgreSQL itself is the better judge of that."""
    program, *options = re.split(r"(?<=postgres) ", _command_line(pid), maxsplit=1)
    return program.endswith("postgres") and not (options and options[0].startswith("-D /"))


def _command_line(pid: int) -> str:
    """Of a living process; empty when there is none, or it is only waiting to be buried."""
    if sys.platform == "linux":
        try:
            return (
                Path(f"/proc/{pid}/cmdline")
                .read_bytes()
                .rstrip(b"\0")
                .replace(b"\0", b" ")
                .decode(errors="surrogateescape")
            )
        except OSError:
            return ""
    listing = subprocess.run(  # noqa: S603 - a number is all it takes in
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout.strip()
