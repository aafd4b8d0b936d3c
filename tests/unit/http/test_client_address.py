"""Where a request comes from, whatever it says about itself."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_http.client_address import ClientAddress, client_address
from skua_http.networks import Networks, parse_proxies, read_address
from tests.unit.http.plain import a_scope

PROXIES = parse_proxies("10.0.0.0/8, 2001:db8:ff::/48")
NOBODY: Networks = ()

addresses = st.ip_addresses().map(str)
proxies = st.one_of(
    st.ip_addresses(network="10.0.0.0/8"), st.ip_addresses(network="2001:db8:ff::/48")
).map(str)
strangers = addresses.filter(
    lambda text: not any(read_address(text) in network for network in PROXIES)
)
header_text = st.text(st.characters(codec="latin-1"), max_size=60)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.2.3.4"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.1", "198.51.100.1, 10.2.3.4"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.1", "198.51.100.1", "10.2.3.4"], "198.51.100.1"),
        ("2001:db8:ff::1", ["2001:db8::5"], "2001:db8::5"),
        ("10.0.0.1", ["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
    ],
)
def test_the_first_address_from_the_right_that_is_no_proxy_counts(
    peer: str, forwarded: list[str], expected: str
) -> None:
    assert client_address(peer, forwarded, PROXIES) == expected


@pytest.mark.parametrize(
    "entry",
    [
        "",
        " ",
        "unknown",
        "_hidden",
        "198.51.100",
        "198.51.100.1 198.51.100.2",
        "::ffff:1.2.3.999",
        "\N{FULLWIDTH DIGIT ONE}98.51.100.1",
        "198.51.100.1:",
        "[2001:db8::5",
        "198.51.100.1/32",
        "a" * 10_000,
    ],
)
def test_what_cannot_be_read_leaves_the_last_address_that_is_sure(entry: str) -> None:
    assert client_address("10.0.0.1", [f"192.0.2.1, {entry}, 10.5.5.5"], PROXIES) == "10.5.5.5"
    assert client_address("10.0.0.1", [f"192.0.2.1, {entry}"], PROXIES) == "10.0.0.1"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("198.51.100.1:55000", "198.51.100.1"),
        ("[2001:db8::5]:443", "2001:db8::5"),
        ("[2001:db8::5]", "2001:db8::5"),
        ("2001:DB8:0::5", "2001:db8::5"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("fe80::1%eth0", "fe80::1"),
        (" \t198.51.100.1 ", "198.51.100.1"),
    ],
)
def test_each_way_to_write_an_address_is_read(entry: str, expected: str) -> None:
    assert client_address("10.0.0.1", [entry], PROXIES) == expected


def test_a_proxy_in_the_clothes_of_the_other_version_is_that_proxy() -> None:
    assert client_address("::ffff:10.0.0.1", ["198.51.100.1"], PROXIES) == "198.51.100.1"


@pytest.mark.parametrize("peer", [None, "", "testclient", "/run/skua.sock"])
def test_a_connection_without_addresses_has_none_whatever_it_says(peer: str | None) -> None:
    assert client_address(peer, ["198.51.100.1"], PROXIES) is None


def test_nobody_is_trusted_unless_listed() -> None:
    assert client_address("127.0.0.1", ["198.51.100.1"], NOBODY) == "127.0.0.1"


def test_a_header_full_of_proxies_is_not_read_to_its_end() -> None:
    many = ", ".join(["198.51.100.1", *["10.0.0.2"] * 1000])

    assert client_address("10.0.0.1", [many], PROXIES) == "10.0.0.2"


@given(peer=strangers, forwarded=st.lists(header_text))
def test_whoever_is_no_proxy_is_not_believed(peer: str, forwarded: list[str]) -> None:
    expected = read_address(peer)

    assert client_address(peer, forwarded, PROXIES) == str(expected)


@given(
    claims=st.lists(st.one_of(header_text, addresses, proxies), max_size=4),
    client=strangers,
    hops=st.lists(proxies, min_size=1, max_size=4),
    one_header=st.booleans(),
)
def test_no_claim_of_the_client_s_changes_what_the_proxies_saw(
    claims: list[str], client: str, hops: list[str], *, one_header: bool
) -> None:
    """Each proxy adds whom it saw, to the header there is or as another one."""
    seen = [client, *hops[:-1]]
    forwarded = [", ".join([*claims, *seen])] if one_header else [*claims, *seen]

    assert client_address(hops[-1], forwarded, PROXIES) == str(read_address(client))


@given(peer=st.none() | header_text | addresses, forwarded=st.lists(header_text))
def test_whatever_comes_is_an_address_or_none(peer: str | None, forwarded: list[str]) -> None:
    found = client_address(peer, forwarded, PROXIES)

    assert found is None or str(ipaddress.ip_address(found)) == found


def test_the_scope_s_headers_are_read_in_their_order() -> None:
    headers = [(b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-for", b"198.51.100.1\xff")]

    assert ClientAddress(PROXIES)(a_scope(headers=headers, peer="10.0.0.1")) == "10.0.0.1"
    assert ClientAddress(PROXIES)(a_scope(headers=headers[:1], peer="10.0.0.1")) == "192.0.2.1"


@pytest.mark.parametrize(
    ("peer", "expected"), [("10.0.0.1", True), ("203.0.113.7", False), (None, False), ("x", False)]
)
def test_a_proxy_that_handed_a_request_over_is_told(peer: str | None, *, expected: bool) -> None:
    assert ClientAddress(PROXIES).through_proxy(a_scope(peer=peer)) is expected
