"""Addresses as Telegram takes them: web links, its own ``tg:`` links, and the two special ones.

Telegram answers a wrong address in an entity by refusing the whole message, so the check here is
at least as strict as its own (``parse_url`` and ``LinkManager`` of tdlib).
"""

import ipaddress
import re
from typing import TypedDict
from urllib.parse import SplitResult, parse_qs, urlsplit

from skua_core.domain.content import EntityType


class Details(TypedDict, total=False):
    """Fields of a MessageEntity beyond type, offset and length."""

    url: str
    language: str
    custom_emoji_id: str
    unix_time: int
    date_time_format: str


_WEB_HOST = re.compile(r"(?:[\w.!$,~*'();&+=-]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])+")
_TELEGRAM_HOSTS = {
    "tg": re.compile(r"[A-Za-z0-9_-]+"),
    "ton": re.compile(r"[A-Za-z0-9_-]+"),
    "tonsite": re.compile(r"[A-Za-z0-9_.-]+"),
}
_LOCAL_SUFFIXES = frozenset(
    {"localhost", "local", "internal", "lan", "home", "test", "invalid", "onion"}
)
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_DATE_FORMAT = re.compile(r"r|w?[dD]?[tT]?")
_INT32_MAX = 2**31 - 1
_INT64_MAX = 2**63 - 1


def problem_with_link(url: str) -> str | None:
    """Say what is wrong with the address of a link or button; None if nothing is."""
    if any(char.isspace() or not char.isprintable() for char in url):
        return "it holds a blank or an invisible character"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"it can't be read ({error})"
    if parts.scheme in {"http", "https"}:
        return _problem_with_web_host(parts, port)
    if parts.scheme in _TELEGRAM_HOSTS:
        host = parts.netloc or parts.path  # `tg:resolve?…` is as good as `tg://resolve?…`
        host_is_fine = _TELEGRAM_HOSTS[parts.scheme].fullmatch(host)
        return None if host_is_fine else f"nothing that Telegram knows follows {parts.scheme}://"
    return "it must begin with https://, http:// or tg://"


def _problem_with_web_host(parts: SplitResult, port: int | None) -> str | None:
    host = parts.hostname or ""
    if port == 0:
        return "port 0 doesn't exist"
    if ":" in host:
        return None  # an IPv6 address, which urlsplit has checked
    if "." not in host.strip("."):
        return f"{host!r} is no host on the internet" if host else "it names no host"
    if not _WEB_HOST.fullmatch(host):
        return f"{host!r} can't be a host"
    user = parts.netloc.rpartition("@")[0].replace(":", "")
    if user and not _WEB_HOST.fullmatch(user):
        return f"{user!r} can't be a user"
    return None


def problem_with_file_address(url: str) -> str | None:
    """Say why Telegram's servers can't fetch a file from there; None if nothing speaks against it.

    Names are not looked up: what they stand for may differ where Telegram asks.
    """
    problem = problem_with_link(url)
    if problem is not None:
        return problem
    parts = urlsplit(url)
    if parts.scheme != "https":
        return "it must begin with https://"
    if "@" in parts.netloc:
        return "it holds a user name or a password"
    host = (parts.hostname or "").rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        last = host.rpartition(".")[2]
        local = last in _LOCAL_SUFFIXES or _NUMERIC_LABEL.fullmatch(last)
        return f"{host!r} is no host on the internet" if local else None
    if not address.is_global or address.is_multicast:
        return f"{host} is a private or reserved address"
    return None


def is_telegram_number(text: str) -> bool:
    """Whether it can be one of the ids that Telegram writes as texts of digits."""
    return text.isascii() and text.isdecimal() and 0 < int(text[:20]) <= _INT64_MAX


def custom_emoji(emoji_id: str) -> Details | None:
    return {"custom_emoji_id": emoji_id} if is_telegram_number(emoji_id) else None


def date_time(unix: str, date_format: str) -> Details | None:
    if not (unix.isascii() and unix.isdecimal() and 0 < int(unix[:11]) <= _INT32_MAX):
        return None
    if not _DATE_FORMAT.fullmatch(date_format):
        return None
    details: Details = {"unix_time": int(unix)}
    if date_format:
        details["date_time_format"] = date_format
    return details


def special_link(url: str) -> tuple[EntityType, Details] | None:
    """Read the address of ``![…](…)``: ``tg://emoji?id=…`` or ``tg://time?unix=…&format=…``."""
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, max_num_fields=10)
    except ValueError:
        return None
    if parts.scheme != "tg" or parts.path not in {"", "/"}:
        return None
    if parts.netloc == "emoji":
        details = custom_emoji(query.get("id", [""])[0])
        return (EntityType.CUSTOM_EMOJI, details) if details else None
    if parts.netloc == "time":
        details = date_time(query.get("unix", [""])[0], query.get("format", [""])[0])
        return (EntityType.DATE_TIME, details) if details else None
    return None
