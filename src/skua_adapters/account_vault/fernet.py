"""Accounts' secrets sealed with Fernet, a key per purpose, row and key of the ring."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken

from skua_adapters._keys.envelope import unwrap, wrap
from skua_adapters._keys.ring import KeyRing
from skua_adapters.account_vault.digests import DigestingAccountVault
from skua_adapters.account_vault.payload import pack, unpack
from skua_core.domain.secret import SealedSecret, Secret
from skua_core.errors import SecretUnreadable
from skua_core.ports.account_vault import AccountPurpose


class FernetAccountVault(DigestingAccountVault):
    """Stores ``v1.<key id>.<Fernet token>``.

    What is sealed is bound to its purpose and row twice, by the key and by what is inside, as a
    bot's token is to its bot.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def seal(self, purpose: AccountPurpose, subject: UUID, secret: Secret) -> SealedSecret:
        key_id = self._ring.primary
        packed = pack(purpose, subject, secret)
        sealed = self._fernet(key_id, purpose, subject).encrypt(packed)
        return wrap(key_id, urlsafe_b64decode(sealed))

    def unseal(self, purpose: AccountPurpose, subject: UUID, sealed: SealedSecret) -> Secret:
        key_id, ciphertext = unwrap(subject, sealed)
        if key_id not in self._ring.key_ids:
            raise SecretUnreadable(subject, f"the key ring has no key {key_id}")
        secret = self._open(key_id, purpose, subject, ciphertext)
        if secret is None:
            raise SecretUnreadable(subject, f"key {key_id} doesn't open it as its {purpose}")
        return secret

    def _open(
        self, key_id: str, purpose: AccountPurpose, subject: UUID, ciphertext: bytes
    ) -> Secret | None:
        fernet = self._fernet(key_id, purpose, subject)
        try:
            packed = fernet.decrypt(urlsafe_b64encode(ciphertext))
        except InvalidToken:
            return None
        return unpack(purpose, subject, packed)

    def _fernet(self, key_id: str, purpose: AccountPurpose, subject: UUID) -> Fernet:
        subkey = self._ring.subkey(key_id, f"skua/v1/fernet/account/{purpose}/{subject}")
        return Fernet(urlsafe_b64encode(subkey))

    def _subkeys(self, info: str) -> Sequence[bytes]:
        return [self._ring.subkey(key_id, info) for key_id in self._ring.key_ids]

    def __repr__(self) -> str:
        return f"FernetAccountVault({self._ring!r})"
