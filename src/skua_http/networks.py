"""Networks as an operator writes them, and addresses as the other side gives them."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Networks = tuple[Network, ...]

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_V4_BITS = (1 << 32) - 1


def read_address(text: str) -> Address | None:
    """None for what isn't one.

    An IPv4 address in IPv6's clothes is the IPv4 address, and where a link-local one was seen
    (``%eth0``) is no part of it: whoever is listed once is the same however they come.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return address.ipv4_mapped or ipaddress.IPv6Address(int(address))


def is_within(address: Address, networks: Networks) -> bool:
    """Of one version only: ``::/0`` holds no IPv4 address."""
    return any(address in network for network in networks)


def parse_networks(text: str) -> Networks:
    """Read a comma list of addresses and networks.

    Raises ValueError, which says what is wrong: a list of who may come in is never guessed at.
    """
    return tuple(_parse_network(entry.strip()) for entry in text.split(","))


def parse_proxies(text: str) -> Networks:
    """As ``parse_networks``, for those whose word is taken for where a request comes from."""
    if "*" in text:
        raise ValueError("'*' would let everybody say where they come from; list your proxies")
    networks = parse_networks(text)
    for network in networks:
        if network.prefixlen == 0:
            raise ValueError(
                f"{network} would let everybody say where they come from; list your proxies"
            )
    return networks


def _parse_network(entry: str) -> Network:
    if not entry:
        raise ValueError("there is a comma too many")
    _, slash, prefix = entry.partition("/")
    # By default a mask would do as well, and the inverse of one.
    if "%" in entry or (slash and not (prefix.isascii() and prefix.isdecimal())):
        raise ValueError(_neither(entry))
    try:
        return _unmapped(ipaddress.ip_network(entry))
    except ValueError:
        pass
    try:
        whole = _unmapped(ipaddress.ip_network(entry, strict=False))
    except ValueError:
        raise ValueError(_neither(entry)) from None
    one = read_address(entry.partition("/")[0])
    raise ValueError(f"{entry} names one address of a network: write {whole} for all, or {one}")


def _unmapped(network: Network) -> Network:
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        first = int(network.network_address) & _V4_BITS
        return ipaddress.IPv4Network((first, network.prefixlen - _MAPPED.prefixlen))
    return network


def _neither(entry: str) -> str:
    return f"{entry!r} is neither an address nor a network such as 10.0.0.0/8 or 2001:db8::/32"
