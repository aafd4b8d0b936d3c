"""Limits: how often something may be done, as buckets that refill (GCRA)."""

import ipaddress

import msgspec


class Bucket(msgspec.Struct, frozen=True):
    """``burst`` permits at once; each that was taken comes back after ``seconds``, one by one."""

    name: str
    burst: int
    seconds: float

    def quarter(self) -> "Bucket":
        """What a process grants that can't count together with the others."""
        return Bucket(self.name, max(1, self.burst // 4), self.seconds)


class Permit(msgspec.Struct, frozen=True):
    """One permit of one bucket, of which there is one per key."""

    bucket: Bucket
    key: str
    """An address, an account, both …: whatever is limited. Never stored in the clear."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Every bucket there is, with what applies unless a setting says otherwise."""

    login_ip: Bucket = Bucket("login-ip", 20, 5)
    """All attempts."""
    login_failures_ip: Bucket = Bucket("login-failures-ip", 10, 60)
    """Taken before a hash is computed, given back on success."""
    login_failures_account: Bucket = Bucket("login-failures-account", 5, 120)
    """From devices that aren't known; also for addresses without an account."""
    login_failures_device: Bucket = Bucket("login-failures-device", 10, 60)
    """From one known device."""
    login_accounts_ip: Bucket = Bucket("login-accounts-ip", 15, 240)
    """Different accounts that failed from one address: whoever sprays gets one try a minute."""
    login_spraying_ip: Bucket = Bucket("login-spraying-ip", 1, 60)
    register_ip: Bucket = Bucket("register-ip", 5, 600)
    code_mails_account: Bucket = Bucket("code-mails-account", 3, 300)
    code_mails_ip: Bucket = Bucket("code-mails-ip", 10, 300)
    code_tries_account: Bucket = Bucket("code-tries-account", 10, 360)
    code_tries_ip: Bucket = Bucket("code-tries-ip", 20, 180)
    api_session: Bucket = Bucket("api-session", 120, 0.25)
    webhook_bad_secret: Bucket = Bucket("webhook-bad-secret", 30, 1)
    """Per address and bot together: all of Telegram's webhooks come from the same addresses."""


_LARGER_NETWORK = 48
_TIMES_LARGER = 8


def permits_of(bucket: Bucket, ip: str | None) -> tuple[Permit, ...]:
    """One permit for the caller's address.

    An IPv6 one takes another of its /48, whose bucket is eight times as large: whoever was given
    65,536 networks of /64 has as many of the smaller ones.
    """
    own = Permit(bucket, network_of(ip))
    if ip is None or ":" not in own.key:
        return (own,)
    larger = Bucket(
        f"{bucket.name}-{_LARGER_NETWORK}",
        bucket.burst * _TIMES_LARGER,
        bucket.seconds / _TIMES_LARGER,
    )
    return (own, Permit(larger, str(_network(own.key.partition("/")[0], _LARGER_NETWORK))))


def network_of(ip: str | None) -> str:
    """What stands for an address in a bucket's key: the address, or the /64 it is in.

    Whoever has one IPv6 address has 2**64 of them.
    """
    if ip is None:
        return "local"
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(_network(str(address), 64))
    return str(address)


def _network(address: str, prefix: int) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network((address, prefix), strict=False)
