"""One-time codes that change every 30 seconds (RFC 6238, with HMAC-SHA1 as authenticators want)."""

import hashlib
import hmac
import re
import secrets
from base64 import b32decode, b32encode
from datetime import datetime
from urllib.parse import quote, urlencode

from skua_core.domain.secret import Secret

STEP_SECONDS = 30
TOTP_DIGITS = 6
_SECRET_BYTES = 20
"""As long as the digest, as RFC 4226 recommends; a whole number of base32 characters too."""
_TOLERATED_STEPS = 1
"""Either way, for clocks that aren't right and people who type slowly."""
_CODE = re.compile(rf"[0-9]{{{TOTP_DIGITS}}}", re.ASCII)


def new_totp_secret() -> Secret:
    """160 random bits in base32, as it is typed into an authenticator."""
    return Secret(b32encode(secrets.token_bytes(_SECRET_BYTES)).decode())


def step_of(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS


def totp_code(secret: Secret, step: int) -> str:
    digest = hmac.digest(b32decode(secret.reveal()), step.to_bytes(8), hashlib.sha1)
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return f"{number % 10**TOTP_DIGITS:0{TOTP_DIGITS}d}"


def matching_step(secret: Secret, code: str, now: datetime, *, after: int) -> int | None:
    """The step whose code this is; None if there is none, or none later than ``after``."""
    if _CODE.fullmatch(code) is None:
        return None
    current = step_of(now)
    steps = range(current - _TOLERATED_STEPS, current + _TOLERATED_STEPS + 1)
    # Each is compared, so that the time doesn't tell which one it was.
    matching = [step for step in steps if hmac.compare_digest(totp_code(secret, step), code)]
    return next((step for step in matching if step > after), None)


def otpauth_uri(secret: Secret, login: str, *, issuer: str = "Skua") -> Secret:
    """What the picture holds that an authenticator scans (Google's Key URI format)."""
    query = urlencode({"secret": secret.reveal(), "issuer": issuer})
    return Secret(f"otpauth://totp/{quote(f'{issuer}:{login}')}?{query}")
