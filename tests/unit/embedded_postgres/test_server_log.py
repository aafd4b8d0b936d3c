"""What the server's last words are taken for."""

from pathlib import Path

import pytest

from skua_adapters.embedded_postgres.errors import (
    DataDirectoryBroken,
    DiskFull,
    EmbeddedPostgresError,
    PreviousServerLingers,
    ServerDidNotStart,
)
from skua_adapters.embedded_postgres.server_log import ServerLog, explain

STAMP = "2026-11-23 15:47:38.530 UTC [9121]"


def log_of(folder: Path, text: str) -> ServerLog:
    log = ServerLog(folder / "postgres.log")
    with log.open() as output:
        output.write(text.encode())
    return log


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        (
            f'{STAMP} FATAL:  could not write lock file "postmaster.pid": No space left on device',
            DiskFull,
        ),
        ("initdb: error: could not write to file: Disk quota exceeded", DiskFull),
        (f"{STAMP} PANIC:  could not locate a valid checkpoint record", DataDirectoryBroken),
        (f"{STAMP} FATAL:  incorrect checksum in control file", DataDirectoryBroken),
        (f'{STAMP} FATAL:  "/var/lib/x" is not a valid data directory', DataDirectoryBroken),
        (
            f'{STAMP} FATAL:  could not open file "global/pg_filenode.map": No such file',
            DataDirectoryBroken,
        ),
        (
            f"{STAMP} FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use",
            PreviousServerLingers,
        ),
        (f'{STAMP} FATAL:  invalid value for parameter "shared_buffers"', ServerDidNotStart),
        ("", ServerDidNotStart),
    ],
)
def test_the_last_words_tell_the_error(
    tmp_path: Path, line: str, meaning: type[EmbeddedPostgresError]
) -> None:
    error = explain(log_of(tmp_path, f"{line}\n"), tmp_path / "data", "it ended with code 1")

    assert type(error) is meaning
    assert "\n" not in str(error)


def test_the_most_serious_last_line_is_the_reason(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        f"{STAMP} LOG:  starting\n{STAMP} FATAL:  no such user\n{STAMP} LOG:  shut down\n",
    )

    error = explain(log, tmp_path / "data", "it ended with code 1")

    assert str(error) == (
        f"PostgreSQL did not start: no such user. Its log is {tmp_path}/postgres.log."
    )
    assert isinstance(error, ServerDidNotStart)
    assert error.log_tail.startswith(f"{STAMP} LOG:  starting")


def test_a_silent_end_is_told_by_its_code(tmp_path: Path) -> None:
    error = explain(log_of(tmp_path, ""), tmp_path / "data", "it ended with code 9")

    assert "it ended with code 9" in str(error)


def test_words_of_an_earlier_start_are_not_blamed_on_this_one(tmp_path: Path) -> None:
    log_of(tmp_path, f"{STAMP} FATAL:  could not extend file: No space left on device\n")

    error = explain(
        log_of(tmp_path, f"{STAMP} FATAL:  no such user\n"), tmp_path / "data", "it ended"
    )

    assert type(error) is ServerDidNotStart
    assert "No space left" not in error.log_tail


def test_a_log_that_has_grown_is_set_aside_and_only_we_may_read_it(tmp_path: Path) -> None:
    old = tmp_path / "postgres.log"
    old.write_bytes(b"x" * 5_000_001)

    log = log_of(tmp_path, "new\n")

    assert log.path.read_text() == "new\n"
    assert log.path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "postgres.log.1").stat().st_size == 5_000_001
