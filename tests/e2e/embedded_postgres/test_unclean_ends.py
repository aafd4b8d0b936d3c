"""However it ends, no server stays and the next start needs no hand."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skua_adapters.embedded_postgres import EmbeddedPostgres
from tests.e2e.embedded_postgres.rig import Keep, ask, processes_in, wait_until_gone
from tests.postgres_cluster import bin_dir_of_tests

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(
        sys.platform != "linux", reason="only Linux ends a child together with its parent"
    ),
]
KEEPER = Path(__file__).with_name("keeper.py")
WRITE = ("CREATE TABLE bird (name text)", "INSERT INTO bird VALUES ('skua') RETURNING name")
READ = "SELECT name FROM bird"


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_killed_keeper_takes_its_server_along(
    place: Path, keep: Keep, uid: int | None, ending: signal.Signals
) -> None:
    first = keep(place / "pg", uid=uid)
    ask(first.said()["dsn"], *WRITE)

    first.process.send_signal(ending)
    wait_until_gone(place)

    second = keep(place / "pg", uid=uid)
    assert ask(second.said()["dsn"], READ) == "skua"
    second.leave()


def test_a_next_start_need_not_wait_for_the_killed_one(place: Path, keep: Keep) -> None:
    first = keep(place / "pg")
    ask(first.said()["dsn"], *WRITE)

    first.process.kill()
    second = keep(place / "pg")

    assert ask(second.said()["dsn"], READ) == "skua"
    second.leave()


def test_a_closed_terminal_takes_the_server_along(place: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, KEEPER, place / "pg", *filter(None, [bin_dir_of_tests()])],
        stdin=theirs,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(theirs)
    assert process.stdout is not None
    assert b"pid" in process.stdout.readline()

    os.close(ours)

    assert process.wait(10) == -signal.SIGHUP
    process.stdout.close()
    wait_until_gone(place)


def test_ctrl_c_in_the_terminal_leaves_the_end_to_the_keeper(place: Path, keep: Keep) -> None:
    keeper = keep(place / "pg")
    pid = keeper.said()["pid"]

    assert os.getsid(pid) != os.getsid(keeper.process.pid)
    assert os.getpgid(pid) != os.getpgid(keeper.process.pid)
    keeper.leave()


def test_a_first_start_that_is_killed_leaves_no_half_cluster(place: Path, keep: Keep) -> None:
    first = keep(place / "pg")
    while not list(place.glob("pg/initdb-*/PG_VERSION")):
        assert first.process.poll() is None
        time.sleep(0.005)

    first.process.kill()
    second = keep(place / "pg")

    assert ask(second.said()["dsn"], "SELECT 1") == 1
    assert list(place.glob("pg/initdb-*")) == []
    second.leave()
    wait_until_gone(place)


def test_ctrl_c_in_a_first_start_leaves_nothing_running(place: Path, keep: Keep) -> None:
    first = keep(place / "pg")
    while not list(place.glob("pg/initdb-*/PG_VERSION")):
        assert first.process.poll() is None
        time.sleep(0.005)

    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(10) == -signal.SIGINT
    wait_until_gone(place)

    second = keep(place / "pg")
    assert ask(second.said()["dsn"], "SELECT 1") == 1
    second.leave()


def test_a_server_that_died_alone_is_seen_and_starts_again(server: EmbeddedPostgres) -> None:
    server.start()
    ask(server.dsn(), *WRITE)
    assert server.pid is not None

    os.kill(server.pid, signal.SIGKILL)
    while server.pid is not None:
        time.sleep(0.01)
    server.start()

    assert ask(server.dsn(), READ) == "skua"


def test_sessions_that_outlive_a_crash_are_waited_for(server: EmbeddedPostgres) -> None:
    server.start()
    client = subprocess.Popen(
        [sys.executable, "-c", _BUSY, server.dsn()], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert client.stdout is not None
    assert client.stdout.readline() == b"busy\n"
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)

    server.stop()
    server.start()
    client.communicate()

    assert ask(server.dsn(), "SELECT 1") == 1
    assert "pre-existing shared memory block" in server.log_path.read_text()


@pytest.mark.parametrize("stranger", ["alive", "dead"])
def test_a_power_loss_leaves_a_pid_file_that_stops_nobody(
    server: EmbeddedPostgres, stranger: str
) -> None:
    server.start()
    ask(server.dsn(), *WRITE)
    pid_file = server.directory / "data" / "postmaster.pid"
    left_behind = pid_file.read_text().split("\n")
    server.stop()
    with _start_as_server(server, "/bin/sleep", "60") as other:
        if stranger == "dead":
            other.kill()
            other.wait()
        pid_file.write_text("\n".join([str(other.pid), *left_behind[1:]]))
        shutil.chown(pid_file, pid_file.parent.owner())

        server.start()

        assert ask(server.dsn(), READ) == "skua"
        assert other.poll() == (None if stranger == "alive" else -signal.SIGKILL)
        other.kill()


def test_a_server_that_outlived_its_keeper_is_ended_by_the_next_start(
    place: Path, server: EmbeddedPostgres
) -> None:
    """As on a system where a child can't be tied to its parent."""
    server.start()
    ask(server.dsn(), *WRITE)
    assert server.pid is not None
    command = Path(f"/proc/{server.pid}/cmdline").read_text().rstrip("\0").split("\0")
    server.stop()
    (server.directory / "run").mkdir(mode=0o700)
    shutil.chown(server.directory / "run", (server.directory / "data").owner())
    left = _start_as_server(server, *command)
    while len(processes_in(place)) < 5:
        assert left.poll() is None
        time.sleep(0.02)

    server.start()

    assert left.wait(5) == 0
    assert server.pid not in {None, left.pid}
    assert ask(server.dsn(), READ) == "skua"


def _start_as_server(server: EmbeddedPostgres, *command: str) -> subprocess.Popen[bytes]:
    uid = (server.directory / "data").stat().st_uid
    return subprocess.Popen(
        command, user=uid, group=uid, stderr=subprocess.DEVNULL, env={"LC_ALL": "C"}, cwd="/"
    )


_BUSY = """
import asyncio, sys, asyncpg
async def main():
    connection = await asyncpg.connect(sys.argv[1])
    await connection.execute("SET client_min_messages = notice")
    connection.add_log_listener(lambda *_: print("busy", flush=True))
    await connection.execute(
        "DO $$BEGIN RAISE NOTICE 'busy'; PERFORM count(*) FROM generate_series(1, 12000000); END$$"
    )
asyncio.run(main())
"""
