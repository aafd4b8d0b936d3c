"""Several processes behind one port: they share the work, and none is missed for long."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.cli.house import PATIENCE, House
from tests.e2e.serving.rig import Server, ask, is_alive, make_certificate, serving

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc"),
]

CONNECTIONS = 64


@pytest.fixture(scope="module")
def four(house: House) -> Iterator[Server]:
    with serving(house, "--processes", "4") as server:
        until(lambda: len(server.workers()) == 4 and len(servers_of_many(server)) == 4)
        yield server


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def servers_of_many(server: Server) -> set[int]:
    """Who answers when many ask."""
    with ExitStack() as open_ones:
        connections = [open_ones.enter_context(server.connect()) for _ in range(CONNECTIONS)]
        for connection in connections:
            assert ask(connection).startswith(b"HTTP/1.1 200 OK\r\n")
        return {server.server_of(connection) for connection in connections}


def test_four_processes_share_the_work(four: Server) -> None:
    assert servers_of_many(four) == four.workers()
    assert four.running.process.pid not in four.workers()


def test_a_process_that_is_killed_is_missed_by_nobody_and_replaced(four: Server) -> None:
    before = four.workers()
    killed = min(before)

    os.kill(killed, signal.SIGKILL)
    until(lambda: killed not in four.workers())
    survivors = servers_of_many(four)
    until(lambda: len(servers_of_many(four)) == 4)

    assert survivors >= before - {killed}
    assert len(four.workers()) == 4
    assert four.workers() > before - {killed}


def test_no_process_outlives_a_first_one_that_was_killed(house: House) -> None:
    with serving(house, "--processes", "2") as server:
        workers = server.workers()

        os.kill(server.running.process.pid, signal.SIGKILL)
        server.running.process.wait(PATIENCE)

        until(lambda: not any(is_alive(worker) for worker in workers))
    with pytest.raises(ConnectionRefusedError):
        server.connect()


def test_a_process_that_dies_again_at_once_ends_the_server_with_a_word(house: House) -> None:
    with serving(house) as server:
        (first,) = server.workers()
        os.kill(first, signal.SIGKILL)
        until(lambda: bool(server.workers() - {first}))
        (second,) = server.workers() - {first}
        os.kill(second, signal.SIGKILL)

        assert server.running.process.wait(PATIENCE) == 2

    last = server.running.said().splitlines()[-1]
    assert last.startswith("skua: A process of the server ended again right after it was replaced.")
    assert "Traceback" not in server.running.said()


def test_sighup_brings_a_renewed_certificate_and_never_a_broken_one(
    house: House, tmp_path: Path
) -> None:
    former = make_certificate(tmp_path, "renewed")
    believes_in_the_former = former.trusted()
    with serving(house, certificate=former) as server, server.client() as patient:
        assert patient.get("/healthz").status_code == 200

        whole = former.file.read_bytes()
        former.file.write_bytes(whole[:100])
        server.running.process.send_signal(signal.SIGHUP)
        server.running.wait_for("The certificate stays the one that it was.")
        with (
            server.connect() as plain,
            believes_in_the_former.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            assert ask(connection).startswith(b"HTTP/1.1 200")

        renewed = make_certificate(tmp_path, "renewed")
        before = server.workers()
        server.running.process.send_signal(signal.SIGHUP)
        until(lambda: not server.workers() & before)
        with server.client() as client:
            assert client.get("/healthz").status_code == 200

    assert renewed.file.read_bytes() != whole
    assert "Traceback" not in server.running.said()


def test_without_redis_all_processes_together_keep_a_limit(house: House) -> None:
    settings = house.with_settings(SKUA_LIMIT_REGISTER_IP="8/600s")
    with serving(settings, "--processes", "4") as server:
        until(lambda: len(servers_of_many(server)) == 4)
        statuses: Counter[int] = Counter()
        for number in range(40):
            with server.client() as anew:
                asked = anew.post(
                    "/api/auth/register",
                    json={"email": f"wren-{number}@example.com", "password": "a walk by the sea"},
                    headers={"Sec-Fetch-Site": "same-origin"},
                )
                statuses[asked.status_code] += 1

    assert set(statuses) == {202, 429}
    assert 2 <= statuses[202] <= 8
