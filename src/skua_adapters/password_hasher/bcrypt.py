"""Hash passwords with bcrypt, in threads of its own."""

import base64
import hmac
import re
import unicodedata
from functools import partial

import bcrypt

from skua_adapters.password_hasher.bounded_pool import BoundedPool
from skua_core.domain.account import PasswordHash
from skua_core.domain.secret import Secret
from skua_core.ports.password_hasher import PasswordHasher, Verification

_LONGEST = 72
"""Bytes that bcrypt takes; it raises for more, and other implementations forget the rest."""
_LABEL = b"skua/pw/v1"
_STORED = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}", re.ASCII)
_CHEAPEST, _DEAREST = 4, 15
"""A wrong digit in a stored hash could otherwise keep a thread for days."""
_SECONDS_AT_12 = 0.27


class BcryptPasswordHasher(PasswordHasher):
    """Stores ``$2b$12$…``. Passwords that are too long for bcrypt are digested first."""

    def __init__(
        self, *, cost: int = 12, threads: int | None = None, longest_wait: float = 10
    ) -> None:
        """``threads``: as many as there are processors. ``longest_wait`` in seconds."""
        self._cost = cost
        self._dummies = {
            each: bcrypt.gensalt(each) + b"." * 31 for each in range(_CHEAPEST, cost + 1)
        }
        self._pool = BoundedPool(
            name="passwords",
            threads=threads,
            longest_wait=longest_wait,
            seconds_each=_SECONDS_AT_12 * 2.0 ** (cost - 12),
        )

    async def hash(self, password: Secret) -> PasswordHash:
        return await self._pool.run(partial(self._hash, password))

    async def verify(self, password: Secret, hashed: PasswordHash | None) -> Verification:
        return await self._pool.run(partial(self._verify, password, hashed))

    def close(self) -> None:
        """Nobody who still waits gets an answer."""
        self._pool.close()

    def _hash(self, password: Secret) -> PasswordHash:
        hashed = bcrypt.hashpw(_bcrypt_input(password), bcrypt.gensalt(self._cost))
        return PasswordHash(hashed.decode())

    def _verify(self, password: Secret, hashed: PasswordHash | None) -> Verification:
        given = _bcrypt_input(password)
        cost = None if hashed is None else _cost_of(hashed)
        right = None
        if hashed is not None and cost is not None:
            right = _check(given, hashed.value.encode())
        if cost is None or right is None:
            bcrypt.checkpw(given, self._dummies[self._cost])
            return Verification(right=False)
        # 2^cost rounds are done; these make up the difference to today's, 2^cost + … + 2^(now-1).
        # Otherwise an old account would be known by its quick answer.
        for missing in range(cost, self._cost):
            bcrypt.checkpw(given, self._dummies[missing])
        return Verification(right=right, outdated=cost < self._cost)


def _bcrypt_input(password: Secret) -> bytes:
    """At most 72 bytes in which each character of the password counts."""
    # Lone surrogates are no text, but whoever sends some must get an answer like any other.
    text = unicodedata.normalize("NFC", password.reveal()).encode(errors="surrogatepass")
    if len(text) <= _LONGEST:
        return text
    return base64.b64encode(hmac.digest(_LABEL, text, "sha384"))


def _cost_of(hashed: PasswordHash) -> int | None:
    """None for what bcrypt can't have made."""
    stored = _STORED.fullmatch(hashed.value)
    cost = int(stored[1]) if stored else 0
    return cost if _CHEAPEST <= cost <= _DEAREST else None


def _check(given: bytes, stored: bytes) -> bool | None:
    """None for a hash that bcrypt can't read, which it says before it computes anything."""
    try:
        return bcrypt.checkpw(given, stored)
    except ValueError:
        return None
