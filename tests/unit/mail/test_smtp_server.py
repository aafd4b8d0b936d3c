"""Where mails leave through is read from one URL, of which no part gets into an error."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skua_adapters.mailer.mailboxes import mailbox_of
from skua_adapters.mailer.smtp_server import Encryption, SmtpServer, parse_sender
from skua_core.domain.secret import Secret
from skua_core.errors import MailUndeliverable, SkuaError

SECRET = "s3cr3t-word"


@pytest.mark.parametrize(
    ("url", "host", "port", "encryption"),
    [
        ("smtp://mail.example", "mail.example", 25, Encryption.NONE),
        ("smtps://mail.example", "mail.example", 465, Encryption.TLS),
        ("smtp+starttls://mail.example", "mail.example", 587, Encryption.STARTTLS),
        ("smtp+starttls://mail.example:2525/", "mail.example", 2525, Encryption.STARTTLS),
        ("smtp://[::1]:1025", "::1", 1025, Encryption.NONE),
        ("SMTPS://Mail.Example", "mail.example", 465, Encryption.TLS),
    ],
)
def test_a_scheme_says_how_a_port_what_is_unusual(
    url: str, host: str, port: int, encryption: Encryption
) -> None:
    assert SmtpServer.parse(url) == SmtpServer(host=host, port=port, encryption=encryption)


def test_user_and_password_are_decoded_and_the_password_stays_hidden() -> None:
    server = SmtpServer.parse("smtps://skua%40mail.example:p%3A%2F%40%25@mail.example")

    assert server.username == "skua@mail.example"
    assert server.password == Secret("p:/@%")
    assert "p:/@%" not in repr(server)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_password_may_go_unencrypted_to_this_machine_alone(host: str) -> None:
    assert SmtpServer.parse(f"smtp://u:{SECRET}@{host}").password == Secret(SECRET)

    for other in ("mail.example", "10.0.0.7", "localhost.example"):
        with pytest.raises(ValueError, match="in the clear"):
            SmtpServer.parse(f"smtp://u:{SECRET}@{other}")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mail.example", "has to begin with"),
        (f"http://u:{SECRET}@mail.example", "has to begin with"),
        ("smtps://", "no host"),
        (f"smtps://u:{SECRET}@", "no host"),
        (f"smtps://u:{SECRET}@mail example", "no host"),
        (f"smtps://u:{SECRET}@mail.example:port", "isn't a URL"),
        (f"smtps://u:{SECRET}@mail.example:99999", "isn't a URL"),
        (f"smtps://u:{SECRET}@mail.example:0", "a port and nothing else"),
        (f"smtps://u:[{SECRET}@mail.example", "isn't a URL"),
        (f"smtps://u:{SECRET}/more@mail.example", "isn't a URL"),
        (f"smtps://u:pass#{SECRET}@mail.example", "isn't a URL"),
        (f"smtps://mail.example/{SECRET}", "a port and nothing else"),
        (f"smtps://mail.example?password={SECRET}", "a port and nothing else"),
        ("smtps://skua@mail.example", "a user with a password"),
        (f"smtps://:{SECRET}@mail.example", "a user with a password"),
    ],
)
def test_what_cannot_be_used_is_refused_without_a_part_of_it(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        SmtpServer.parse(url)

    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@given(before=st.text(max_size=20), after=st.text(max_size=20))
@example(before="smtps://u:", after="@[bad")
@example(before="smtp://\ufeff", after="@mail.example")
def test_no_error_repeats_what_was_set(before: str, after: str) -> None:
    assert SECRET not in outcome(SmtpServer.parse, f"{before}{SECRET}{after}@mail.example")


def outcome(read: Callable[[str], object], text: str) -> str:
    """What is said of it, or that it was read."""
    try:
        read(text)
    except (ValueError, SkuaError) as error:
        return repr(error)
    return "read"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Skua <skua@skua.example>", "Skua <skua@skua.example>"),
        ("skua@skua.example", "skua@skua.example"),
        ('"Skua, the bird" <skua@skua.example>', '"Skua, the bird" <skua@skua.example>'),
        ("Große Skua <skua@bücher.example>", "Große Skua <skua@xn--bcher-kva.example>"),
    ],
)
def test_a_sender_is_an_address_perhaps_with_a_name(text: str, written: str) -> None:
    assert str(parse_sender(text)) == written


@pytest.mark.parametrize(
    "text",
    ["Skua", "skua@", "@skua.example", "a@b@c", "Skua <skua@skua.example>\r\nBcc: x@y.example"],
)
def test_what_is_no_sender_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isn't an address|can't be shown"):
        parse_sender(text)


@given(st.text(max_size=40))
@example("a@" + "é" * 70)
@example("a@xn--")
@example("a@\u2488com")
@example("a@.")
@example("\ud800@example.org")
def test_whatever_was_typed_is_a_mailbox_or_undeliverable(text: str) -> None:
    try:
        mailbox = mailbox_of(text)
    except MailUndeliverable:
        return
    assert mailbox.domain.isascii()
    assert not set(" \r\n<>,") & set(str(mailbox))
