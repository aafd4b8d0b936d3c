"""One long journey with errors forced in each layer; then every place where secrets could lie."""

import io
import logging
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from dishka import Provider, Scope

from skua_adapters.mailer.recording import RecordingMailer
from skua_adapters.password_hasher.bcrypt import BcryptPasswordHasher
from skua_app.container import QueueKind, make_container
from skua_app.logs import set_up_logs
from skua_app.settings import LogFormat
from skua_app.web import HttpProvider, http_settings
from skua_core.domain.account import PasswordHash
from skua_core.domain.letter import LetterKind
from skua_core.domain.secret import Secret
from skua_core.ports.mailer import Mailer
from skua_core.ports.password_hasher import PasswordHasher, Verification
from skua_core.use_cases.accounts.dispatch import DispatchMail
from skua_http.app import create_app
from skua_http.cookies import DEVICE_COOKIE, SESSION_COOKIE
from tests.contract.http.conftest import settings_for
from tests.contract.http.house import Browser, House
from tests.contract.http.test_account_journey import totp
from tests.contract.http.test_forged_sessions import unb64
from tests.postgres_cluster import Database
from tests.redis_server import RedisServer
from tests.unit.http.client import Answer, Client

FIRST, SECOND, THIRD, WRONG, TYPO = (
    f"quiet {bird} over the estuary {number}"
    for bird, number in (
        ("avocet", "80a1"),
        ("curlew", "80a2"),
        ("dunlin", "80a3"),
        ("godwit", "80a4"),
        ("plover", "80a5"),
    )
)
EMAIL, NEW_EMAIL = "canary.one@example.com", "canary.two@example.com"
PEER = "198.51.100.231"


class BreakableHasher(PasswordHasher):
    """The real one, until it is broken."""

    def __init__(self) -> None:
        self._hasher = BcryptPasswordHasher(cost=4)
        self.broken = False

    async def hash(self, password: Secret) -> PasswordHash:
        self._break()
        return await self._hasher.hash(password)

    async def verify(self, password: Secret, hashed: PasswordHash | None) -> Verification:
        self._break()
        return await self._hasher.verify(password, hashed)

    def close(self) -> None:
        self._hasher.close()

    def _break(self) -> None:
        if self.broken:
            raise RuntimeError("the hasher broke")


@dataclass
class Witness(Browser):
    """Keeps every answer that it ever got."""

    answers: list[Answer] = field(default_factory=list)

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | bytes | None = None,
        **headers: str,
    ) -> Answer:
        answer = await super().call(method, path, body, **headers)
        self.answers.append(answer)
        return answer


@dataclass
class Canaries:
    """What must be nowhere, but in the one answer or mail that is there to tell it."""

    told: dict[str, Answer | None] = field(default_factory=dict)

    def add(self, *secrets: str, told_by: Answer | None = None) -> None:
        self.told |= dict.fromkeys(secrets, told_by)

    def found_in(self, place: str) -> set[str]:
        return {secret for secret in self.told if any(form in place for form in forms(secret))}

    def found_in_answers(self, answers: list[Answer]) -> set[str]:
        return {
            secret
            for answer in answers
            for secret in self.found_in(f"{answer.headers} {answer.body.decode()}")
            if self.told[secret] is not answer
        }


def forms(secret: str) -> set[str]:
    """As it is, and as it would be written into a log, an address or a column of bytes."""
    return {
        secret,
        quote(secret),
        secret.encode().hex(),
        msgspec.json.encode(secret).decode()[1:-1],
    }


@dataclass(frozen=True)
class Scene:
    house: House
    witness: Witness
    hasher: BreakableHasher
    mailer: RecordingMailer
    canaries: Canaries
    log: io.StringIO

    async def newest_code(self, kind: LetterKind, email: str = EMAIL) -> str:
        code = await self.house.code(email, kind)
        self.canaries.add(code)
        return code

    @asynccontextmanager
    async def failing_rows(self, table: str) -> AsyncIterator[None]:
        """PostgreSQL says of each row it refuses all that is in it."""
        name = "refuses_all"
        await self.house.sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (false) NOT VALID")
        yield
        await self.house.sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that this process would write to standard error, however chatty it is told to be."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    set_up_logs(LogFormat.JSON, logging.DEBUG)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
async def scene(
    own_database: Database, redis_server: RedisServer, log: io.StringIO
) -> AsyncIterator[Scene]:
    settings = msgspec.structs.replace(settings_for(own_database), skua_redis_url=redis_server.url)
    hasher, mailer = BreakableHasher(), RecordingMailer()
    doubles = Provider(scope=Scope.APP)
    doubles.provide(lambda: hasher, provides=PasswordHasher)
    doubles.provide(lambda: mailer, provides=Mailer)
    container = make_container(settings, queue=QueueKind.SHARED, more=(HttpProvider(), doubles))
    house = House(create_app(container, http_settings(settings)), container, own_database)
    witness = Witness(Client(house.app, peer=PEER))
    yield Scene(house, witness, hasher, mailer, Canaries(), log)
    await container.close()
    hasher.close()


