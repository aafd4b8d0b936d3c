"""Which addresses Telegram would call, found out before it is asked.

The rules are those of https://core.telegram.org/bots/webhooks and of ``WebhookActor::start_up`` in
tdlib/telegram-bot-api. Names are not looked up: what they stand for may differ where Telegram asks.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from skua_core.errors import PublicUrlUnfit

_PORTS = frozenset({80, 88, 443, 8443})
_DEFAULT_PORTS = {"https": 443, "http": 80}
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\Z", re.ASCII)
_NUMERIC_LABEL = re.compile(r"([0-9]+|0x[0-9a-f]*)\Z", re.ASCII)
_SIX_TO_FOUR = ipaddress.ip_network("192.88.99.0/24")
"""Reserved for Telegram (``IPAddress::is_reserved`` in TDLib), global for Python."""
_LOCAL_SUFFIXES = ("localhost", "local", "internal", "test", "invalid")


def check_public_url(url: str, *, allow_local: bool = False) -> None:
    """Raise ``PublicUrlUnfit`` for what Telegram would refuse to call.

    ``allow_local`` is for a Telegram of one's own: any scheme of the web, any port, any host.
    """
    problem = _problem(url, allow_local=allow_local)
    if problem is not None:
        raise PublicUrlUnfit(shown(url), problem)


def shown(url: str) -> str:
    """``url`` as far as it may be shown: a path may hold a webhook's tag, user info a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "this address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "this address"


def _problem(url: str, *, allow_local: bool) -> str | None:
    if not url.isascii() or not url.isprintable() or " " in url:
        return "it holds spaces or characters beyond ASCII (write such a host in punycode)"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"it is no address ({error})"
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return "it has to begin with https:// and a host"
    if parts.username is not None or parts.fragment:
        return "it may hold neither a user name nor a # part"
    if port == 0:
        return "port 0 is none"
    return None if allow_local else _problem_from_afar(parts, port, parts.hostname)


def _problem_from_afar(parts: SplitResult, port: int | None, host: str) -> str | None:
    if parts.scheme != "https":
        return "it has to begin with https://"
    if (port or _DEFAULT_PORTS[parts.scheme]) not in _PORTS:
        return f"port {port} is not one of 443, 80, 88 and 8443"
    return _host_problem(host.removesuffix("."))


def _host_problem(host: str) -> str | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _name_problem(host)
    if address.version != 4:  # noqa: PLR2004 - IP versions are what they are
        return "it is an IPv6 address, and Telegram calls IPv4 only"
    if not address.is_global or address.is_multicast or address in _SIX_TO_FOUR:
        return f"{host} is a reserved or private address"
    return None


def _name_problem(host: str) -> str | None:
    if _HOST_NAME.match(host) is None:
        return "its host is no host name"
    last = host.rpartition(".")[2]
    if _NUMERIC_LABEL.match(last):
        return f"{host} is no address in the usual form of four numbers"
    if last in _LOCAL_SUFFIXES:
        return f"{host} is a name for local use"
    if "." not in host:
        return f"{host} has no domain, so nobody outside can look it up"
    return None
