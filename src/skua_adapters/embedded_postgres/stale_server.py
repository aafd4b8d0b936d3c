"""What an earlier start left behind: a server that outlived its Skua, or only its pid file."""

import os
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
    command = _command_line(pid)
    if serves(command, data):
        _end(pid, data)
    elif not serves_who_knows_what(command):
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
            if not serves(_command_line(pid), data):
                return
            time.sleep(_POLL_SECONDS)


def serves(command: list[str], data: Path) -> bool:
    """Whether it is a server of ``data``, as the supervisor and pg_ctl start one."""
    return _is_server(command) and command[1:3] == ["-D", str(data)]


def serves_who_knows_what(command: list[str]) -> bool:
    """Somebody's ``postgres -D data`` by hand: PostgreSQL itself is the better judge of that."""
    return _is_server(command) and not (command[1:2] == ["-D"] and command[2].startswith("/"))


def _is_server(command: list[str]) -> bool:
    return command[0].rpartition("/")[2] == "postgres"


def _command_line(pid: int) -> list[str]:
    """Of a living process; ``[""]`` when there is none, or it is only waiting to be buried."""
    if sys.platform == "linux":
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
        except OSError:
            return [""]
    listing = subprocess.run(  # noqa: S603 - a number is all it takes in
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    program, option, rest = listing.stdout.strip().partition(" -D ")
    return [program, option.strip(), rest.split(" -c ")[0]]
