"""What browsers may let pages of other origins read."""

from collections.abc import Collection, Sequence

from litestar.types import HTTPScope

from skua_http.same_origin import API

RawHeaders = Sequence[tuple[bytes, bytes]]

_VARY = (b"vary", b"Origin")
_EXPOSED = (b"access-control-expose-headers", b"Retry-After, X-Request-Id")
_CREDENTIALS = (b"access-control-allow-credentials", b"true")
_PREFLIGHT: RawHeaders = (
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    (b"access-control-allow-headers", b"Content-Type, Idempotency-Key"),
    (b"access-control-max-age", b"600"),
)


class Cors:
    """CORS with credentials, for the origins of ``SKUA_ALLOWED_ORIGINS`` and no other.

    The framework has this too, but its own stands behind the doors, whose refusals a page of an
    allowed origin has to read as well, and answers what it refuses without problem details.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(origin.encode() for origin in allowed)

    def headers(self, scope: HTTPScope) -> RawHeaders:
        """What the answer to this request has to carry, whatever it is."""
        if not self._allowed or not scope["path"].startswith(API):
            return ()
        origin = self._origin(scope)
        if origin is None:
            return (_VARY,)
        return (_VARY, (b"access-control-allow-origin", origin), _CREDENTIALS, _EXPOSED)

    def preflight(self, scope: HTTPScope) -> RawHeaders | None:
        """What to answer, with 204, to a browser that asks before it sends; None when none does.

        The headers of ``headers`` come on top.
        """
        asks = scope["method"] == "OPTIONS" and any(
            name == b"access-control-request-method" for name, _ in scope["headers"]
        )
        if not asks or not scope["path"].startswith(API) or self._origin(scope) is None:
            return None
        return _PREFLIGHT

    def _origin(self, scope: HTTPScope) -> bytes | None:
        """The request's, if it is allowed."""
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        return origins[0] if len(origins) == 1 and origins[0] in self._allowed else None
