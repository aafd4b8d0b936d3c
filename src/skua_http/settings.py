"""What the HTTP side is told when it is made."""

import msgspec

from skua_http.networks import Networks


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True):
    public_url: str | None = None
    """Where our own pages are; the Host header decides without it."""
    trusted_proxies: Networks = ()
    allowed_networks: Networks | None = None
    """None: whoever asks may come in."""
    allowed_origins: tuple[str, ...] = ()
