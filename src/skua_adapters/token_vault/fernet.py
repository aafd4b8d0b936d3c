"""Tokens sealed with Fernet (AES-128-CBC and HMAC-SHA256), a key per bot and key of the ring."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken

from skua_adapters._keys.envelope import unwrap, wrap
from skua_adapters._keys.ring import KeyRing
from skua_adapters.token_vault.digests import DigestingVault
from skua_adapters.token_vault.payload import pack_token, unpack_token
from skua_core.domain.secret import BotToken, SealedSecret
from skua_core.errors import SecretUnreadable
from skua_core.ids import BotId


class FernetTokenVault(DigestingVault):
    """Stores ``v1.<key id>.<Fernet token>``.

    A sealed token is bound to its bot twice: by the key, which is derived for that bot, and by
    what is inside. Either alone would keep a swapped row shut.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def seal_token(self, bot_id: BotId, token: BotToken) -> SealedSecret:
        key_id = self._ring.primary
        sealed = self._fernet(key_id, bot_id).encrypt(pack_token(bot_id, token))
        return wrap(key_id, urlsafe_b64decode(sealed))

    def unseal_token(self, bot_id: BotId, sealed: SealedSecret) -> BotToken:
        key_id, ciphertext = unwrap(bot_id, sealed)
        if key_id not in self._ring.key_ids:
            raise SecretUnreadable(bot_id, f"the key ring has no key {key_id}")
        token = self._open(key_id, bot_id, ciphertext)
        if token is None:
            raise SecretUnreadable(bot_id, f"key {key_id} doesn't open it for this bot")
        return token

    def _open(self, key_id: str, bot_id: BotId, ciphertext: bytes) -> BotToken | None:
        try:
            packed = self._fernet(key_id, bot_id).decrypt(urlsafe_b64encode(ciphertext))
        except InvalidToken:
            return None
        return unpack_token(bot_id, packed)

    def _fernet(self, key_id: str, bot_id: BotId) -> Fernet:
        subkey = self._ring.subkey(key_id, f"skua/v1/fernet/bot-token/{bot_id}")
        return Fernet(urlsafe_b64encode(subkey))

    def _subkeys(self, info: str) -> Sequence[bytes]:
        return [self._ring.subkey(key_id, info) for key_id in self._ring.key_ids]

    def __repr__(self) -> str:
        return f"FernetTokenVault({self._ring!r})"
