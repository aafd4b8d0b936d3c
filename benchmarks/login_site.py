"""Accounts of every kind, and the server that they sign in to."""

import asyncio
import datetime as dt
import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

import msgspec

from benchmarks.far_end import free_port
from benchmarks.installation import Installation
from benchmarks.machine import ROOT
from skua_app.container import make_container
from skua_core.domain.account import Account, PasswordHash
from skua_core.domain.challenge import CODE_LIVES, Challenge, ChallengePurpose
from skua_core.domain.secret import Secret
from skua_core.domain.user import User
from skua_core.ids import UserId
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.password_hasher import PasswordHasher

HOST = "127.0.0.1"
PASSWORD = "a long walk by the sea"  # noqa: S105 - nobody's
_PATIENCE = 60.0
_PAUSE = 0.1


class Kind(StrEnum):
    """What an address is to Skua; to whoever asks they have to look the same."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    UNVERIFIED = "unverified"
    DISABLED = "disabled"


def address(kind: Kind, number: int) -> str:
    return f"{kind}-{number}@example.com"


def settle(installed: Installation, number: int) -> None:
    """So many addresses of each kind, all with PASSWORD."""
    asyncio.run(_settle(installed, number))


async def _settle(installed: Installation, number: int) -> None:
    container = make_container(installed.settings)
    try:
        # One computation for all: what a hash costs isn't seen from where it came.
        hashed = await (await container.get(PasswordHasher)).hash(Secret(PASSWORD))
        ids = await container.get(IdFactory)
        async with (await container.get(AccountStorage)).unit() as unit:
            now = await unit.now()
            for each in range(number):
                for kind, disabled_at in ((Kind.KNOWN, None), (Kind.DISABLED, now)):
                    user = User(
                        id=UserId(ids.new()),
                        login=address(kind, each),
                        created_at=now,
                        disabled_at=disabled_at,
                    )
                    await unit.accounts.add(Account(user=user, password=hashed))
                await _begin_registration(unit, address(Kind.UNVERIFIED, each), hashed, now)
            await unit.commit()
    finally:
        await container.close()


async def _begin_registration(
    unit: AccountUnit, login: str, hashed: PasswordHash, now: dt.datetime
) -> None:
    challenge = Challenge(
        handle_hash=secrets.token_bytes(32),
        purpose=ChallengePurpose.REGISTER,
        login=login,
        code_mac=secrets.token_bytes(32),
        expires_at=now + CODE_LIVES,
        created_at=now,
        password=hashed,
    )
    await unit.challenges.add(challenge)


class Answer(msgspec.Struct, frozen=True):
    status: int
    retry_after: str | None
    seconds: float


class Visitor:
    """One connection, which says for each login from which address it comes."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=_PATIENCE)

    def login(self, email: str, password: str, ip: str) -> Answer:
        body, headers = login_request(email, password, ip)
        began = time.perf_counter()
        self._connection.request("POST", "/api/auth/login", body, headers)
        response = self._connection.getresponse()
        response.read()
        seconds = time.perf_counter() - began
        return Answer(response.status, response.headers["Retry-After"], seconds)

    def close(self) -> None:
        self._connection.close()


def login_request(email: str, password: str, ip: str) -> tuple[bytes, Mapping[str, str]]:
    """Body and headers, as a browser of ours sends them through a proxy."""
    headers = {
        "Content-Type": "application/json",
        "Sec-Fetch-Site": "same-origin",
        "X-Forwarded-For": ip,
    }
    return json.dumps({"email": email, "password": password}).encode(), headers


def an_ip(number: int) -> str:
    """Another one for each number."""
    return f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}"


@contextmanager
def server(installed: Installation, *options: str) -> Iterator[int]:
    """The port of ``skua serve``, which trusts the word of this machine for who calls."""
    port = free_port()
    environ = {
        "SKUA_DATABASE_URL": installed.settings.skua_database_url or "",
        "WEB_SECRET_KEY": installed.settings.web_secret_key or "",
        "SKUA_PUBLIC_URL": "https://skua.example",
        "SKUA_TRUSTED_PROXIES": f"{HOST}/32",
    }
    program = "from skua_app.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", "--port", str(port), *options]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, env={**os.environ, **environ}, stdout=log, stderr=log, cwd=ROOT
        )
        try:
            _wait_for(port, process)
            yield port
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace"))
            raise
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection(HOST, port)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            time.sleep(_PAUSE)
        else:
            return
        finally:
            connection.close()
    raise RuntimeError("the server doesn't serve")
