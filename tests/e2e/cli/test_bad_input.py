"""What can be wrong around the program: one line each, exit code 2, and nothing is done."""

import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from skua_adapters._sql import roles
from tests.e2e.cli.conftest import Installation
from tests.e2e.cli.house import PATIENCE, SKUA, House, free_port
from tests.e2e.embedded_postgres.rig import processes_in
from tests.postgres_cluster import Database, PostgresCluster

KEY = {"WEB_SECRET_KEY": "a passphrase for these tests", "SKUA_PUBLIC_URL": "https://skua.example"}


def refusal(done: "subprocess.CompletedProcess[str]") -> str:
    """The one line that it said."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr.strip()


@pytest.mark.parametrize("words", [["bot", "list"], ["serve"]], ids=" ".join)
def test_a_database_that_is_down(house: House, words: list[str]) -> None:
    url = f"postgresql://skua_app:hidden@127.0.0.1:{free_port()}/skua"

    said = refusal(house.with_settings(SKUA_DATABASE_URL=url, **KEY).skua(*words))

    place = url.partition("@")[2]
    assert said == (
        f"skua: The database at {place} is not available (no connection). Check that it runs and "
        "that SKUA_DATABASE_URL names it."
    )


@pytest.mark.parametrize("words", [["bot", "list"], ["worker"]], ids=" ".join)
def test_a_database_without_tables(
    house: House, cluster_with_roles: PostgresCluster, words: list[str]
) -> None:
    empty = cluster_with_roles.create_database()
    try:
        settings = house.with_settings(SKUA_DATABASE_URL=empty.url_of(roles.APP), **KEY)
        said = refusal(settings.skua(*words))
    finally:
        cluster_with_roles.drop_database(empty)

    assert said == (
        "skua: The database can't be used: it has no tables of Skua's; run `skua migrate`."
    )


@pytest.mark.parametrize("words", [["bot", "list"], ["worker"]], ids=" ".join)
def test_a_role_that_row_security_does_not_hold(
    house: House, own_database: Database, words: list[str]
) -> None:
    settings = house.with_settings(SKUA_DATABASE_URL=own_database.url, **KEY)

    said = refusal(settings.skua(*words))

    assert said.startswith("skua: The database can't be used: ")
    assert "superuser" in said


def test_migrate_makes_roles_and_tables_of_a_bare_database(
    house: House, postgres_cluster: PostgresCluster
) -> None:
    database = postgres_cluster.create_database()
    settings = house.with_settings(
        SKUA_DATABASE_OWNER_URL=database.url_of(roles.OWNER),
        SKUA_DATABASE_URL=database.url_of(roles.APP),
        **KEY,
    )
    try:
        made = settings.skua("migrate", "--create-roles", typed=f"{database.url}\n")
        again = settings.skua("migrate")
        listed = settings.skua("bot", "list")
    finally:
        postgres_cluster.drop_database(database)

    assert (made.returncode, again.returncode, listed.returncode) == (0, 0, 0), made.stderr
    assert made.stdout == again.stdout
    assert made.stdout.startswith("The database is at version ")


def test_a_port_that_is_taken(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        said = refusal(house.skua("up", "--port", str(port)))

    assert said == (
        f"skua: Can't listen on 127.0.0.1, port {port} (Address already in use). Choose another "
        "with --port."
    )
    assert not (house.place / "data").exists()


def test_a_simulators_port_that_is_taken(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        said = refusal(house.skua("telegram-simulator", "--port", str(port)))

    assert said.startswith(f"skua: The Telegram simulator can't listen on 127.0.0.1:{port}")


def test_a_data_folder_that_cannot_be_one(house: House) -> None:
    (house.place / "file").write_text("")
    settings = house.with_settings(SKUA_DATA_DIR=str(house.place / "file" / "data"))

    said = refusal(settings.skua("bot", "list"))

    assert said.startswith("skua: ")
    assert str(house.place / "file") in said
    assert "choose another folder with SKUA_DATA_DIR" in said


def test_a_second_skua_up_over_the_same_data(installation: Installation) -> None:
    said = refusal(installation.house.skua("up", "--port", str(free_port())))

    data = installation.house.place / "data" / "postgres"
    assert said == (
        f"skua: The embedded PostgreSQL in {data} is already in use by process "
        f"{installation.up.process.pid}: stop that one first, or choose another folder with "
        "SKUA_DATA_DIR."
    )


def test_telegram_is_unreachable(installation: Installation) -> None:
    house = installation.house.with_settings(
        SKUA_TELEGRAM_API_BASE=f"http://127.0.0.1:{free_port()}"
    )
    bots = installation.house.objects("bot", "list")

    said = refusal(house.skua("bot", "add", "gulls", typed=installation.token))

    assert said.startswith("skua: Telegram could not be asked (")
    assert said.endswith("). Nothing was changed; try again.")
    assert installation.house.objects("bot", "list") == bots


@pytest.mark.parametrize("seconds", [1.0, 2.5, 4.0])
def test_ctrl_c_in_a_first_start_leaves_nothing_that_needs_a_hand(
    house: House, seconds: float
) -> None:
    process = subprocess.Popen(
        [SKUA, "bot", "list"],
        env=house.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(seconds)

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    again = house.skua("bot", "list")

    assert "Traceback" not in said
    assert process.returncode in {0, 130, -signal.SIGINT}
    assert again.returncode == 0, again.stderr
    assert processes_in(Path(house.place)) == []


def test_up_ends_in_good_order_on_ctrl_c(house: House) -> None:
    with house.start("up", "--port", str(free_port())) as up:
        up.wait_for("Skua is up at")

        code = up.interrupt()

    assert code == 0
    assert "Traceback" not in up.said()
    assert processes_in(Path(house.place)) == []
