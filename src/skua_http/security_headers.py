"""Headers that every answer carries, whoever makes it."""

from litestar.types import Message, Scope

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
"""The content security policy of a page of ours: plain HTML and one style sheet."""

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
    # Most answers tell somebody something of their own; what may be kept says so itself.
    (b"cache-control", b"no-store"),
)


async def add_security_headers(message: Message, _: Scope) -> None:
    """For Litestar's ``before_send``, which unlike its middleware sees 404 and 405 too.

    An answer that has such a header already, like a page its own policy, keeps it.
    """
    if message["type"] == "http.response.start":
        there = {name.lower() for name, _ in message["headers"]}
        missing = [header for header in SECURITY_HEADERS if header[0] not in there]
        message["headers"] = [*message["headers"], *missing]
