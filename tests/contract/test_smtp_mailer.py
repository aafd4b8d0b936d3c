"""SMTP beyond the contract: its headers, and a server that misbehaves at every step."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from uuid import UUID

import pytest

from skua_core.domain.letter import Mail
from skua_core.errors import MailUnavailable, MailUndeliverable, SkuaError
from skua_core.ids import MailId
from tests.contract.rigs.mailer import (
    PASSWORD,
    Sink,
    certificate,
    listening,
    mailer_for,
    server_context,
)
from tests.e2e.serving.rig import HOST, Certificate, make_certificate
from tests.unit.use_cases.world import START

__all__ = ["certificate"]

ID = MailId(UUID("0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000"))
ANA = "ana@example.org"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def mail(to: str = ANA, subject: str = "Your code") -> Mail:
    return Mail(to=to, subject=subject, text="12345678\n", html="<p>12345678</p>\n")


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[str]:
    """A server that talks so; its URL."""

    talks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk_here = asyncio.ensure_future(talk(reader, writer))
        talks.add(talk_here)
        await asyncio.wait({talk_here})
        writer.close()

    async with await asyncio.start_server(connected, HOST, 0) as server:
        yield f"smtp://{HOST}:{server.sockets[0].getsockname()[1]}"
        for each in talks:
            each.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        # And those that close their connections.
        await asyncio.sleep(0)


async def failure(url: str, *, patience: float = 5) -> SkuaError:
    with pytest.raises(SkuaError) as caught:
        await mailer_for(url, patience=patience).send(ID, mail())
    error = caught.value
    assert ANA not in str(error)
    assert error.__cause__ is None
    return error


async def say(writer: asyncio.StreamWriter, *lines: str) -> None:
    writer.write("".join(f"{line}\r\n" for line in lines).encode())
    await writer.drain()


async def until_data(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a mail up to its last line, and answer nothing to that."""
    await say(writer, "220 sink.example")
    for answer in ("250 sink.example", "250 OK", "250 OK", "354 Go on"):
        await reader.readline()
        await say(writer, answer)
    await reader.readuntil(b"\r\n.\r\n")


async def test_headers_say_who_when_and_that_a_program_wrote_it() -> None:
    sink = Sink()
    async with listening(sink) as port:
        await mailer_for(f"smtp://{HOST}:{port}").send(ID, mail())

    (received,) = sink.received
    message = received.message
    assert received.envelope_from == "skua@skua.example"
    assert str(message["From"]) == "Skua <skua@skua.example>"
    assert str(message["To"]) == ANA
    assert parsedate_to_datetime(str(message["Date"])) == START
    assert message["Message-ID"] == f"<{ID}@skua.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_charset() for part in message.iter_parts()] == ["utf-8", "utf-8"]


@pytest.mark.parametrize(
    "subject", ["Hi\r\nBcc: eve@example.org", "Hi\nBcc: eve@example.org", "Hi\rBcc: eve"]
)
async def test_no_subject_becomes_a_header_of_its_own(subject: str) -> None:
    sink = Sink()
    async with listening(sink) as port:
        with pytest.raises(MailUndeliverable):
            await mailer_for(f"smtp://{HOST}:{port}").send(ID, mail(subject=subject))

    assert sink.received == []


@pytest.mark.parametrize(
    "to",
    [
        "ana@example.org\r\nRCPT TO:<eve@example.org>",
        "ana@example.org>, <eve@example.org",
        "ana@example.org, eve@example.org",
        "a b@example.org",
    ],
)
async def test_no_address_becomes_a_command_or_another_recipient(to: str) -> None:
    sink = Sink()
    async with listening(sink) as port:
        with pytest.raises(MailUndeliverable):
            await mailer_for(f"smtp://{HOST}:{port}").send(ID, mail(to))

    assert sink.received == []


async def test_a_domain_beyond_ascii_is_written_as_servers_know_it() -> None:
    sink = Sink()
    async with listening(sink) as port:
        await mailer_for(f"smtp://{HOST}:{port}").send(ID, mail("ana@bücher.example"))

    assert [each.envelope_to for each in sink.received] == ["ana@xn--bcher-kva.example"]


async def test_a_mailbox_beyond_ascii_needs_a_server_that_knows_such() -> None:
    old, new = Sink(), Sink()
    async with listening(old) as port:
        with pytest.raises(MailUndeliverable, match="beyond ASCII"):
            await mailer_for(f"smtp://{HOST}:{port}").send(ID, mail("анна@example.org"))
    async with listening(new, enable_SMTPUTF8=True) as port:
        await mailer_for(f"smtp://{HOST}:{port}").send(ID, mail("анна@example.org"))

    assert old.received == []
    assert [each.envelope_to for each in new.received] == ["анна@example.org"]


