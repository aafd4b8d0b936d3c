"""A vault with the standard library alone, for what ends with its process."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Never

from skua_adapters._keys.envelope import unwrap, wrap
from skua_adapters.token_vault.digests import DigestingVault
from skua_adapters.token_vault.payload import pack_token, unpack_token
from skua_core.domain.secret import BotToken, SealedSecret
from skua_core.errors import SecretUnreadable
from skua_core.ids import BotId

_NONCE = 16
_MAC = 32


class InMemoryTokenVault(DigestingVault):
    """Masks tokens under a key that nobody keeps.

    It obeys the port and is no encryption to store anything with: that is FernetTokenVault's.
    """

    def __init__(self, *keys: bytes) -> None:
        """The first key seals, each opens; without any, one is made."""
        self._keys = {_name(key): key for key in keys or (secrets.token_bytes(32),)}

    def seal_token(self, bot_id: BotId, token: BotToken) -> SealedSecret:
        key_id, key = next(iter(self._keys.items()))
        nonce = secrets.token_bytes(_NONCE)
        masked = _mask(key, nonce, pack_token(bot_id, token))
        return wrap(key_id, nonce + _mac(key, bot_id, nonce + masked) + masked)

    def unseal_token(self, bot_id: BotId, sealed: SealedSecret) -> BotToken:
        key_id, ciphertext = unwrap(bot_id, sealed)
        if key_id not in self._keys:
            raise SecretUnreadable(bot_id, f"there is no key {key_id}")
        token = self._open(self._keys[key_id], bot_id, ciphertext)
        if token is None:
            raise SecretUnreadable(bot_id, f"key {key_id} doesn't open it for this bot")
        return token

    def _open(self, key: bytes, bot_id: BotId, ciphertext: bytes) -> BotToken | None:
        nonce, mac = ciphertext[:_NONCE], ciphertext[_NONCE : _NONCE + _MAC]
        masked = ciphertext[_NONCE + _MAC :]
        if not hmac.compare_digest(mac, _mac(key, bot_id, nonce + masked)):
            return None
        return unpack_token(bot_id, _mask(key, nonce, masked))

    def _subkeys(self, info: str) -> Sequence[bytes]:
        return [hmac.digest(key, info.encode(), hashlib.sha256) for key in self._keys.values()]

    def __repr__(self) -> str:
        return f"InMemoryTokenVault({', '.join(self._keys)})"

    def __reduce__(self) -> Never:
        raise TypeError("an InMemoryTokenVault can't be pickled or copied")


def _name(key: bytes) -> str:
    return hmac.digest(key, b"name", hashlib.sha256).hex()[:8]


def _mac(key: bytes, bot_id: BotId, message: bytes) -> bytes:
    return hmac.digest(key, b"bot-token|" + bot_id.bytes + message, hashlib.sha256)


def _mask(key: bytes, nonce: bytes, message: bytes) -> bytes:
    stream = hashlib.shake_256(b"mask|" + key + nonce).digest(len(message))
    return bytes(a ^ b for a, b in zip(message, stream, strict=True))
