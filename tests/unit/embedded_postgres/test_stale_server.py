"""Whose pid the pid file of an earlier start holds now."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from skua_adapters.embedded_postgres.stale_server import (
    clear_away,
    serves,
    serves_who_knows_what,
)

DATA = Path("/var/lib/skua/data")


def pid_file(data: Path, pid: int | str) -> Path:
    data.mkdir(exist_ok=True)
    path = data / "postmaster.pid"
    path.write_text(f"{pid}\n{data}\n1764000000\n5432\n")
    return path


@contextmanager
def process_called(command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that goes by that name."""
    with subprocess.Popen([command, "60"], executable="/bin/sleep") as process:
        try:
            # For a moment after its exec a process has no command line.
            while sys.platform == "linux" and not Path(f"/proc/{process.pid}/cmdline").read_text():
                time.sleep(0.001)
            yield process
        finally:
            process.kill()


def test_no_pid_file_is_fine(tmp_path: Path) -> None:
    clear_away(tmp_path / "data")


def test_a_pid_that_is_a_stranger_now_is_dropped_and_the_stranger_lives(tmp_path: Path) -> None:
    path = pid_file(tmp_path / "data", os.getpid())

    clear_away(tmp_path / "data")

    assert not path.exists()


def test_a_torn_pid_file_is_dropped(tmp_path: Path) -> None:
    path = pid_file(tmp_path / "data", "")

    clear_away(tmp_path / "data")

    assert not path.exists()


@pytest.mark.parametrize("name", ["postgres: checkpointer", "/usr/bin/embedded_postgres"])
def test_a_stranger_with_a_like_name_lives_on(tmp_path: Path, name: str) -> None:
    with process_called(name) as stranger:
        path = pid_file(tmp_path / "data", stranger.pid)

        clear_away(tmp_path / "data")

        assert stranger.poll() is None
        assert not path.exists()


def test_a_server_that_somebody_started_by_hand_lives_on(tmp_path: Path) -> None:
    with process_called("/usr/bin/postgres") as server:
        path = pid_file(tmp_path / "data", server.pid)

        clear_away(tmp_path / "data")

        assert server.poll() is None
        assert path.exists()


@pytest.mark.parametrize(
    ("command", "ours", "unknown"),
    [
        ("/usr/bin/postgres -D /var/lib/skua/data -c x=y", True, False),
        ("postgres -D /var/lib/skua/data", True, False),
        ("/usr/bin/postgres -D /var/lib/skua/data2 -c x=y", False, False),
        ("/usr/bin/postgres -D data", False, True),
        ("postgres", False, True),
        ("vim -D /var/lib/skua/data", False, False),
        ("", False, False),
    ],
)
def test_a_command_line_tells_whose_server_it_is(
    command: str, *, ours: bool, unknown: bool
) -> None:
    assert serves(command.split(" "), DATA) is ours
    assert serves_who_knows_what(command.split(" ")) is unknown
