"""Keys for what ends with its process: masking with the standard library alone."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Never

_NONCE = 16
_MAC = 32


class MaskingKeys:
    """The first key masks, each unmasks. No encryption to store anything with."""

    def __init__(self, *keys: bytes) -> None:
        """Without any, one is made that nobody keeps."""
        self._keys = {_name(key): key for key in keys or (secrets.token_bytes(32),)}

    @property
    def primary(self) -> str:
        return next(iter(self._keys))

    @property
    def key_ids(self) -> Sequence[str]:
        return tuple(self._keys)

    def mask(self, info: str, message: bytes) -> bytes:
        """With the primary key; ``info`` says what for and whose it is."""
        key, nonce = self._keys[self.primary], secrets.token_bytes(_NONCE)
        masked = _xor(key, nonce, message)
        return nonce + _mac(key, info, nonce + masked) + masked

    def unmask(self, key_id: str, info: str, masked: bytes) -> bytes | None:
        """None unless it was masked with this key for just this."""
        key = self._keys[key_id]
        nonce, mac = masked[:_NONCE], masked[_NONCE : _NONCE + _MAC]
        message = masked[_NONCE + _MAC :]
        if not hmac.compare_digest(mac, _mac(key, info, nonce + message)):
            return None
        return _xor(key, nonce, message)

    def subkeys(self, info: str) -> dict[str, bytes]:
        """By name, the primary's first: the 32 bytes of each key for one use."""
        return {
            key_id: hmac.digest(key, info.encode(), hashlib.sha256)
            for key_id, key in self._keys.items()
        }

    def __repr__(self) -> str:
        return f"MaskingKeys({', '.join(self._keys)})"

    def __reduce__(self) -> Never:
        raise TypeError("MaskingKeys can't be pickled or copied")


def _name(key: bytes) -> str:
    return hmac.digest(key, b"name", hashlib.sha256).hex()[:8]


def _mac(key: bytes, info: str, message: bytes) -> bytes:
    return hmac.digest(key, info.encode() + b"|" + message, hashlib.sha256)


def _xor(key: bytes, nonce: bytes, message: bytes) -> bytes:
    stream = hashlib.shake_256(b"mask|" + key + nonce).digest(len(message))
    return bytes(a ^ b for a, b in zip(message, stream, strict=True))
