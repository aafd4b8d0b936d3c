"""Session tokens with the standard library alone, for what ends with its process."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

import msgspec

from skua_adapters._keys.masking import MaskingKeys
from skua_core.domain.secret import Secret
from skua_core.domain.session import SESSION_LIVES
from skua_core.ids import UserId
from skua_core.ports.session_tokens import SessionClaims, SessionTokens


class _Claims(msgspec.Struct, frozen=True, array_like=True):
    user_id: UserId
    sid: str
    issued_at: int
    authenticated_at: int


class InMemorySessionTokens(SessionTokens):
    """The claims, and a digest of them with a key that nobody keeps."""

    def __init__(self, *keys: bytes) -> None:
        """The first key signs, each reads; without any, one is made."""
        self._keys = MaskingKeys(*keys)

    def issue(self, claims: SessionClaims) -> Secret:
        inside = _Claims(
            user_id=claims.user_id,
            sid=claims.sid.reveal(),
            issued_at=int(claims.issued_at.timestamp()),
            authenticated_at=int(claims.authenticated_at.timestamp()),
        )
        body = urlsafe_b64encode(msgspec.json.encode(inside)).decode()
        return Secret(f"{body}.{self._macs(body)[0]}")

    def read(self, token: str, *, now: datetime) -> SessionClaims | None:
        body, _, mac = token.partition(".")
        if mac not in self._macs(body):
            return None
        inside = msgspec.json.decode(urlsafe_b64decode(body), type=_Claims)
        issued_at = datetime.fromtimestamp(inside.issued_at, UTC)
        if now >= issued_at + SESSION_LIVES:
            return None
        return SessionClaims(
            user_id=inside.user_id,
            sid=Secret(inside.sid),
            issued_at=issued_at,
            authenticated_at=datetime.fromtimestamp(inside.authenticated_at, UTC),
        )

    def _macs(self, body: str) -> list[str]:
        message = body.encode(errors="surrogatepass")
        keys = self._keys.subkeys("session").values()
        return [hmac.digest(key, message, hashlib.sha256).hex() for key in keys]

    def __repr__(self) -> str:
        return f"InMemorySessionTokens({self._keys!r})"
