"""A whole installation of real processes, in which everything that is secret is a canary."""

import asyncio
import base64
import contextlib
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from skua_adapters._keys.ring import make_key
from skua_adapters._sql import roles
from skua_app.embedded import EmbeddedInstallation
from skua_app.settings import load
from tests.contract.rigs.mailer import Received, Sink, listening
from tests.e2e.cli.house import House, Running
from tests.e2e.delivery.installation import SHORT_LANES
from tests.e2e.delivery.programs import free_port
from tests.e2e.delivery.telegram import SimulatedTelegram, simulate_telegram
from tests.e2e.http import canary_sinks as sinks
from tests.e2e.http.canaries import Canaries, Kind, Place, make_token
from tests.e2e.http.canary_browser import Browser, Record
from tests.e2e.http.canary_relay import Relay
from tests.redis_server import RedisServer

HOST = "127.0.0.1"
PATIENCE = 30.0
ROOMY = {
    f"SKUA_LIMIT_{name}": "1000/1s"
    for name in (
        *("LOGIN_IP", "LOGIN_FAILURES_ACCOUNT", "REGISTER_IP", "CODE_MAILS_ACCOUNT"),
        *("CODE_MAILS_IP", "CODE_TRIES_ACCOUNT", "CODE_TRIES_IP"),
    )
}
"""Limits that a long journey doesn't run into; that of failed logins from one address stays."""


