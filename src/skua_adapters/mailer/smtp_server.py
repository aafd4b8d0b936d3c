"""Where mails go and whom they are from, read from settings."""

import re
from email.headerregistry import Address
from email.utils import parseaddr
from enum import StrEnum
from ipaddress import ip_address
from typing import Self
from urllib.parse import unquote, urlsplit

import msgspec

from skua_adapters.mailer.mailboxes import mailbox_of
from skua_core.domain.secret import Secret
from skua_core.errors import MailUndeliverable

_HOST = re.compile(r"[A-Za-z0-9._:-]+", re.ASCII)


class Encryption(StrEnum):
    NONE = "smtp"
    TLS = "smtps"
    """From the first byte."""
    STARTTLS = "smtp+starttls"
    """Asked for, and insisted on."""


_PORTS = {Encryption.NONE: 25, Encryption.TLS: 465, Encryption.STARTTLS: 587}


class SmtpServer(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    port: int
    encryption: Encryption
    username: str | None = None
    password: Secret | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``smtp+starttls://user:password@host:port`` and kin.

        Raises ValueError, which says what is wrong without a part of the URL.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            # Its own words would hold a part of the password.
            raise ValueError("it isn't a URL") from None
        if parts.scheme not in set(Encryption):
            raise ValueError("it has to begin with smtp://, smtps:// or smtp+starttls://")
        if not _HOST.fullmatch(host):
            raise ValueError("it names no host")
        if port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("after the host there may be a port and nothing else")
        if (parts.username is None) is not (parts.password is None) or parts.username == "":
            raise ValueError("it has to hold a user with a password, or neither")
        encryption = Encryption(parts.scheme)
        if parts.password is not None and encryption is Encryption.NONE and not _is_here(host):
            raise ValueError(
                "the password would cross the network in the clear; use smtps:// or "
                "smtp+starttls://"
            )
        return cls(
            host=host,
            port=port or _PORTS[encryption],
            encryption=encryption,
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else Secret(unquote(parts.password)),
        )


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def parse_sender(text: str) -> Address:
    """Read ``Skua <skua@skua.example>``. Raises ValueError, which says what is wrong."""
    name, address = parseaddr(text)
    if not text.isprintable():
        raise ValueError("it holds characters that can't be shown")
    try:
        mailbox = mailbox_of(address)
    except MailUndeliverable:
        raise ValueError("it isn't an address such as Skua <skua@skua.example>") from None
    return Address(name, mailbox.username, mailbox.domain)
