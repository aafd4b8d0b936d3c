"""What is inside a secret sealed for an account: the secret, what it is for, and whose it is."""

from uuid import UUID

import msgspec

from skua_core.domain.secret import Secret
from skua_core.ports.account_vault import AccountPurpose


class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    p: str
    """The purpose."""
    o: str
    """The id of the row it belongs to."""
    s: str
    """The secret."""

    def __repr__(self) -> str:
        return "_Payload(***)"


def pack(purpose: AccountPurpose, subject: UUID, secret: Secret) -> bytes:
    return msgspec.json.encode(_Payload(p=purpose, o=str(subject), s=secret.reveal()))


def unpack(purpose: AccountPurpose, subject: UUID, packed: bytes) -> Secret | None:
    """The secret; None unless it was packed for this purpose and row.

    Raises nothing, so that no traceback holds the clear bytes.
    """
    try:
        payload = msgspec.json.decode(packed, type=_Payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if (payload.p, payload.o) != (purpose, str(subject)):
        return None
    return Secret(payload.s)