@dataclass
class Installation:
    cleanup: AsyncExitStack
    canaries: Canaries
    record: Record
    house: House
    database: EmbeddedInstallation
    redis: RedisServer
    redis_password: str
    telegram: SimulatedTelegram
    relay: Relay
    sink: Sink
    port: int
    places: list[Place] = field(default_factory=list)
    running: list[Running] = field(default_factory=list)
    webhook: tuple[str, str] = ("", "")
    """Its path and its secret, once they are known."""
    _mails: int = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def browser(self, name: str, number: int, url: str | None = None) -> Browser:
        ip, agent = f"203.0.113.{number}", f"Canary/{make_token()}"
        self.canaries.personal(f"{name}'s address of the network", ip)
        self.canaries.personal(f"{name}'s browser", agent)
        return Browser(self.record, url or self.url, ip, agent)

    async def shell(self, *words: str, typed: str = "", fails: bool = False) -> str:
        done = await asyncio.to_thread(self.house.skua, *words, typed=typed)
        name = f"skua {' '.join(words[:2])}"
        self.places.append(Place(Kind.SHELL, name, f"{done.stdout}{done.stderr}".encode()))
        assert (done.returncode != 0) == fails, (done.stdout, done.stderr)
        return done.stdout

    async def mail_to(self, address: str) -> Received:
        """The next one to it that wasn't looked at."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for mail in self.sink.received[self._mails :]:
                    self._mails = self.sink.received.index(mail) + 1
                    if mail.envelope_to == address:
                        return mail
                await asyncio.sleep(0.02)

    async def code_for(self, address: str) -> str:
        found = re.search(r"\b[0-9]{8}\b", (await self.mail_to(address)).text)
        assert found is not None
        self.canaries.secret("mailed code", found[0], f"mail {self._mails}")
        return found[0]

    async def sql(self, statement: str) -> object:
        """The first value, if there is one."""
        connection = await asyncpg.connect(self.database.postgres.dsn(database="skua"))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    @asynccontextmanager
    async def failing_rows(self, table: str) -> AsyncIterator[None]:
        """PostgreSQL says of each row it refuses all that is in it."""
        await self.sql(f"ALTER TABLE {table} ADD CONSTRAINT refuses CHECK (false) NOT VALID")
        yield
        await self.sql(f"ALTER TABLE {table} DROP CONSTRAINT refuses")

    def kill_database(self) -> None:
        pid = self.database.postgres.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while self.database.postgres.pid is not None:
            time.sleep(0.01)

    async def until(self, holds: Callable[[], bool]) -> None:
        async def look() -> bool:
            return holds()

        await self.until_so(look)

    async def until_so(self, look: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await look():  # noqa: ASYNC110 - what is waited for is another process's
                await asyncio.sleep(0.05)

    async def watch_redis(self) -> None:
        self.watch = sinks.Watch(self.redis.port, self.redis_password)
        await self.cleanup.enter_async_context(self.watch)

    def logged(self) -> str:
        return "".join(running.said() for running in self.running)

    async def sweep(self) -> None:
        """Keep what lies everywhere at this moment."""
        self.places += await sinks.database(self.database.postgres.dsn(database="skua"))
        self.places += sinks.redis_store(self.redis.port, self.redis_password)

    def last_sweep(self) -> list[Place]:
        """Everything there ever was, once all processes have ended."""
        data = self.database.postgres.directory / "data"
        mails = (
            Place(
                Kind.MAIL,
                f"mail {number}",
                bytes(mail.message) + f"{mail.text}{mail.html}".encode(),
            )
            for number, mail in enumerate(self.sink.received, 1)
        )
        return [
            *self.places,
            *self.record.places,
            *mails,
            *(Place(Kind.LOG, each.log.name, each.said().encode()) for each in self.running),
            *sinks.files(self.house.place, leave_out=data),
            *sinks.cluster(data),
        ]


@asynccontextmanager
async def installation(
    place: Path, elsewhere: Path, tokens: list[str]
) -> AsyncIterator[Installation]:
    """In ``place``, which may be searched; what isn't Skua's own is ``elsewhere``."""
    canaries, home = Canaries(), place / "home"
    (home / "tmp").mkdir(parents=True)
    redis_password, mail_password = make_token(), make_token()
    canaries.secret("password of Redis", redis_password)
    canaries.secret("password of the mail server", mail_password)
    async with AsyncExitStack() as stack:
        house = House(home).with_settings(**_keys(canaries), TMPDIR=str(home / "tmp"))
        database = await _database(house, canaries, stack)
        sink = Sink(credentials=("skua", mail_password))
        mail_port = await stack.enter_async_context(
            listening(sink, auth_require_tls=False, authenticator=sink.authenticate)
        )
        redis = stack.enter_context(RedisServer(elsewhere, "--requirepass", redis_password))
        telegram = await stack.enter_async_context(
            simulate_telegram(*tokens, directory=elsewhere, seed=4)
        )
        port = free_port()
        relay = await stack.enter_async_context(Relay.to(port))
        scene = Installation(
            cleanup=stack,
            canaries=canaries,
            record=Record(canaries),
            house=house.with_settings(
                **(SHORT_LANES | ROOMY),
                SKUA_DATABASE_URL=str(database.settings.skua_database_url),
                SKUA_REDIS_URL=redis.url_with(redis_password),
                SKUA_SMTP_URL=f"smtp://skua:{mail_password}@{HOST}:{mail_port}",
                SKUA_MAIL_FROM="Skua <skua@skua.example>",
                SKUA_TRUSTED_PROXIES=HOST,
                SKUA_PUBLIC_URL=relay.url,
                SKUA_TELEGRAM_API_BASE=telegram.base_url,
            ),
            database=database,
            redis=redis,
            redis_password=redis_password,
            telegram=telegram,
            relay=relay,
            sink=sink,
            port=port,
        )
        await scene.watch_redis()
        yield scene


@asynccontextmanager
async def programs(scene: Installation) -> AsyncIterator[None]:
    """``skua serve`` with two processes, and ``skua worker``."""
    words = ("serve", "--port", str(scene.port), "--processes", "2")
    with scene.house.start(*words) as server, scene.house.start("worker") as worker:
        scene.running += [server, worker]
        await asyncio.to_thread(server.wait_for, "Ctrl-C stops it.")
        await asyncio.to_thread(worker.wait_for, "Working.")
        scene.places += sinks.arguments(_family(server, worker))
        yield


@contextlib.contextmanager
def another_server(scene: Installation, **settings: str) -> Iterator[str]:
    """One more beside them, whose log is its own; its URL."""
    place = scene.house.place / "another"
    place.mkdir(exist_ok=True)
    house, port = House(place, scene.house.environ | settings), free_port()
    with house.start("serve", "--port", str(port)) as server:
        scene.running.append(server)
        server.wait_for("Ctrl-C stops it.")
        yield f"http://{HOST}:{port}"


def _keys(canaries: Canaries) -> dict[str, str]:
    keys = {
        "WEB_SECRET_KEY": make_key(),
        "WEB_SECRET_KEYS_OLD": make_key().replace("k1:", "k0:"),
    }
    for name, key in keys.items():
        text = key.partition(":")[2]
        canaries.secret(name, text)
        canaries.secret(f"{name}'s bytes", base64.urlsafe_b64decode(f"{text}=="))
    return keys


async def _database(
    house: House, canaries: Canaries, stack: AsyncExitStack
) -> EmbeddedInstallation:
    """A server of its own in the data directory, as ``skua up`` has it."""
    made = EmbeddedInstallation(load(house.environ))
    # Entering runs an event loop, which can't be done on this thread.
    await asyncio.to_thread(made.__enter__)
    stack.push_async_callback(asyncio.to_thread, made.postgres.stop)
    for role in roles.LOGINS:
        canaries.secret(
            f"password of {role}",
            made.postgres.role_password(role),
            # For its owner alone.
            f"data/postgres/passwords/{role}",
        )
    return made


def _family(*running: Running) -> list[int]:
    first = [each.process.pid for each in running]
    children = [
        int(pid)
        for parent in first
        for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    ]
    return first + children
