"""Limits: how often something may be done, as buckets that refill (GCRA)."""

import ipaddress

import msgspec


class Bucket(msgspec.Struct, frozen=True):
    """``burst`` permits at once; each that was taken comes back after ``seconds``, one by one."""

    name: str
    burst: int
    seconds: float


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
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
