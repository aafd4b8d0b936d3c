"""Places for clusters, and programs that keep them."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from skua_adapters.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from skua_adapters.embedded_postgres.binaries import find_binaries
from tests.e2e.embedded_postgres.rig import Keep, Keeper, processes_in
from tests.postgres_cluster import bin_dir_of_tests, skip_or_fail

KEEPER = Path(__file__).with_name("keeper.py")


@pytest.fixture(scope="session", autouse=True)
def _binaries() -> None:
    try:
        find_binaries(Path("no data yet"), bin_dir_of_tests())
    except EmbeddedPostgresError as error:
        skip_or_fail(error)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder in memory that any account may pass through and make its own in."""
    memory = Path("/dev/shm")  # noqa: S108 - made with mkdtemp
    base = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    path = Path(tempfile.mkdtemp(prefix="skua-e2e-", dir=base)).resolve()
    path.chmod(0o1777)
    yield path
    left = processes_in(path)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(path)
    assert left == []


@pytest.fixture
def server(place: Path) -> Iterator[EmbeddedPostgres]:
    """Not started yet; stopped in the end."""
    server = EmbeddedPostgres(place / "pg", bin_dir=bin_dir_of_tests())
    yield server
    server.stop()


@pytest.fixture
def keep() -> Iterator[Keep]:
    """Start a keeper of a directory, as ourselves or as another account."""
    with ExitStack() as keepers:

        def start(directory: Path, *, uid: int | None = None) -> Keeper:
            python = _python_for(uid)
            assert python is not None
            account = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
            process: subprocess.Popen[bytes] = subprocess.Popen(
                [python, KEEPER, directory, *filter(None, [bin_dir_of_tests()])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment() | {"HOME": str(directory.parent)},
                cwd="/",
                **account,  # type: ignore[call-overload]  # three keywords that belong together
            )
            keepers.enter_context(process)
            keepers.callback(process.kill)
            return Keeper(process)

        yield start


@pytest.fixture(params=["ourselves", "another account"])
def uid(request: pytest.FixtureRequest) -> int | None:
    """Of the account that keeps the server: both root and an ordinary user, when we are root."""
    if request.param == "ourselves":
        return None
    if os.geteuid() != 0:
        pytest.skip("only root can start a program as somebody else")
    uid = next(user.pw_uid for user in pwd.getpwall() if user.pw_uid not in {0, 65534})
    if _python_for(uid) is None:
        pytest.skip("the interpreter and the project lie where another account can't read them")
    return uid


def _python_for(uid: int | None) -> str | None:
    """An interpreter that the account can run, with what ours can import."""
    if uid is None:
        return sys.executable
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run(
                [python, "-c", "import skua_adapters.embedded_postgres"],
                user=uid,
                env=_environment(),
                cwd="/",
                check=True,
                stderr=subprocess.DEVNULL,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    return None


def _environment() -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
