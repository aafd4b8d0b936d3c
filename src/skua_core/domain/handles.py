"""Random names and codes that stand for something, and the hashes by which they are found."""

import hashlib
import re
import secrets

from skua_core.domain.challenge import CODE_DIGITS

_CODE = re.compile(rf"[0-9]{{{CODE_DIGITS}}}", re.ASCII)
_HANDLE = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_API_KEY = re.compile(r"skua_[A-Za-z0-9_-]{43}", re.ASCII)


def new_handle() -> str:
    """128 random bits, base64url: 22 characters."""
    return secrets.token_urlsafe(16)


def is_handle(text: str) -> bool:
    return _HANDLE.fullmatch(text) is not None


def new_api_key() -> str:
    """256 random bits, under a name by which scanners for leaked secrets know it."""
    return f"skua_{secrets.token_urlsafe(32)}"


def is_api_key(text: str) -> bool:
    return _API_KEY.fullmatch(text) is not None


def hash_of(text: str) -> bytes:
    """SHA-256. Enough for what has 128 random bits; too little for what people think up."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def new_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def is_code(text: str) -> bool:
    # By its characters: str.isdigit takes the digits of every script.
    return _CODE.fullmatch(text) is not None
