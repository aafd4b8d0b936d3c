"""What Telegram finds when it fetches a URL. Nothing here reaches the real internet."""

import mimetypes
from collections import Counter
from urllib.parse import urlsplit

import msgspec

from .errors import ActionImpossible
from .links import LinkRefused, split_url

_MADE_UP_SIZE = 100_000
_EXAMPLE = "example"
"""The top-level domain that nobody can own."""


class UrlContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a server answers to Telegram."""

    mime_type: str = "image/jpeg"
    size: int = _MADE_UP_SIZE
    """Bytes."""
    gone: bool = False
    """No such host, no answer, or an error instead of a file."""
    width: int = 1280
    height: int = 720
    duration: int = 10
    """Seconds, of what plays."""


class Internet:
    """URLs that nobody described: those of a ``.example`` host hold what their ending says (a page
    when it says nothing), every other one is gone."""

    def __init__(self) -> None:
        self._contents: dict[str, UrlContent] = {}
        self._fetches: Counter[str] = Counter()

    def put(self, url: str, content: UrlContent) -> None:
        """Raises ``ActionImpossible`` for what is no URL."""
        try:
            self._contents[as_fetched(url)] = content
        except LinkRefused as problem:
            raise ActionImpossible(f"{url!r} is no URL: {problem}.") from problem

    def fetch(self, url: str) -> UrlContent:
        self._fetches[url] += 1
        return self._contents.get(url) or _made_up(url)

    def fetches(self) -> dict[str, int]:
        """How often each URL was fetched."""
        return dict(self._fetches)


def as_fetched(url: str) -> str:
    """The URL in the one way it is written here. Raises ``LinkRefused``."""
    scheme, host, port, rest = split_url(url, default_scheme="http")
    return f"{scheme}://{host.lower()}{f':{port}' if port else ''}{rest}"


def _made_up(url: str) -> UrlContent:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host.rpartition(".")[2] != _EXAMPLE:
        return UrlContent(gone=True)
    return UrlContent(mime_type=mimetypes.guess_type(parts.path)[0] or "text/html")
