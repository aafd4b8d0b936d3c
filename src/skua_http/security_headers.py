"""Headers that every answer carries, whoever makes it."""

from litestar.types import Message, Scope

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    # Two years, as hstspreload.org recommends; it asks for at least one.
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains; preload"),
)


async def add_security_headers(message: Message, _: Scope) -> None:
    """For Litestar's ``before_send``, which unlike its middleware sees 404 and 405 too."""
    if message["type"] == "http.response.start":
        message["headers"] = [*message["headers"], *SECURITY_HEADERS]
