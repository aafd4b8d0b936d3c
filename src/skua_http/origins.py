"""Origins as browsers send them: scheme, host, and a port where it isn't the usual one."""

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
_USUAL_PORTS = {"http": 80, "https": 443}
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


def origin_of(url: str) -> str | None:
    """The origin of a page with this address; None when none has it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    if parts.scheme not in _USUAL_PORTS or host is None or _HOST.fullmatch(host) is None:
        return None
    shown = f"[{host}]" if ":" in host else host
    usual = port is None or port == _USUAL_PORTS[parts.scheme]
    return f"{parts.scheme}://{shown}" if usual else f"{parts.scheme}://{shown}:{port}"


def parse_origins(text: str) -> tuple[str, ...]:
    """Read a comma list of origins. Raises ValueError, which says what is wrong."""
    return tuple(_parse_origin(entry.strip()) for entry in text.split(","))


def _parse_origin(entry: str) -> str:
    if not entry:
        raise ValueError("there is a comma too many")
    if "@" in entry:
        raise ValueError("no origin has a user or a password in it")
    origin = origin_of(entry)
    if origin is None:
        raise ValueError(f"{entry!r} is not an origin such as https://app.example")
    if entry != origin:
        raise ValueError(f"{entry!r} is not how browsers write it: write {origin}")
    parts = urlsplit(origin)
    if parts.scheme == "http" and parts.hostname not in _THIS_MACHINE:
        raise ValueError(f"{origin} isn't https: anybody on the way could speak for it")
    return origin
