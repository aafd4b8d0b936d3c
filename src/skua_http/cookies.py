"""Skua's two cookies: who is signed in, and which device this is.

Both begin with ``__Host-``: browsers take them over a secure connection alone (or from this very
machine), for this host alone, so nobody at a neighbouring name can plant one.
"""

from collections.abc import Iterable

from litestar.datastructures import Cookie

from skua_core.domain.secret import Secret
from skua_core.domain.session import DEVICE_LIVES, SESSION_LIVES

SESSION_COOKIE = "__Host-skua"
DEVICE_COOKIE = "__Host-dev"

Headers = Iterable[tuple[bytes, bytes]]


def read_cookie(headers: Headers, name: str) -> str | None:
    """What the browser sent under this name; None too when it sent several different values.

    Over HTTP/2 each cookie may come in a header of its own (RFC 9113, 8.2.3).
    """
    found = {
        value.strip()
        for header, line in headers
        if header == b"cookie"
        for key, _, value in (part.partition("=") for part in line.decode("latin-1").split(";"))
        if key.strip() == name
    }
    return found.pop() if len(found) == 1 else None


def session_cookie(token: Secret) -> Cookie:
    return _cookie(SESSION_COOKIE, token.reveal(), int(SESSION_LIVES.total_seconds()))


def device_cookie(token: Secret) -> Cookie:
    return _cookie(DEVICE_COOKIE, token.reveal(), int(DEVICE_LIVES.total_seconds()))


def no_session_cookie() -> Cookie:
    """Makes the browser forget the one it has."""
    return _cookie(SESSION_COOKIE, "", 0)


def _cookie(name: str, value: str, max_age: int) -> Cookie:
    return Cookie(
        key=name,
        value=value,
        path="/",
        max_age=max_age,
        secure=True,
        httponly=True,
        samesite="lax",
    )
