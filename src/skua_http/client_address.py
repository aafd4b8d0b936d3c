"""Where a request comes from, however many proxies it came through."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from litestar.types import Scope

from skua_http.networks import Address, Networks, is_within, read_address

_HEADER = b"x-forwarded-for"
_KEY = "skua.client_address"
_MOST_PROXIES = 32
"""Nobody has more in a row; without an end, a header full of them would cost time."""
# Some proxies name the port too.
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+", re.ASCII)


class ClientAddress:
    """The address that a request comes from, and not the one that somebody claims."""

    def __init__(self, trusted: Networks) -> None:
        """``trusted``: the proxies whose word is taken (``SKUA_TRUSTED_PROXIES``)."""
        self._trusted = trusted

    def __call__(self, scope: Scope) -> str | None:
        """None for a connection without addresses, such as a Unix socket."""
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER]
        return client_address(_peer(scope), forwarded, self._trusted)

    def through_proxy(self, scope: Scope) -> bool:
        """Whether one of the trusted proxies handed the request over."""
        peer = _peer(scope)
        address = None if peer is None else read_address(peer)
        return address is not None and is_within(address, self._trusted)


def note_client_address(scope: Scope, address: str | None) -> None:
    """For whoever handles the request."""
    scope[_KEY] = address  # type: ignore[literal-required] # ASGI allows keys of one's own


def client_address_of(scope: Scope) -> str | None:
    """What was noted; None also for a connection without addresses."""
    address: str | None = scope.get(_KEY)  # type: ignore[assignment] # as above
    return address


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Networks) -> str | None:
    """Who spoke to the first of the trusted proxies.

    ``forwarded`` are the values of X-Forwarded-For as they came. Each proxy adds at the right who
    spoke to it, so whatever stands left of the first one that isn't trusted is hearsay. Where
    an entry can't be read, the last address that is sure counts.
    """
    sure = None if peer is None else read_address(peer)
    if sure is None:
        return None
    for entry in islice(_from_the_right(forwarded), _MOST_PROXIES):
        address = _read_entry(entry) if is_within(sure, trusted) else None
        if address is None:
            break
        sure = address
    return str(sure)


def _from_the_right(forwarded: Sequence[str]) -> Iterator[str]:
    for value in reversed(forwarded):
        yield from reversed(value.split(","))


def _read_entry(entry: str) -> Address | None:
    text = entry.strip()
    with_port = _WITH_PORT.fullmatch(text)
    return read_address(with_port[1] or with_port[2] if with_port else text)


def _peer(scope: Scope) -> str | None:
    client = scope.get("client")
    return None if client is None else client[0]