@pytest.mark.parametrize(
    ("step", "answer", "kind"),
    [
        (ANA, "550 <ana@example.org> unknown", MailUndeliverable),
        (ANA, "450 <ana@example.org> is busy", MailUnavailable),
        (ANA, "421 too many connections of ana@example.org", MailUnavailable),
        ("DATA", "554 ana@example.org takes no spam", MailUndeliverable),
        ("DATA", "452 no room for ana@example.org", MailUnavailable),
        ("MAIL", "550 not you", MailUnavailable),
        ("MAIL", "451 not now", MailUnavailable),
    ],
)
async def test_each_refusal_is_for_good_or_for_now(
    step: str, answer: str, kind: type[SkuaError]
) -> None:
    async with listening(Sink(answers={step: answer})) as port:
        error = await failure(f"smtp://{HOST}:{port}")

    assert type(error) is kind
    assert answer[:3] in str(error)
    assert answer[4:] not in str(error)


async def test_a_server_that_turns_everybody_away_is_unavailable() -> None:
    async def busy(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await say(writer, "421 ana@example.org may come later")

    async with talking(busy) as url:
        error = await failure(url)

    assert isinstance(error, MailUnavailable)
    assert "421" in str(error)


async def test_a_server_that_says_nothing_is_not_waited_for_for_ever() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with talking(silent) as url:
        async with asyncio.timeout(3):
            error = await failure(url, patience=0.2)

    assert isinstance(error, MailUnavailable)


async def test_a_server_that_is_slow_at_every_step_is_not_waited_for_for_ever() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Each answer comes in time; all of them together don't.
        for answer in ("220 sink.example", "250 sink.example", "250 OK", "250 OK", "354 Go on"):
            await asyncio.sleep(0.15)
            await say(writer, answer)
            await reader.readline()
        await say(writer, "250 taken")
        await reader.read()

    async with talking(slow) as url:
        error = await failure(url, patience=0.4)

    assert isinstance(error, MailUnavailable)


async def test_a_connection_that_breaks_before_the_answer_leaves_the_mail_for_later() -> None:
    async with talking(until_data) as url:
        error = await failure(url)

    assert isinstance(error, MailUnavailable)


async def test_a_mail_that_was_taken_is_sent_however_the_server_says_goodbye() -> None:
    async def abrupt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await until_data(reader, writer)
        await say(writer, "250 taken")
        await reader.readline()

    async with talking(abrupt) as url:
        await mailer_for(url).send(ID, mail())


async def test_a_wrong_password_is_the_operators_to_mend_and_in_no_error(
    certificate: Certificate,
) -> None:
    sink = Sink()
    url = f"smtp+starttls://skua%40mail.example:wrong-{PASSWORD[:4]}@{HOST}"
    async with listening(
        sink,
        tls_context=server_context(certificate),
        auth_required=True,
        authenticator=sink.authenticate,
    ) as port:
        mailer = mailer_for(f"{url}:{port}", tls=certificate.trusted())
        with pytest.raises(MailUnavailable, match="535 for the user or the password") as caught:
            await mailer.send(ID, mail())

    assert sink.auth_tries
    assert PASSWORD[:4] not in repr(caught.value)
    assert sink.received == []


async def test_nothing_is_told_to_a_server_without_the_encryption_that_is_asked_for() -> None:
    sink = Sink()
    async with listening(sink, auth_require_tls=False, authenticator=sink.authenticate) as port:
        with pytest.raises(MailUnavailable):
            await mailer_for(f"smtp+starttls://u:p@{HOST}:{port}").send(ID, mail())

    assert (sink.auth_tries, sink.received) == (0, [])


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_a_server_with_somebody_elses_certificate_gets_nothing(
    certificate: Certificate, tmp_path: Path, scheme: str
) -> None:
    other = make_certificate(tmp_path, "other").trusted()
    sink, context = Sink(), server_context(certificate)
    server = (
        listening(sink, implicit_tls=context)
        if scheme == "smtps"
        else listening(sink, tls_context=context)
    )
    async with server as port:
        with pytest.raises(MailUnavailable):
            await mailer_for(f"{scheme}://{HOST}:{port}", tls=other).send(ID, mail())

    assert sink.received == []
