"""One live supervisor for each cluster."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skua_adapters.embedded_postgres.errors import ClusterInUse
from skua_adapters.embedded_postgres.lock import ClusterLock

HOLD = """
import sys
from pathlib import Path
from skua_adapters.embedded_postgres.lock import ClusterLock
with ClusterLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_hears_who_has_it(tmp_path: Path) -> None:
    with (
        ClusterLock(tmp_path),
        pytest.raises(ClusterInUse, match=f"process {os.getpid()}") as caught,
        ClusterLock(tmp_path),
    ):
        pass

    assert caught.value.pid == os.getpid()


def test_it_is_free_after_release(tmp_path: Path) -> None:
    with ClusterLock(tmp_path):
        pass

    with ClusterLock(tmp_path):
        pass


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ClusterInUse) as caught, ClusterLock(tmp_path):
            pass
        holder.kill()

    assert caught.value.pid == holder.pid
    with ClusterLock(tmp_path):
        pass
