"""``skua serve`` writes letters, ``skua worker`` lets them leave, by a real mail server."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import asyncpg
import httpx
import pytest

from tests.contract.rigs.mailer import Sink, listening
from tests.e2e.cli.house import House
from tests.e2e.serving.rig import HOST, serving
from tests.postgres_cluster import Database

EMAIL, PASSWORD = "ana@example.org", "a heron on one leg, waiting"
SMTP_USER, SMTP_PASSWORD = "skua", "a-password-for-mail"
PATIENCE = 20.0
"""Seconds; on a machine that does nothing else a mail takes one or two."""

pytestmark = pytest.mark.external


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - what is waited for is another process's
            await asyncio.sleep(0.02)


async def register(url: str) -> dict[str, str]:
    headers = {"Sec-Fetch-Site": "same-origin"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE) as client:
        answer = await client.post(
            "/api/auth/register", json={"email": EMAIL, "password": PASSWORD}
        )
    assert answer.status_code == 202, answer.text
    body: dict[str, str] = answer.json()
    return body


def a_sink(*, pause: float = 0) -> Sink:
    return Sink(credentials=(SMTP_USER, SMTP_PASSWORD), pause=pause)


def mail_server(sink: Sink) -> AbstractAsyncContextManager[int]:
    return listening(sink, auth_require_tls=False, authenticator=sink.authenticate)


def with_mail(house: House, port: int) -> House:
    return house.with_settings(
        SKUA_SMTP_URL=f"smtp://{SMTP_USER}:{SMTP_PASSWORD}@{HOST}:{port}",
        SKUA_MAIL_FROM="Skua <skua@skua.example>",
    )


async def test_a_code_travels_from_the_server_by_the_worker_to_its_mailbox_and_into_no_log(
    house: House,
) -> None:
    sink = a_sink()
    async with mail_server(sink) as port:
        home = with_mail(house, port)
        with serving(home) as server, home.start("worker") as worker:
            await asyncio.to_thread(worker.wait_for, "Working.")
            registered = await register(server.url)
            await until(lambda: bool(sink.received))
            code = re.search(r"[0-9]{8}", sink.received[0].text)
            assert code is not None
            said = server.running.said() + worker.said()
            async with httpx.AsyncClient(
                base_url=server.url, headers={"Sec-Fetch-Site": "same-origin"}, timeout=PATIENCE
            ) as client:
                answer = await client.post("/api/auth/verify", json=registered | {"code": code[0]})

    assert answer.status_code == 204, answer.text
    assert [mail.envelope_to for mail in sink.received] == [EMAIL]
    assert sink.auth_tries == 1
    for secret in (EMAIL, PASSWORD, SMTP_PASSWORD, code[0]):
        assert secret not in said


async def test_a_letter_survives_the_worker_that_died_with_it_on_the_wire(
    house: House, migrated_database: Database
) -> None:
    slow, sink = a_sink(pause=60), a_sink()
    async with mail_server(slow) as slow_port, mail_server(sink) as port:
        with serving(house) as server:
            await register(server.url)
            with with_mail(house, slow_port).start("worker") as dying:
                await until(lambda: slow.begun > 0)
                dying.process.kill()
            await pass_two_minutes(migrated_database)
            with with_mail(house, port).start("worker"):
                await until(lambda: bool(sink.received))

    assert [mail.envelope_to for mail in sink.received] == [EMAIL]


async def pass_two_minutes(database: Database) -> None:
    """For letters that a process holds."""
    connection = await asyncpg.connect(database.dsn)
    await connection.execute("UPDATE platform.mails SET due_at = due_at - interval '2 minutes'")
    await connection.close()


async def test_without_a_mail_server_both_programs_say_that_nothing_leaves(house: House) -> None:
    with serving(house) as server, house.start("worker") as worker:
        told = await asyncio.to_thread(worker.wait_for, "no mail can leave")

    assert "no mail can leave" in server.running.said()
    assert "warning" in told
