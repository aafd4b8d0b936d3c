"""The end of a server: whoever was being answered gets the answer, and nobody waits for idlers."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from tests.e2e.cli.house import PATIENCE, House, free_port
from tests.e2e.serving.rig import HOST, REQUEST, Certificate, Server, ask, serving
from tests.postgres_cluster import Database

pytestmark = pytest.mark.external

AT_ONCE = 15.0
"""Seconds; much less than requests in flight are given."""


@pytest.fixture
async def stalled(migrated_database: Database) -> AsyncIterator[asyncio.Event]:
    """Whoever looks for a bot waits until this is set."""
    connection = await asyncpg.connect(migrated_database.dsn)
    released = asyncio.Event()
    held = asyncio.Event()

    async def hold() -> None:
        async with connection.transaction():
            await connection.execute("LOCK TABLE platform.bots IN ACCESS EXCLUSIVE MODE")
            held.set()
            await released.wait()

    holding = asyncio.create_task(hold())
    await held.wait()
    yield released
    released.set()
    await holding
    await connection.close()


def send_sigterm(server: Server) -> None:
    server.running.process.terminate()


def press_ctrl_c(server: Server) -> None:
    """A terminal tells the whole group."""
    os.killpg(server.running.process.pid, signal.SIGINT)


def stop_as_systemd_does(server: Server) -> None:
    os.killpg(server.running.process.pid, signal.SIGTERM)


Stop = Callable[[Server], None]
STOPS = [send_sigterm, press_ctrl_c, stop_as_systemd_does]


def assert_ended_in_good_order(server: Server) -> None:
    assert server.running.process.wait(PATIENCE) == 0, server.running.said()
    said = server.running.said()
    assert "Traceback" not in said
    assert "Unexpected exit" not in said


@pytest.mark.parametrize("stop", STOPS)
async def test_a_request_in_flight_is_answered(
    house: House, stalled: asyncio.Event, stop: Stop
) -> None:
    with serving(house, "--processes", "2") as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(REQUEST % b"/readyz")
        await asyncio.sleep(0.5)

        stop(server)
        await asyncio.sleep(0.5)
        assert server.running.process.poll() is None
        stalled.set()
        answer = await asyncio.wait_for(reader.readuntil(b"}"), 10)
        writer.close()

        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert_ended_in_good_order(server)


@pytest.mark.parametrize("stop", STOPS)
def test_idle_connections_do_not_hold_it_up(
    house: House, certificate: Certificate, stop: Stop
) -> None:
    with (
        serving(house, certificate=certificate) as server,
        server.client(http2=True) as second,
        certificate.trusted().wrap_socket(server.connect(), server_hostname=HOST) as first,
        server.connect() as silent,
    ):
        assert ask(first).startswith(b"HTTP/1.1 200")
        assert second.get("/healthz").http_version == "HTTP/2"
        assert silent.fileno() > 0
        began = time.monotonic()

        stop(server)

        assert_ended_in_good_order(server)
        assert time.monotonic() - began < AT_ONCE
        assert first.version() in {"TLSv1.2", "TLSv1.3"}


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
@pytest.mark.parametrize("delay", [0.0, 0.02, 0.3])
@pytest.mark.parametrize("stop", STOPS)
def test_a_server_that_is_only_starting_stops_as_well(
    house: House, stop: Stop, delay: float
) -> None:
    port = free_port()
    with house.start("serve", "--port", str(port), "--processes", "2") as running:
        server = Server(running, port, None)
        deadline = time.monotonic() + PATIENCE
        while not server.workers():
            assert running.process.poll() is None, running.said()
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(delay)
        began = time.monotonic()

        stop(server)

        assert_ended_in_good_order(server)
        assert time.monotonic() - began < AT_ONCE
