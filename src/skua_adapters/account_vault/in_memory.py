"""An account vault with the standard library alone, for what ends with its process."""

from collections.abc import Sequence
from typing import Never
from uuid import UUID

from skua_adapters._keys.envelope import unwrap, wrap
from skua_adapters._keys.masking import MaskingKeys
from skua_adapters.account_vault.digests import DigestingAccountVault
from skua_adapters.account_vault.payload import pack, unpack
from skua_core.domain.secret import SealedSecret, Secret
from skua_core.errors import SecretUnreadable
from skua_core.ports.account_vault import AccountPurpose


class InMemoryAccountVault(DigestingAccountVault):
    """Masks secrets under a key that nobody keeps.

    It obeys the port and is no encryption to store anything with: that is FernetAccountVault's.
    """

    def __init__(self, *keys: bytes) -> None:
        """The first key seals, each opens; without any, one is made."""
        self._keys = MaskingKeys(*keys)

    def seal(self, purpose: AccountPurpose, subject: UUID, secret: Secret) -> SealedSecret:
        packed = pack(purpose, subject, secret)
        return wrap(self._keys.primary, self._keys.mask(_info(purpose, subject), packed))

    def unseal(self, purpose: AccountPurpose, subject: UUID, sealed: SealedSecret) -> Secret:
        key_id, masked = unwrap(subject, sealed)
        if key_id not in self._keys.key_ids:
            raise SecretUnreadable(subject, f"there is no key {key_id}")
        secret = self._open(key_id, purpose, subject, masked)
        if secret is None:
            raise SecretUnreadable(subject, f"key {key_id} doesn't open it as its {purpose}")
        return secret

    def _open(
        self, key_id: str, purpose: AccountPurpose, subject: UUID, masked: bytes
    ) -> Secret | None:
        packed = self._keys.unmask(key_id, _info(purpose, subject), masked)
        return None if packed is None else unpack(purpose, subject, packed)

    def _subkeys(self, info: str) -> Sequence[bytes]:
        return list(self._keys.subkeys(info).values())

    def __repr__(self) -> str:
        return f"InMemoryAccountVault({self._keys!r})"

    def __reduce__(self) -> Never:
        raise TypeError("an InMemoryAccountVault can't be pickled or copied")


def _info(purpose: AccountPurpose, subject: UUID) -> str:
    return f"account/{purpose}/{subject}"
