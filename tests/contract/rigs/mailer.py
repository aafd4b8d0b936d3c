"""Mailers, and a mail server over real sockets that can be made to misbehave."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.mailer.recording import RecordingMailer
from skua_adapters.mailer.smtp import SmtpMailer
from skua_adapters.mailer.smtp_server import SmtpServer, parse_sender
from skua_core.ports.mailer import Mailer
from tests.e2e.serving.rig import HOST, Certificate, make_certificate
from tests.unit.use_cases.world import START

USER, PASSWORD = "skua@mail.example", "l0ng&wild/password:"
SENDER = "Skua <skua@skua.example>"


@dataclass
class Received:
    """A mail as its server got it."""

    envelope_from: str
    envelope_to: str
    message: EmailMessage

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content()).replace("\r\n", "\n")

    @property
    def html(self) -> str:
        part = self.message.get_body(("html",))
        assert part is not None
        return str(part.get_content()).replace("\r\n", "\n")


@dataclass
class Sink:
    """What a mail server does with each step; a number and words stand for its refusal."""

    answers: dict[str, str] = field(default_factory=dict)
    """By step (``MAIL``, ``DATA``) or recipient."""
    credentials: tuple[str, str] = (USER, PASSWORD)
    pause: float = 0.0
    """Seconds before a mail that was read whole is answered."""
    received: list[Received] = field(default_factory=list)
    begun: int = 0
    """Mails that were read whole."""
    auth_tries: int = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's own
        self,
        server: SMTP,  # noqa: ARG002 - aiosmtpd's own, as are those below
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        self.begun += 1
        await asyncio.sleep(self.pause)
        answer = self.answers.get("DATA", "250 OK")
        if answer.startswith("250"):
            assert envelope.mail_from is not None
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=modern)
            assert isinstance(message, EmailMessage)
            self.received.append(Received(envelope.mail_from, envelope.rcpt_tos[0], message))
        return answer

    def authenticate(
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,  # noqa: ARG002
        mechanism: str,  # noqa: ARG002
        data: Any,
    ) -> AuthResult:
        self.auth_tries += 1
        assert isinstance(data, LoginPassword)
        right = (data.login.decode(), data.password.decode()) == self.credentials
        return AuthResult(success=right, handled=right)


@asynccontextmanager
async def listening(
    sink: Sink,
    *,
    port: int = 0,
    implicit_tls: ssl.SSLContext | None = None,
    **options: Any,
) -> AsyncIterator[int]:
    """A mail server on this event loop; its port."""
    loop = asyncio.get_running_loop()

    def connected() -> SMTP:
        return SMTP(sink, hostname="sink.example", loop=loop, **options)

    server = await loop.create_server(connected, HOST, port, ssl=implicit_tls)
    async with server:
        yield server.sockets[0].getsockname()[1]
        server.close()


def server_context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)
    return context


def mailer_for(url: str, *, tls: ssl.SSLContext | None = None, patience: float = 5) -> SmtpMailer:
    return SmtpMailer(
        SmtpServer.parse(url),
        parse_sender(SENDER),
        clock=FrozenClock(START),
        tls=tls,
        patience=patience,
    )


@dataclass
class MailerRig:
    mailer: Mailer
    received: Callable[[], list[tuple[str, str, str, str]]]
    """Recipient, subject, text, and HTML of each."""
    refuse: Callable[[str], None]
    cut_off: Callable[[], Awaitable[None]]
    restore: Callable[[], Awaitable[None]]


@pytest.fixture
def recording() -> MailerRig:
    mailer = RecordingMailer()

    async def cut_off() -> None:
        mailer.cut_off()

    async def restore() -> None:
        mailer.restore()

    def received() -> list[tuple[str, str, str, str]]:
        return [(mail.to, mail.subject, mail.text, mail.html) for mail in mailer.sent]

    return MailerRig(mailer, received, mailer.refuse, cut_off, restore)


@asynccontextmanager
async def smtp_rig(
    url: str, tls: ssl.SSLContext | None, **options: Any
) -> AsyncIterator[MailerRig]:
    """``url`` holds ``PORT`` where the server's port belongs."""
    sink, up = Sink(), AsyncExitStack()
    port = await up.enter_async_context(listening(sink, **options))
    mailer = mailer_for(url.replace("PORT", str(port)), tls=tls)

    async def restore() -> None:
        await up.enter_async_context(listening(sink, port=port, **options))

    def refuse(address: str) -> None:
        sink.answers[address] = f"550 5.1.1 <{address}> unknown here"

    def received() -> list[tuple[str, str, str, str]]:
        return [
            (mail.envelope_to, str(mail.message["Subject"]), mail.text, mail.html)
            for mail in sink.received
        ]

    async with up:
        yield MailerRig(mailer, received, refuse, up.aclose, restore)
        await mailer.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(Path(tmp_path_factory.mktemp("mail")), "sink")


@pytest.fixture
async def smtp() -> AsyncIterator[MailerRig]:
    async with smtp_rig(f"smtp://{HOST}:PORT", None) as rig:
        yield rig


@pytest.fixture
async def smtp_over_tls(certificate: Certificate) -> AsyncIterator[MailerRig]:
    context = server_context(certificate)
    url = f"smtps://{HOST}:PORT"
    async with smtp_rig(url, certificate.trusted(), implicit_tls=context) as rig:
        yield rig


@pytest.fixture
async def smtp_with_starttls(certificate: Certificate) -> AsyncIterator[MailerRig]:
    """Which also asks for a user and their password."""
    url = f"smtp+starttls://skua%40mail.example:l0ng%26wild%2Fpassword%3A@{HOST}:PORT"
    async with smtp_rig(
        url,
        certificate.trusted(),
        tls_context=server_context(certificate),
        require_starttls=True,
        auth_required=True,
        authenticator=Sink().authenticate,
    ) as rig:
        yield rig
