"""Which links Telegram takes in texts and buttons, and why it refuses the others."""

import re

_URL = re.compile(r"(?:(?P<scheme>[^:/?#@\[\]]*)://)?(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_AUTHORITY = re.compile(r"(?:.*@)?(?P<host>\[[^\]]*\]|[^:]*|.*?)(?::(?P<port>[^:\]]*))?", re.DOTALL)
_APP_LINK = re.compile(r"(tg|ton|tonsite):(?://)?(.*)", re.IGNORECASE | re.DOTALL)
_APP_HOST = re.compile(r"[A-Za-z0-9_-]+\Z")
_USER_LINK = re.compile(r"tg:(?://)?user/?\?(?P<query>[^#]*)", re.IGNORECASE)
_HIGHEST_PORT = 65_535


class LinkRefused(Exception):
    """Its text is the reason in TDLib's words."""


def check_link(link: str) -> str:
    """The link as Telegram stores it. Raises ``LinkRefused``."""
    app_link = _APP_LINK.fullmatch(link)
    if app_link:
        return _check_app_link(app_link[1].lower(), app_link[2])
    scheme, host, _, rest = split_url(link, default_scheme="http")
    if "." not in host and not host.startswith("["):
        raise LinkRefused("Wrong HTTP URL")
    authority = _URL.fullmatch(link)["authority"]  # type: ignore[index]  # split_url matched it
    return f"{scheme}://{authority}{rest}"


def split_url(url: str, *, default_scheme: str) -> tuple[str, str, int, str]:
    """Scheme, host, port (0 when it isn't named), and the rest with its slash.

    Raises ``LinkRefused``.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise LinkRefused("Wrong HTTP URL")
    scheme = (match["scheme"] if match["scheme"] is not None else default_scheme).lower()
    if scheme not in ("http", "https"):
        raise LinkRefused("Unsupported URL protocol")
    authority = _AUTHORITY.fullmatch(match["authority"])
    port = _port(authority["port"] if authority else "x")
    host = authority["host"] if authority else ""
    if not host:
        raise LinkRefused("URL host is empty")
    if host == ".":
        raise LinkRefused("Host is invalid")
    if re.search(r"[\x00-\x20\x7f]", host):
        raise LinkRefused("Disallowed character in URL host")
    rest = match["rest"].rstrip(" \t\r\n\0\v")
    return scheme, host, port, rest if rest.startswith("/") else f"/{rest}"


def linked_user_id(url: str) -> int | None:
    """Whom a ``tg://user?id=…`` link names."""
    match = _USER_LINK.match(url)
    if match is None:
        return None
    for parameter in match["query"].split("&"):
        name, _, value = parameter.partition("=")
        if name.lower() == "id" and value.isascii() and value.isdigit():
            return int(value)
    return None


def _port(text: str | None) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _HIGHEST_PORT):
        raise LinkRefused("Wrong port number specified in the URL")
    return int(text)


def _check_app_link(app: str, address: str) -> str:
    wrong = "Wrong tg URL" if app == "tg" else "Wrong ton URL"
    if address.lower().startswith(("http://", "https://")):
        raise LinkRefused(wrong)
    _, host, port, rest = split_url(address, default_scheme="http")
    if port:
        raise LinkRefused(wrong)
    if not _APP_HOST.match(host.replace(".", "-") if app == "tonsite" else host):
        raise LinkRefused("Unallowed characters in URL host")
    return f"{app}://{host}{rest[1:] if rest.startswith('/?') else rest}"
