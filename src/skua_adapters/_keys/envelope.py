"""How a sealed secret is stored: ``v1.<key id>.<ciphertext>``, in exactly one spelling."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from skua_core.domain.secret import SealedSecret
from skua_core.errors import SecretUnreadable

_STORED = re.compile(r"v1\.([A-Za-z0-9_-]{1,16})\.([A-Za-z0-9_-]+={0,2})", re.ASCII)


def wrap(key_id: str, ciphertext: bytes) -> SealedSecret:
    return SealedSecret(f"v1.{key_id}.{urlsafe_b64encode(ciphertext).decode()}")


def unwrap(subject: UUID, sealed: SealedSecret) -> tuple[str, bytes]:
    """Key id and ciphertext. Raises SecretUnreadable for every spelling but the one of ``wrap``."""
    stored = _STORED.fullmatch(sealed.value)
    if stored is not None:
        try:
            ciphertext = urlsafe_b64decode(stored[2])
        except ValueError:
            ciphertext = b""
        # Bits that base64 leaves unused would give one secret many spellings.
        if wrap(stored[1], ciphertext) == sealed:
            return stored[1], ciphertext
    raise SecretUnreadable(subject, "it isn't in the form in which secrets are stored")
