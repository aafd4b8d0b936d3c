"""Hashes that cost nothing, for tests of what stands around them."""

import asyncio
import hmac
import re
import secrets
import unicodedata

from skua_core.domain.account import PasswordHash
from skua_core.domain.secret import Secret
from skua_core.errors import PasswordCheckBusy
from skua_core.ports.password_hasher import PasswordHasher, Verification

_STORED = re.compile(r"fake\$([0-9]{2})\$([0-9a-f]{16})\$[0-9a-f]{64}", re.ASCII)


class FakePasswordHasher(PasswordHasher):
    """Obeys the port and protects nobody's password. Only for what ends with its process."""

    def __init__(self, *, cost: int = 12, most_at_once: int | None = None) -> None:
        """``cost`` is written into the hashes and makes nothing slower."""
        self._cost = cost
        self._most_at_once = most_at_once
        self._at_once = 0
        self.computed = 0
        """Hashes and checks so far."""

    async def hash(self, password: Secret) -> PasswordHash:
        await self._compute()
        return _hashed(password, self._cost, secrets.token_hex(8))

    async def verify(self, password: Secret, hashed: PasswordHash | None) -> Verification:
        await self._compute()
        stored = None if hashed is None else _STORED.fullmatch(hashed.value)
        if hashed is None or stored is None:
            return Verification(right=False)
        cost = int(stored[1])
        again = _hashed(password, cost, stored[2])
        return Verification(
            right=hmac.compare_digest(again.value, hashed.value), outdated=cost < self._cost
        )

    async def _compute(self) -> None:
        if self._most_at_once is not None and self._at_once >= self._most_at_once:
            raise PasswordCheckBusy(1)
        self._at_once += 1
        try:
            # Others get their turn here, as they do while a thread computes.
            await asyncio.sleep(0)
        finally:
            self._at_once -= 1
        self.computed += 1


def _hashed(password: Secret, cost: int, salt: str) -> PasswordHash:
    text = unicodedata.normalize("NFC", password.reveal()).encode(errors="surrogatepass")
    digest = hmac.digest(salt.encode(), text, "sha256").hex()
    return PasswordHash(f"fake${cost:02d}${salt}${digest}")
