"""Keyed digests of codes, alike for every vault."""

import hashlib
import hmac
from abc import abstractmethod
from collections.abc import Sequence

from skua_core.ports.account_vault import AccountPurpose, AccountVault

_NOTHING = bytes(hashlib.sha256().digest_size)


class DigestingAccountVault(AccountVault):
    """The half of a vault that recognises what it doesn't store."""

    @abstractmethod
    def _subkeys(self, info: str) -> Sequence[bytes]:
        """One key per key of the ring for this use and no other, the primary's first."""

    def mac(self, purpose: AccountPurpose, message: str) -> bytes:
        return self._macs(purpose, message)[0]

    def recognise(self, purpose: AccountPurpose, message: str, mac: bytes | None) -> bool:
        candidate = _NOTHING if mac is None else mac
        # A list, not a generator: each is compared, so that the time tells nothing.
        matches = [hmac.compare_digest(candidate, one) for one in self._macs(purpose, message)]
        return mac is not None and any(matches)

    def _macs(self, purpose: AccountPurpose, message: str) -> list[bytes]:
        # A code that somebody sends may hold lone surrogates.
        encoded = message.encode(errors="surrogatepass")
        keys = self._subkeys(f"skua/v1/hmac/{purpose}")
        return [hmac.digest(key, encoded, hashlib.sha256) for key in keys]
