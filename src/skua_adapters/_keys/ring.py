"""The key ring: roots from the settings, and a key of its own for each use."""

import binascii
import hashlib
import re
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from typing import Never

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from skua_core.errors import SecretKeyUnfit

PRIMARY_SETTING = "WEB_SECRET_KEY"
OLD_SETTING = "WEB_SECRET_KEYS_OLD"
PLAIN_KEY_ID = "k0"
"""Names a key that was given without a name."""
SHORTEST_PASSPHRASE = 20
_KEY_BYTES = 32
_FEWEST_DIFFERENT_BYTES = 16
_FEWEST_DIFFERENT_CHARACTERS = 8

_NAMED = re.compile(r"([A-Za-z0-9_-]{1,16}):(.*)", re.ASCII | re.DOTALL)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{43,}={0,2}", re.ASCII)
_PLACEHOLDER_WORDS = re.compile(
    "placeholder|development|production|passphrase|characters|password|changeit|required|default"
    "|replace|example|minimum|random|change|please|insert|longer|secret|string|qwerty|bytes|least"
    "|todo|must|test|your|this|that|goes|here|with|some|long|very|super|skua|token|value|site|key"
    "|web|app|dev|the|set|not|for|use|abc|xxx|foo|bar|me|my|to|be|at|in|or|do|of|an|is|it|a"
)


class KeyRing:
    """Root keys by name. The first seals; every one of them opens."""

    def __init__(self, roots: dict[str, bytes]) -> None:
        """``roots`` in order: the primary first."""
        self._roots = dict(roots)

    @classmethod
    def from_settings(cls, primary: str, old: str = "") -> "KeyRing":
        """Read WEB_SECRET_KEY and the comma list WEB_SECRET_KEYS_OLD.

        Takes an eighth of a second for each passphrase. Raises SecretKeyUnfit.
        """
        given = [(PRIMARY_SETTING, primary)]
        given += [(OLD_SETTING, part) for part in old.split(",") if part.strip()]
        roots: dict[str, bytes] = {}
        for setting, text in given:
            key_id, value = _split(text.strip())
            if key_id in roots:
                raise SecretKeyUnfit(
                    setting, f"names the key {key_id} a second time; each key needs its own name"
                )
            roots[key_id] = _root(setting, value)
        return cls(roots)

    @property
    def primary(self) -> str:
        return next(iter(self._roots))

    @property
    def key_ids(self) -> Sequence[str]:
        return tuple(self._roots)

    def subkey(self, key_id: str, info: str) -> bytes:
        """The 32 bytes for one use of one key (HKDF-SHA256). Raises KeyError for no such key."""
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info.encode()).derive(
            self._roots[key_id]
        )

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._roots)})"

    def __reduce__(self) -> Never:
        raise TypeError("a KeyRing can't be pickled or copied")


def make_key(key_id: str = "k1") -> str:
    """A fresh value for WEB_SECRET_KEY."""
    return f"{key_id}:{secrets.token_urlsafe(_KEY_BYTES)}"


def _split(text: str) -> tuple[str, str]:
    named = _NAMED.fullmatch(text)
    return (named[1], named[2].strip()) if named else (PLAIN_KEY_ID, text)


def _root(setting: str, value: str) -> bytes:
    if _is_placeholder(value):
        raise SecretKeyUnfit(setting, f"is a placeholder. {_ADVICE}")
    decoded = _decode(value)
    if decoded is not None:
        if len(set(decoded)) < _FEWEST_DIFFERENT_BYTES:
            raise SecretKeyUnfit(setting, f"is not random. {_ADVICE}")
        return decoded
    if len(value) < SHORTEST_PASSPHRASE:
        raise SecretKeyUnfit(
            setting, f"is shorter than {SHORTEST_PASSPHRASE} characters. {_ADVICE}"
        )
    if len(set(value)) < _FEWEST_DIFFERENT_CHARACTERS:
        raise SecretKeyUnfit(setting, f"repeats too few characters. {_ADVICE}")
    return hashlib.scrypt(
        value.encode(), salt=b"skua:v1:master", n=2**15, r=8, p=1, maxmem=2**26, dklen=_KEY_BYTES
    )


def _decode(value: str) -> bytes | None:
    """The bytes of a key that was made, not thought up; None for a passphrase."""
    if _BASE64URL.fullmatch(value) is None:
        return None
    bare = value.rstrip("=")
    try:
        return urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        return None


def _is_placeholder(value: str) -> bool:
    """Whether nothing is left once the words of examples and templates are taken out."""
    rest = _PLACEHOLDER_WORDS.sub("", value.lower())
    return not any(character.isalpha() for character in rest)


_ADVICE = (
    'Make a key with: python3 -c "import secrets; '
    f"print('k1:' + secrets.token_urlsafe({_KEY_BYTES}))\""
)
