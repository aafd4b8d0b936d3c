"""Addresses as mail servers know them."""

import re
from email.headerregistry import Address

import idna

from skua_core.errors import MailUndeliverable

_LOCAL = re.compile(r"""[^\s"(),:;<>@\[\\\]\x00-\x1f\x7f]{1,64}""")
"""In front of the @, without the forms that need quotes (RFC 5321, section 4.1.2)."""
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)


def mailbox_of(address: str) -> Address:
    """The address with its domain in ASCII. Raises MailUndeliverable for what can't be one."""
    local, _, domain = address.rpartition("@")
    try:
        ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
        if _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(ascii_domain):
            return Address(username=local, domain=ascii_domain)
    except ValueError:  # of which idna's errors are
        pass
    raise MailUndeliverable("its address isn't one")
