"""Mails on the developer's own terminal."""

import io
from uuid import UUID

import pytest

from skua_adapters.mailer.console import ConsoleMailer
from skua_core.domain.letter import Mail
from skua_core.errors import MailUnavailable, MailUndeliverable
from skua_core.ids import MailId

ID = MailId(UUID(int=1))


def mail(text: str = "12345678\n", to: str = "ana@example.org") -> Mail:
    return Mail(to=to, subject="Your code", text=text, html="<p>12345678</p>")


async def test_a_mail_is_shown_with_whom_it_is_for_and_its_code() -> None:
    stream = io.StringIO()

    await ConsoleMailer(stream).send(ID, mail())

    assert stream.getvalue().splitlines()[1:-2] == [
        "Mail to ana@example.org",
        "Subject: Your code",
        "",
        "12345678",
    ]


async def test_nothing_steers_the_terminal() -> None:
    stream = io.StringIO()

    await ConsoleMailer(stream).send(ID, mail("Bob\x1b]0;evil\x07\x1b[2J\u202e\r\nBye"))

    assert stream.getvalue().replace("\n", "").isprintable()


async def test_what_is_no_address_is_not_shown() -> None:
    with pytest.raises(MailUndeliverable):
        await ConsoleMailer(io.StringIO()).send(ID, mail(to="ana"))


async def test_a_console_that_is_gone_leaves_the_mail_for_later() -> None:
    stream = io.StringIO()
    stream.close()

    with pytest.raises(MailUnavailable) as caught:
        await ConsoleMailer(stream).send(ID, mail())

    assert "ana" not in str(caught.value)
