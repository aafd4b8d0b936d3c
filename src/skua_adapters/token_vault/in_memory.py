"""A vault with the standard library alone, for what ends with its process."""

from collections.abc import Sequence
from typing import Never

from skua_adapters._keys.envelope import unwrap, wrap
from skua_adapters._keys.masking import MaskingKeys
from skua_adapters.token_vault.digests import DigestingVault
from skua_adapters.token_vault.payload import pack_token, unpack_token
from skua_core.domain.secret import BotToken, SealedSecret
from skua_core.errors import SecretUnreadable
from skua_core.ids import BotId


class InMemoryTokenVault(DigestingVault):
    """Masks tokens under a key that nobody keeps.

    It obeys the port and is no encryption to store anything with: that is FernetTokenVault's.
    """

    def __init__(self, *keys: bytes) -> None:
        """The first key seals, each opens; without any, one is made."""
        self._keys = MaskingKeys(*keys)

    def seal_token(self, bot_id: BotId, token: BotToken) -> SealedSecret:
        masked = self._keys.mask(_info(bot_id), pack_token(bot_id, token))
        return wrap(self._keys.primary, masked)

    def unseal_token(self, bot_id: BotId, sealed: SealedSecret) -> BotToken:
        key_id, masked = unwrap(bot_id, sealed)
        if key_id not in self._keys.key_ids:
            raise SecretUnreadable(bot_id, f"there is no key {key_id}")
        token = self._open(key_id, bot_id, masked)
        if token is None:
            raise SecretUnreadable(bot_id, f"key {key_id} doesn't open it for this bot")
        return token

    def _open(self, key_id: str, bot_id: BotId, masked: bytes) -> BotToken | None:
        packed = self._keys.unmask(key_id, _info(bot_id), masked)
        return None if packed is None else unpack_token(bot_id, packed)

    def _subkeys(self, info: str) -> Sequence[bytes]:
        return list(self._keys.subkeys(info).values())

    def __repr__(self) -> str:
        return f"InMemoryTokenVault({self._keys!r})"

    def __reduce__(self) -> Never:
        raise TypeError("an InMemoryTokenVault can't be pickled or copied")


def _info(bot_id: BotId) -> str:
    return f"bot-token/{bot_id}"
