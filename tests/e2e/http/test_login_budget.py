"""However many processes serve, and however many ask at once: guesses have a budget."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import pytest

from skua_adapters._keys.ring import make_key
from skua_adapters._sql import roles
from skua_app.container import make_container
from skua_app.settings import Settings, load
from skua_core.domain.account import Account, PasswordHash
from skua_core.domain.limits import Bucket, Limits
from skua_core.domain.user import User
from skua_core.ids import UserId
from skua_core.ports.account_storage import AccountStorage
from skua_core.ports.id_factory import IdFactory
from tests.contract.database import cluster_with_roles, migrated_template, own_database
from tests.e2e.delivery.programs import free_port
from tests.postgres_cluster import Database
from tests.redis_server import RedisServer, redis_server

__all__ = ["cluster_with_roles", "migrated_template", "own_database", "redis_server"]

pytestmark = [pytest.mark.external, pytest.mark.promise("P07"), pytest.mark.timeout(180)]

HOST = "127.0.0.1"
PROCESSES = 4
PATIENCE = 60.0
PROGRAM = "from skua_app.cli import main; main()"
RIGHT = "a long walk by the sea"
LIMITS = Limits()


@pytest.fixture
def environ(own_database: Database, redis_server: RedisServer) -> dict[str, str]:
    return {
        "SKUA_DATABASE_URL": own_database.url_of(roles.APP),
        "WEB_SECRET_KEY": make_key(),
        "SKUA_PUBLIC_URL": "https://skua.example",
        "SKUA_REDIS_URL": redis_server.url,
        "SKUA_TRUSTED_PROXIES": HOST,
    }


@contextmanager
def serving(environ: dict[str, str], log: Path) -> Iterator[int]:
    """The port of several processes that serve together."""
    port = free_port()
    command = [sys.executable, "-c", PROGRAM, "serve", "--host", HOST, "--port", str(port)]
    command += ["--processes", str(PROCESSES)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **environ}, stdout=output, stderr=output
        )
        try:
            _wait_until_served(port, process, log)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait_until_served(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """By all of them: one alone would keep any budget."""
    deadline = time.monotonic() + PATIENCE
    while listening_on(port) < PROCESSES:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def listening_on(port: int) -> int:
    """How many sockets are; each process has its own."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        local.endswith(f":{port:04X}") and state == "0A" for _, local, _, state, *_ in sockets
    )


async def add_account(settings: Settings, login: str) -> None:
    container = make_container(settings)
    hashed = bcrypt.hashpw(RIGHT.encode(), bcrypt.gensalt(4)).decode()
    user_id = UserId((await container.get(IdFactory)).new())
    async with (await container.get(AccountStorage)).unit() as unit:
        user = User(id=user_id, login=login, created_at=await unit.now())
        await unit.accounts.add(Account(user=user, password=PasswordHash(hashed)))
        await unit.commit()
    await container.close()


async def log_in_at_once(port: int, tries: list[tuple[str, str, str]]) -> Counter[int]:
    """Each try is address, password and where it comes from, over a connection of its own."""
    statuses = await asyncio.gather(*(status_of(port, a_login(*one)) for one in tries))
    return Counter(statuses)


def a_login(email: str, password: str, ip: str) -> bytes:
    body = json.dumps({"email": email, "password": password}).encode()
    head = (
        "POST /api/auth/login HTTP/1.1\r\nHost: skua.example\r\nSec-Fetch-Site: same-origin\r\n"
        f"X-Forwarded-For: {ip}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def status_of(port: int, request: bytes) -> int:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(request)
        async with asyncio.timeout(PATIENCE):
            return int((await reader.readline()).split()[1])
    finally:
        writer.close()


def test_two_hundred_guesses_at_once_get_no_more_than_the_budget(
    environ: dict[str, str], tmp_path: Path
) -> None:
    asyncio.run(add_account(load(environ), "ana@example.com"))
    guesses = [
        ("ana@example.com", f"a wrong password {number}", f"198.51.100.{number}")
        for number in range(200)
    ]
    sprayed = [
        (f"guest-{number}@example.com", "a wrong password", "203.0.113.7") for number in range(60)
    ]

    log = tmp_path / "log"
    with serving(environ, log) as port:
        at_one_account = asyncio.run(log_in_at_once(port, guesses))
        right_but_late = asyncio.run(
            log_in_at_once(port, [("ana@example.com", RIGHT, "192.0.2.1")])
        )
        from_one_address = asyncio.run(log_in_at_once(port, sprayed))

    # On a machine that is so busy that Redis doesn't answer in time, and only then.
    alone = PROCESSES if "Redis can't count" in log.read_text() else 0
    assert_within(LIMITS.login_failures_account, at_one_account, guesses, alone)
    assert_within(LIMITS.login_failures_ip, from_one_address, sprayed, alone)
    assert right_but_late == {429: 1}


def assert_within(
    bucket: Bucket, statuses: Counter[int], tries: Sized, processes_alone: int
) -> None:
    assert set(statuses) == {401, 429}
    assert statuses.total() == len(tries)
    most = bucket.burst + processes_alone * bucket.quarter().burst
    assert bucket.burst <= statuses[401] <= most