async def register(scene: Scene) -> None:
    browser, canaries = scene.witness, scene.canaries
    body = {"email": EMAIL, "password": FIRST, "name": "Ana"}
    canaries.add(FIRST, SECOND, THIRD, WRONG, TYPO)
    scene.hasher.broken = True
    assert (await browser.post("/api/auth/register", body)).status == 500
    scene.hasher.broken = False
    async with scene.failing_rows("platform.challenges"):
        assert (await browser.post("/api/auth/register", body)).status == 500
    answer = await browser.post("/api/auth/register", body)
    handle = answer.json["registration_id"]
    canaries.add(handle, told_by=answer)
    code = await scene.newest_code(LetterKind.VERIFY_EMAIL)
    proof = {"registration_id": handle, "code": code}
    async with scene.failing_rows("platform.users"):
        assert (await browser.post("/api/auth/verify", proof)).status == 500
    assert (await browser.post("/api/auth/verify", proof)).status == 204


async def say_it_in_the_wrong_place(scene: Scene) -> None:
    """People and programs put secrets where none belong."""
    browser = scene.witness
    for body in (
        {"email": EMAIL, "password": TYPO, "pasword": TYPO},
        {"email": TYPO, "password": TYPO},
        {"email": [TYPO], "password": {"x": TYPO}},
        {"email": EMAIL, "password": TYPO, "totp": TYPO * 30},
        f'{{"email": "{EMAIL}", "password": "{TYPO}"'.encode(),
        f"password={TYPO}".encode(),
    ):
        assert (await browser.call("POST", "/api/auth/login", body)).status in {400, 401}
    for path in (f"/api/auth/me?key={quote(TYPO)}", f"/api/{quote(TYPO)}", f"/{quote(TYPO)}"):
        await browser.get(path)
    for name in ("authorization", "user_agent", "x_request_id", "referer", "cookie"):
        await browser.call("GET", "/api/auth/me", None, **{name: f"Bearer {TYPO}"})


async def sign_in(scene: Scene) -> None:
    browser, canaries = scene.witness, scene.canaries
    body = {"email": EMAIL, "password": FIRST}
    assert (await browser.post("/api/auth/login", {**body, "password": WRONG})).status == 401
    scene.hasher.broken = True
    assert (await browser.post("/api/auth/login", body)).status == 500
    scene.hasher.broken = False
    for table in ("platform.devices", "platform.sessions"):
        async with scene.failing_rows(table):
            assert (await browser.post("/api/auth/login", body)).status == 500
    answer = await browser.post("/api/auth/login", body)
    assert answer.status == 200
    session = browser.cookies[SESSION_COOKIE]
    _, claims, signature = session.split(".")
    canaries.add(msgspec.json.decode(unb64(claims))["sid"])
    canaries.add(session, claims, signature, browser.cookies[DEVICE_COOKIE], told_by=answer)


async def use_everything(scene: Scene) -> None:
    browser, canaries = scene.witness, scene.canaries
    begun = await browser.post("/api/auth/totp")
    canaries.add(begun.json["secret"], told_by=begun)
    code = totp(begun.json["secret"])
    async with scene.failing_rows("platform.recovery_codes"):
        failed = await browser.post("/api/auth/totp/confirm", {"code": code})
        assert failed.status == 500
    confirmed = await browser.post("/api/auth/totp/confirm", {"code": code})
    canaries.add(*confirmed.json["recovery_codes"], told_by=confirmed)
    step_up = {"password": FIRST, "totp": confirmed.json["recovery_codes"][0]}
    assert (await browser.post("/api/auth/step-up", {**step_up, "password": WRONG})).status == 401
    assert (await browser.post("/api/auth/step-up", step_up)).status == 204
    wish = {"name": "nightly", "access": "write"}
    async with scene.failing_rows("platform.api_keys"):
        assert (await browser.post("/api/auth/api-keys", wish)).status == 500
    created = await browser.post("/api/auth/api-keys", wish)
    key = created.json["secret"]
    canaries.add(key, told_by=created)
    program = Witness(browser.client, answers=browser.answers)
    for bearer in (key, f"{key}x", f"{key} {key}"):
        await program.call("GET", "/api/auth/me", authorization=f"Bearer {bearer}")
    await browser.call("GET", "/api/auth/me", authorization=f"Bearer {key}")
    for path in ("me", "sessions", "devices", "api-keys"):
        assert (await browser.get(f"/api/auth/{path}")).status == 200
    assert (await browser.get("/api/account/export")).status == 200


