"""An embedded server from its first start to its second."""

import os
import threading
from pathlib import Path

import asyncpg
import pytest

from skua_adapters.embedded_postgres import ClusterInUse, EmbeddedPostgres
from tests.e2e.embedded_postgres.rig import Keep, ask, ask_sqlalchemy, processes_in
from tests.postgres_cluster import bin_dir_of_tests

pytestmark = pytest.mark.external


def test_a_second_start_finds_the_data_of_the_first(
    place: Path, keep: Keep, uid: int | None
) -> None:
    first = keep(place / "pg", uid=uid)
    ask(
        first.said()["dsn"],
        "CREATE TABLE bird (name text)",
        "INSERT INTO bird VALUES ('skua') RETURNING name",
    )
    first.leave()
    assert processes_in(place) == []

    second = keep(place / "pg", uid=uid)
    found = ask(second.said()["dsn"], "SELECT name FROM bird")
    second.leave()

    assert found == "skua"
    assert processes_in(place) == []


def test_the_server_never_runs_as_root(server: EmbeddedPostgres) -> None:
    server.start()

    assert Path(f"/proc/{server.pid}").stat().st_uid != 0


def test_sqlalchemy_takes_the_url(server: EmbeddedPostgres) -> None:
    server.start()

    assert int(ask_sqlalchemy(server.url(), "SHOW server_version_num")) >= 150000


def test_a_role_logs_in_with_its_kept_password_and_with_no_other(
    server: EmbeddedPostgres,
) -> None:
    server.start()
    password = server.role_password("skua_app")
    ask(server.dsn(), f"CREATE ROLE skua_app LOGIN PASSWORD '{password}'", "SELECT 1")

    assert ask(server.dsn("skua_app"), "SELECT current_user") == "skua_app"
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(server.dsn("skua_app").replace(password, "guessed"), "SELECT 1")


def test_what_was_written_is_safe_and_nothing_listens_on_the_network(
    server: EmbeddedPostgres,
) -> None:
    server.start()

    settings = {
        name: ask(server.dsn(), f"SHOW {name}")
        for name in ("fsync", "full_page_writes", "data_checksums", "listen_addresses")
    }

    assert settings == {
        "fsync": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "",
    }


def test_text_is_unicode_whatever_the_machine_speaks(server: EmbeddedPostgres) -> None:
    server.start()

    assert ask(server.dsn(), "SHOW server_encoding") == "UTF8"
    assert ask(server.dsn(), "SELECT lower('ПОМОРНИК Ä')") == "поморник ä"
    assert ask(server.dsn(), "SELECT 'Z' < 'a'") is True


def test_a_callers_option_goes_before_ours(place: Path) -> None:
    options = {"jit": "on", "work_mem": "7MB"}

    with EmbeddedPostgres(place / "pg", options=options, bin_dir=bin_dir_of_tests()) as server:
        assert ask(server.dsn(), "SHOW jit") == "on"
        assert ask(server.dsn(), "SHOW work_mem") == "7MB"


def test_its_log_tells_of_a_refused_row_without_what_is_in_it(server: EmbeddedPostgres) -> None:
    server.start()
    table = "CREATE TABLE bird (name text UNIQUE CHECK (name <> 'a rare wren'))"
    ask(server.dsn(), table, "INSERT INTO bird VALUES ('a shy wren') RETURNING 1")

    for name in ("a shy wren", "a rare wren"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            ask(server.dsn(), f"INSERT INTO bird VALUES ('{name}') RETURNING 1")  # noqa: S608

    logged = server.log_path.read_text()
    assert "bird_name_key" in logged
    assert "bird_name_check" in logged
    assert "wren" not in logged


def test_it_outlives_the_thread_that_started_it(server: EmbeddedPostgres) -> None:
    starter = threading.Thread(target=server.start)
    starter.start()
    starter.join()

    assert ask(server.dsn(), "SELECT pg_sleep(0.2) IS NULL") is False
    assert server.pid is not None


def test_starting_what_runs_already_is_refused_and_harmless(server: EmbeddedPostgres) -> None:
    server.start()
    pid = server.pid

    with pytest.raises(ClusterInUse, match=f"process {os.getpid()}"):
        server.start()

    assert server.pid == pid


def test_stop_is_fine_at_any_time(server: EmbeddedPostgres) -> None:
    server.stop()
    server.start()
    server.stop()
    server.stop()

    assert server.pid is None


async def test_stop_does_not_wait_for_those_who_are_connected(server: EmbeddedPostgres) -> None:
    server.start()
    connection = await asyncpg.connect(server.dsn())

    server.stop()

    assert server.pid is None
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.fetchval("SELECT 1")
    connection.terminate()


def test_two_installations_side_by_side_do_not_meet(place: Path) -> None:
    one, other = (
        EmbeddedPostgres(place / name, bin_dir=bin_dir_of_tests()) for name in ("one", "other")
    )
    with one, other:
        ask(one.dsn(), "CREATE TABLE bird ()", "SELECT 1")
        seen_by_other = ask(other.dsn(), "SELECT to_regclass('bird')::text")

        one.stop()
        still_there = ask(other.dsn(), "SELECT 1")

    assert seen_by_other is None
    assert still_there == 1
    assert one.role_password("skua_app") != other.role_password("skua_app")


@pytest.mark.parametrize("name", ["x" * 120, "a b, 'c' \"d\" möwe %41"])
def test_a_long_or_odd_path_is_fine(place: Path, name: str) -> None:
    with EmbeddedPostgres(place / name / "pg", bin_dir=bin_dir_of_tests()) as server:
        assert ask(server.dsn(), "SELECT 1") == 1
        socket_directory = ask_sqlalchemy(server.url(), "SHOW unix_socket_directories")

    assert not Path(socket_directory).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user changes no owners or modes")
def test_no_parents_permissions_change(place: Path) -> None:
    place.chmod(0o711)
    parents = [place, *place.parents]
    before = [(path, path.stat().st_mode, path.stat().st_gid) for path in parents]

    with EmbeddedPostgres(place / "a" / "pg", bin_dir=bin_dir_of_tests()):
        during = [(path, path.stat().st_mode, path.stat().st_gid) for path in parents]

    assert during == before


def test_only_its_owner_looks_inside(place: Path, server: EmbeddedPostgres) -> None:
    server.start()

    readable_by_others = [
        path.relative_to(place)
        for path in server.directory.iterdir()
        if path.lstat().st_mode & 0o077
    ]

    assert readable_by_others == []
    assert server.directory.stat().st_mode & 0o067 == 0
