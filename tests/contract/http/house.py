"""The whole application over PostgreSQL, its mail, and browsers that behave as browsers do."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import asyncpg
import msgspec
from dishka import AsyncContainer
from litestar import Litestar

from skua_core.domain.letter import Letter, LetterKind
from skua_core.ports.account_storage import AccountStorage
from skua_core.use_cases.accounts.letters import LetterBox
from skua_http.cookies import DEVICE_COOKIE, SESSION_COOKIE
from tests.postgres_cluster import Database
from tests.unit.http.client import Answer, Client, Headers

PASSWORD = "a heron on one leg, waiting"
HOST = b"skua.example"
_FLAGS = {"path=/", "secure", "httponly", "samesite=lax"}
_people = count(1)


@dataclass
class Browser:
    """Keeps cookies, says where its requests come from, and sees that each cookie is a safe one."""

    client: Client
    cookies: dict[str, str] = field(default_factory=dict)

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | bytes | None = None,
        **headers: str,
    ) -> Answer:
        sent: dict[str, str] = {"host": HOST.decode(), "sec-fetch-site": "same-origin"}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        raw = (
            b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        )
        if body is not None:
            sent |= {"content-type": "application/json", "content-length": str(len(raw))}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines: Headers = [(name.encode(), value.encode()) for name, value in sent.items()]
        answer = await self.client.call(method, path.encode(), lines, raw)
        assert answer.status != 204 or not answer.body
        for name, value in answer.headers:
            if name == b"set-cookie":
                self._keep(value.decode())
        return answer

    async def get(self, path: str) -> Answer:
        return await self.call("GET", path)

    async def post(self, path: str, body: Mapping[str, object] | None = None) -> Answer:
        return await self.call("POST", path, body)

    def _keep(self, line: str) -> None:
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        lowered = {attribute.lower() for attribute in attributes}
        [max_age] = [each for each in lowered if each.startswith("max-age=")]
        assert name in {SESSION_COOKIE, DEVICE_COOKIE}
        assert lowered - {max_age} == _FLAGS
        if max_age == "max-age=0":
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value


@dataclass(frozen=True)
class Person:
    email: str
    browser: Browser
    password: str = PASSWORD

    async def log_in(self, browser: Browser | None = None, **more: str) -> Answer:
        body = {"email": self.email, "password": self.password, **more}
        return await (browser or self.browser).post("/api/auth/login", body)


@dataclass(frozen=True)
class House:
    app: Litestar
    container: AsyncContainer
    database: Database

    def browser(self) -> Browser:
        """A new one, with a network of its own."""
        number = next(_people)
        peer = f"198.18.{number // 250}.{number % 250 + 1}"
        return Browser(Client(self.app, peer=peer))

    def stranger(self) -> Person:
        """Somebody who has no account yet."""
        return Person(f"person{next(_people)}@example.com", self.browser())

    async def register(self, person: Person, password: str = PASSWORD) -> str:
        body = {"email": person.email, "password": password, "name": "Ana"}
        answer = await person.browser.post("/api/auth/register", body)
        assert answer.status == 202, answer.body
        registration_id: str = answer.json["registration_id"]
        return registration_id

    async def member(self) -> Person:
        """Somebody with an account, not signed in."""
        person = self.stranger()
        registration_id = await self.register(person)
        code = await self.code(person.email, LetterKind.VERIFY_EMAIL)
        body = {"registration_id": registration_id, "code": code}
        answer = await person.browser.post("/api/auth/verify", body)
        assert answer.status == 204, answer.body
        return person

    async def signed_in(self) -> Person:
        person = await self.member()
        answer = await person.log_in()
        assert answer.status == 200, answer.body
        return person

    async def letters(self, email: str) -> list[Letter]:
        """What waits in the outbox for this address, oldest first."""
        storage = await self.container.get(AccountStorage)
        letter_box = await self.container.get(LetterBox)
        async with storage.unit() as unit:
            queued = await unit.outbox.take(limit=10_000, hold=0)
        letters = [letter_box.open(each) for each in queued]
        return [letter for letter in letters if letter.to == email]

    async def code(self, email: str, kind: LetterKind) -> str:
        """The newest code that went there."""
        newest = [letter for letter in await self.letters(email) if letter.kind is kind][-1]
        return newest.facts["code"]

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        """As the superuser: what no interface can do, such as letting time pass."""
        connection = await asyncpg.connect(self.database.dsn)
        try:
            rows: list[Any] = await connection.fetch(statement, *values)
            return rows
        finally:
            await connection.close()


@dataclass(frozen=True)
class ServedHouse(House):
    port: int

    async def exchange(
        self, method: str, path: str, body: Mapping[str, object], **headers: str
    ) -> tuple[int, Any]:
        """One request over a connection of its own; status and what the answer says."""
        raw = msgspec.json.encode(body)
        sent = {
            "Host": HOST.decode(),
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/json",
            "Content-Length": str(len(raw)),
            "Connection": "close",
            **headers,
        }
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in sent.items())
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + raw)
            async with asyncio.timeout(30):
                answer = await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
        first, _, said = answer.partition(b"\r\n\r\n")
        return int(first.split(b" ", 2)[1]), msgspec.json.decode(said) if said else None
