"""Mails by SMTP, a connection for each: there are few, and an idle connection breaks unseen."""

import asyncio
import contextlib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from skua_adapters.mailer.mailboxes import mailbox_of
from skua_adapters.mailer.smtp_server import Encryption, SmtpServer
from skua_core.domain.letter import Mail
from skua_core.errors import MailUnavailable, MailUndeliverable, SkuaError
from skua_core.ids import MailId
from skua_core.ports.clock import Clock
from skua_core.ports.mailer import Mailer

_PATIENCE = 30.0
"""Seconds for one mail, from connecting to the server's last word."""
_GOODBYE = 2.0
"""Seconds for the server to say goodbye; by then it has taken the mail."""
_PERMANENT = range(500, 600)


class SmtpMailer(Mailer):
    """Returns as soon as the server has said 250 to a mail.

    Only its number goes on of what a server answers: the words after it hold the address.
    """

    def __init__(
        self,
        server: SmtpServer,
        sender: Address,
        *,
        clock: Clock,
        patience: float = _PATIENCE,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``tls`` says whose certificates are trusted; without it those that the system does."""
        self._server = server
        self._sender = sender
        self._clock = clock
        self._patience = patience
        self._tls = tls

    async def send(self, mail_id: MailId, mail: Mail) -> None:
        message = self._message(mail_id, mail, mailbox_of(mail.to))
        client = self._client()
        try:
            async with asyncio.timeout(self._patience):
                await client.connect()
                await client.send_message(message)
        except (SMTPException, OSError) as error:
            client.close()
            # Without its cause: that holds the address, and the cause of that the connection.
            raise _reason(error) from None
        except asyncio.CancelledError:
            client.close()
            raise
        with contextlib.suppress(SMTPException, OSError):
            await client.quit(timeout=_GOODBYE)
        client.close()

    async def close(self) -> None:
        """No connection outlives its mail."""

    def _client(self) -> SMTP:
        server = self._server
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=None if server.password is None else server.password.reveal(),
            # The library would look up this machine's name, which can take long and tells it.
            local_hostname=self._sender.domain,
            timeout=self._patience,
            use_tls=server.encryption is Encryption.TLS,
            start_tls=server.encryption is Encryption.STARTTLS,
            tls_context=self._tls,
        )

    def _message(self, mail_id: MailId, mail: Mail, to: Address) -> EmailMessage:
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = self._sender
        message["To"] = to
        try:
            message["Subject"] = mail.subject
        except ValueError:
            # With a line break, which would begin another header.
            raise MailUndeliverable("its subject isn't one line") from None
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{mail_id}@{self._sender.domain}>"
        # RFC 3834: so that no holiday notice answers.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text, charset="utf-8", cte="quoted-printable")
        message.add_alternative(mail.html, "html", charset="utf-8", cte="quoted-printable")
        return message


def _reason(error: Exception) -> SkuaError:
    match error:
        case SMTPRecipientsRefused(recipients=[SMTPRecipientRefused(code=code), *_]):
            return _refusal(code, "for the recipient")
        case SMTPDataError(code=code):
            return _refusal(code, "for its content")
        case SMTPNotSupported():
            return MailUndeliverable("it can't carry an address beyond ASCII")
        case _:
            return MailUnavailable(_trouble(error))


def _refusal(code: int, what: str) -> SkuaError:
    problem = f"{code} {what}"
    return MailUndeliverable(problem) if code in _PERMANENT else MailUnavailable(problem)


def _trouble(error: Exception) -> str:
    """What isn't the mail's own fault, so that it may leave once the operator has mended it."""
    match error:
        case SMTPSenderRefused(code=code):
            return f"{code} for the sender"
        case SMTPAuthenticationError(code=code):
            return f"{code} for the user or the password"
        case SMTPResponseException(code=code):
            return f"it answers {code}"
        case TimeoutError():
            return "it doesn't answer in time"
        case _:
            return f"the connection failed, {type(error).__name__}"
