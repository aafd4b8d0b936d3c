"""What other sites may make a browser do here: nothing that changes anything."""

from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from litestar.exceptions import HTTPException
from litestar.types import HTTPScope

from skua_core.errors import ErrorKind, SkuaError
from skua_http.cookies import SESSION_COOKIE
from skua_http.origins import origin_of

API = "/api/"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})
"""``none``: no page asked for it, but the person at the browser."""


class CrossOrigin(SkuaError):
    kind = ErrorKind.FORBIDDEN
    code = "cross-origin"

    def __init__(self) -> None:
        super().__init__(
            "This request comes from another site, or a browser's cookie came without proof that"
            " it doesn't. Programs use an API key instead of a cookie."
        )


class SameOrigin:
    """Proof that a request which may change something was meant by one of Skua's own pages.

    Asked for of each unsafe request to the API, signing in included, whatever it wants: a page
    elsewhere could otherwise sign its visitors in to an account of its own. A cookie's SameSite
    alone proves nothing of that sort, nor anything to sites beside ours under one domain.
    Browsers say where a request comes from in ``Sec-Fetch-Site``, which no page can set, or at
    least in ``Origin``. Programs with an API key have nothing to prove: no browser adds a key by
    itself.
    """

    def __init__(self, public_url: str | None, allowed: Collection[str]) -> None:
        """``public_url`` is where our own pages are (the Host header decides without it);
        ``allowed`` other origins that may do as much (``SKUA_ALLOWED_ORIGINS``)."""
        self._own = None if public_url is None else origin_of(public_url)
        self._allowed = frozenset(allowed)

    def check(self, scope: HTTPScope) -> None:
        """Raises CrossOrigin, and HTTPException (415) for a body that isn't JSON."""
        if scope["method"] in _SAFE or not scope["path"].startswith(API):
            return
        headers = _Headers(scope)
        by_key = headers.has("authorization") and not headers.has_session()
        if not by_key and not self._is_ours(headers):
            raise CrossOrigin
        _check_content_type(headers)

    def _is_ours(self, headers: "_Headers") -> bool:
        origin = headers.only("origin")
        if origin is not None and origin in self._allowed:
            return True
        if headers.has("sec-fetch-site"):
            return headers.only("sec-fetch-site") in _OURS
        if headers.has("origin"):
            return origin is not None and self._is_own(origin, headers.only("host"))
        # No browser: each sends one of them. Whoever has its cookie may still be one, and odd.
        return not headers.has_session()

    def _is_own(self, origin: str, host: str | None) -> bool:
        if self._own is not None:
            return origin == self._own
        return host is not None and origin_of(origin) == origin and _host(origin) == host.lower()


class _Headers:
    def __init__(self, scope: HTTPScope) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            self._values.setdefault(name.decode("latin-1").lower(), []).append(
                value.decode("latin-1").strip()
            )

    def has(self, name: str) -> bool:
        return name in self._values

    def only(self, name: str) -> str | None:
        """None when there is none, and for one that was sent twice: which of them would count?"""
        values = self._values.get(name, [])
        return values[0] if len(values) == 1 else None

    def has_session(self) -> bool:
        return any(
            pair.partition("=")[0].strip() == SESSION_COOKIE
            for value in self._values.get("cookie", [])
            for pair in value.split(";")
        )

    def announce_body(self) -> bool:
        return self.has("transfer-encoding") or any(
            length != "0" for length in self._values.get("content-length", [])
        )


def _check_content_type(headers: _Headers) -> None:
    # Forms of other sites can send three other types, and no browser lets a page send this one
    # to a foreign origin without asking first. HTTP/2 needn't announce a body.
    if not headers.announce_body() and not headers.has("content-type"):
        return
    content_type = headers.only("content-type") or ""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(
            detail="Send a body as application/json",
            status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )


def _host(origin: str) -> str:
    return urlsplit(origin).netloc