async def change_everything(scene: Scene) -> None:
    browser = scene.witness
    change = {"current_password": FIRST, "new_password": SECOND}
    async with scene.failing_rows("platform.credentials"):
        await browser.call("PUT", "/api/auth/password", change)
    assert (await browser.call("PUT", "/api/auth/password", change)).status == 204
    asked = await browser.post("/api/auth/email", {"email": NEW_EMAIL})
    assert asked.status == 202, asked.body
    scene.canaries.add(asked.json["change_id"], told_by=asked)
    code = await scene.newest_code(LetterKind.CONFIRM_NEW_EMAIL, NEW_EMAIL)
    confirm = {"change_id": asked.json["change_id"], "code": code}
    assert (await browser.post("/api/auth/email/confirm", confirm)).status == 204
    forgot = await browser.post("/api/auth/password/forgot", {"email": NEW_EMAIL})
    scene.canaries.add(forgot.json["reset_id"], told_by=forgot)
    code = await scene.newest_code(LetterKind.RESET_PASSWORD, NEW_EMAIL)
    reset = {"reset_id": forgot.json["reset_id"], "code": code, "password": THIRD}
    assert (await browser.post("/api/auth/password/reset", reset)).status == 204


async def lose_what_is_behind(scene: Scene, redis_server: RedisServer) -> None:
    browser = scene.witness
    scene.mailer.cut_off()
    scene.mailer.refuse(NEW_EMAIL)
    dispatch = await scene.house.container.get(DispatchMail)
    await dispatch()
    scene.mailer.restore()
    await scene.house.sql("UPDATE platform.mails SET due_at = now()")
    await dispatch()
    await scene.house.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'skua_app'"
    )
    await browser.post("/api/auth/login", {"email": NEW_EMAIL, "password": THIRD})
    redis_server.kill()
    await browser.post("/api/auth/login", {"email": NEW_EMAIL, "password": THIRD})


async def everything_stored(house: House) -> str:
    tables = await house.sql(
        "SELECT schemaname, tablename FROM pg_tables "
        "WHERE schemaname IN ('platform', 'tenant', 'audit')"
    )
    rows: list[Any] = []
    for table in tables:
        name = f"{table['schemaname']}.{table['tablename']}"
        rows += await house.sql(f"SELECT t::text AS whole FROM {name} AS t")  # noqa: S608 - a catalogue's
    return "\n".join(row["whole"] for row in rows)


def everything_in(redis_server: RedisServer) -> str:
    client = redis_server.client()
    names = [str(name) for name in client.scan_iter("*")]
    values = [str(client.get(name)) for name in names if client.type(name) == "string"]
    hashes = [str(client.hgetall(name)) for name in names if client.type(name) == "hash"]
    client.close()
    assert names, "nothing was counted there"
    return "\n".join((*names, *values, *hashes))


async def test_no_secret_lies_where_it_doesnt_belong(
    scene: Scene, redis_server: RedisServer
) -> None:
    await register(scene)
    await say_it_in_the_wrong_place(scene)
    await sign_in(scene)
    await use_everything(scene)
    await change_everything(scene)
    counted = everything_in(redis_server)
    await lose_what_is_behind(scene, redis_server)
    stored, logged = await everything_stored(scene.house), scene.log.getvalue()

    canaries = scene.canaries
    assert len(canaries.told) > 25
    assert logged.count("failed.") >= 7
    assert EMAIL in stored
    assert canaries.found_in(stored) == set()
    assert canaries.found_in(logged) == set()
    assert canaries.found_in(counted) == set()
    assert canaries.found_in_answers(scene.witness.answers) == set()
    for personal in (EMAIL, NEW_EMAIL, PEER, "canary.one", "canary.two"):
        assert personal not in logged
        assert personal not in counted


def test_what_isnt_hidden_is_found() -> None:
    canaries = Canaries()
    telling, other = (Answer(200, ((b"x-a", b"b"),), each) for each in (b"one: abc", b"two: abc"))
    canaries.add("abc", told_by=telling)
    canaries.add('a "b')

    assert canaries.found_in_answers([telling]) == set()
    assert canaries.found_in_answers([telling, other]) == {"abc"}
    assert canaries.found_in(r"{\x616263}") == {"abc"}
    assert canaries.found_in('{"x": "a \\"b"}') == {'a "b'}
    assert re.search("a%20%22b", "/a%20%22b")
    assert canaries.found_in("/a%20%22b") == {'a "b'}
