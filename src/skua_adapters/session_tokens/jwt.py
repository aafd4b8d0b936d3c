"""Session tokens as JSON Web Tokens (RFC 7519), signed with HMAC-SHA256."""

import re
from datetime import UTC, datetime

import msgspec
from jwt import InvalidTokenError, PyJWS

from skua_adapters._keys.ring import KeyRing
from skua_core.domain.handles import is_handle
from skua_core.domain.secret import Secret
from skua_core.domain.session import SESSION_LIVES
from skua_core.ids import UserId, parse_id
from skua_core.ports.session_tokens import SessionClaims, SessionTokens

_ALGORITHM = "HS256"
_TYPE = "session+jwt"
_LIVES = int(SESSION_LIVES.total_seconds())
_LONGEST = 4096
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


class _Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    iss: str
    aud: str
    sub: str
    sid: str
    iat: int
    exp: int
    aat: int
    """When the password was shown. Times are whole seconds since 1970."""

    def __repr__(self) -> str:
        return "_Claims(***)"


class JwtSessionTokens(SessionTokens):
    """One algorithm, one type of token, and a key derived for nothing else.

    What is inside has one spelling: claims that are there twice, more, fewer, or not the numbers
    and texts they have to be are no token of ours, even with the right signature.
    """

    def __init__(self, ring: KeyRing, *, installation: str) -> None:
        """``installation`` is issuer and audience: another one's tokens are worth nothing here."""
        self._ring = ring
        self._installation = installation
        self._jws = PyJWS(algorithms=[_ALGORITHM], options={"enforce_minimum_key_length": True})

    def issue(self, claims: SessionClaims) -> Secret:
        issued_at = int(claims.issued_at.timestamp())
        inside = _Claims(
            iss=self._installation,
            aud=self._installation,
            sub=str(claims.user_id),
            sid=claims.sid.reveal(),
            iat=issued_at,
            exp=issued_at + _LIVES,
            aat=int(claims.authenticated_at.timestamp()),
        )
        key_id = self._ring.primary
        token = self._jws.encode(
            msgspec.json.encode(inside),
            self._key(key_id),
            algorithm=_ALGORITHM,
            headers={"typ": _TYPE, "kid": key_id},
        )
        return Secret(token)

    def read(self, token: str, *, now: datetime) -> SessionClaims | None:
        if len(token) >= _LONGEST or _SHAPE.fullmatch(token) is None:
            return None
        signed = self._signed(token)
        claims = None if signed is None else _parse(signed)
        if claims is None or (claims.iss, claims.aud) != (self._installation, self._installation):
            return None
        return _good(claims, now)

    def _signed(self, token: str) -> bytes | None:
        """What is inside, if the signature is right."""
        try:
            header = self._jws.get_unverified_header(token)
            key_id: str = header.get("kid", "")
            if header != {"alg": _ALGORITHM, "typ": _TYPE, "kid": key_id}:
                return None
            if key_id not in self._ring.key_ids:
                return None
            complete = self._jws.decode_complete(token, self._key(key_id), algorithms=[_ALGORITHM])
        except InvalidTokenError:
            return None
        payload: bytes = complete["payload"]
        return payload

    def _key(self, key_id: str) -> bytes:
        return self._ring.subkey(key_id, "skua/v1/jwt/session")

    def __repr__(self) -> str:
        return f"JwtSessionTokens({self._ring!r})"


def _parse(payload: bytes) -> _Claims | None:
    try:
        claims = msgspec.json.decode(payload, type=_Claims)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    # Of a claim that is there twice the decoder takes the last without a word.
    return claims if msgspec.json.encode(claims) == payload else None


def _good(claims: _Claims, now: datetime) -> SessionClaims | None:
    user_id = parse_id(UserId, claims.sub)
    if user_id is None or not is_handle(claims.sid):
        return None
    if not now.timestamp() < claims.exp <= claims.iat + _LIVES:
        return None
    try:
        issued_at = datetime.fromtimestamp(claims.iat, UTC)
        authenticated_at = datetime.fromtimestamp(claims.aat, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return SessionClaims(
        user_id=user_id,
        sid=Secret(claims.sid),
        issued_at=issued_at,
        authenticated_at=authenticated_at,
    )
