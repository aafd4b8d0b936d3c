"""Buckets, and whose they are."""

import msgspec
import pytest

from skua_core.domain.limits import Bucket, Limits, Permit, network_of, permits_of

LOGIN = Bucket("login-ip", 20, 5)


def test_each_limit_is_named_as_its_setting_is() -> None:
    limits = Limits()

    for field in msgspec.structs.fields(Limits):
        bucket: Bucket = getattr(limits, field.name)
        assert bucket.name == field.name.replace("_", "-")


@pytest.mark.parametrize(("burst", "expected"), [(1, 1), (3, 1), (4, 1), (5, 1), (8, 2), (120, 30)])
def test_a_quarter_of_a_burst_is_one_at_least(burst: int, expected: int) -> None:
    assert Bucket("x", burst, 5).quarter() == Bucket("x", expected, 5)


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        (None, "local"),
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_all_addresses_that_one_caller_has_are_one(ip: str | None, expected: str) -> None:
    assert network_of(ip) == expected


def test_an_ipv4_address_takes_one_permit() -> None:
    assert permits_of(LOGIN, "203.0.113.7") == (Permit(LOGIN, "203.0.113.7"),)
    assert permits_of(LOGIN, "::ffff:203.0.113.7") == (Permit(LOGIN, "203.0.113.7"),)
    assert permits_of(LOGIN, None) == (Permit(LOGIN, "local"),)


def test_an_ipv6_address_takes_one_of_the_larger_network_too() -> None:
    assert permits_of(LOGIN, "2001:db8:1:2:3::6") == (
        Permit(LOGIN, "2001:db8:1:2::/64"),
        Permit(Bucket("login-ip-48", 160, 0.625), "2001:db8:1::/48"),
    )
