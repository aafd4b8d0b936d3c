"""Which webhook URLs and secrets Telegram takes."""

import asyncio
import ipaddress
import re
import socket

from .links import LinkRefused, split_url
from .refusals import Refusal, bad_request

_LONGEST_SECRET = 256
_SECRET = re.compile(r"[A-Za-z0-9_-]*\Z")
_PORTS = (80, 88, 443, 8443)
_RESERVED = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
_DEFAULT_PORT = {"http": 80, "https": 443}


async def check_webhook(url: str, *, secret: str, ip_address: str, allow_local: bool) -> str:
    """The address that updates go to, empty when nobody looked it up. Raises ``Refusal``."""
    try:
        scheme, host, port, _ = split_url(url, default_scheme="https")
    except LinkRefused as problem:
        raise bad_request("invalid webhook URL specified") from problem
    if len(secret) > _LONGEST_SECRET:
        raise bad_request("secret token is too long")
    if not _SECRET.match(secret):
        raise bad_request("secret token contains unallowed characters")
    if allow_local:
        return ip_address
    if scheme != "https":
        raise _bad_webhook("An HTTPS URL must be provided for webhook")
    if (port or _DEFAULT_PORT[scheme]) not in _PORTS:
        raise _bad_webhook("Webhook can be set up only on ports 80, 88, 443 or 8443")
    address = ip_address or await _resolve(host)
    _check_address(address)
    return address


async def _resolve(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _bad_webhook("Failed to resolve host: Name or service not known") from error
    return str(found[0][4][0])


def _check_address(text: str) -> None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise _bad_webhook("Invalid IP address specified") from error
    if address.version != 4:  # noqa: PLR2004 - IP versions are what they are
        raise _bad_webhook("IPv6-only addresses are not allowed")
    if any(address in block for block in _RESERVED):
        raise _bad_webhook(f"IP address {address} is reserved")


def _bad_webhook(reason: str) -> Refusal:
    return bad_request(f"bad webhook: {reason}")
