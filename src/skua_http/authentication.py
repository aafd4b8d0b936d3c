"""Who asks: a person with the cookie of a session, or a program with an API key."""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Message, Scope

from skua_core.domain.account import Caller
from skua_core.domain.limits import Limits, Permit
from skua_core.domain.secret import Secret
from skua_core.domain.session import KeyAccess
from skua_core.errors import ErrorKind, KeyNotAllowed, NotSignedIn, SkuaError
from skua_core.ports.rate_limiter import RateLimiter
from skua_core.use_cases.accounts.api_keys import AuthenticateKey, AuthenticateKeyCommand
from skua_core.use_cases.accounts.sessions import Authenticate, AuthenticateCommand
from skua_core.use_cases.accounts.signed_in import SignedIn
from skua_core.use_cases.accounts.throttle import take
from skua_http.client_address import client_address_of
from skua_http.cookies import DEVICE_COOKIE, SESSION_COOKIE, read_cookie, session_cookie

Connection = ASGIConnection[Any, Any, Any, Any]
SignedInRequest = Request[SignedIn, Any, Any]
"""What a handler behind ``sign_in_needed`` gets; its ``user`` says who asks."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ROLLED = "skua.rolled"
_LONGEST_USER_AGENT = 400


class CredentialsAmbiguous(SkuaError):
    kind = ErrorKind.INVALID
    code = "credentials-ambiguous"

    def __init__(self) -> None:
        super().__init__("Send a session's cookie or an API key, not both.")


async def sign_in_needed(connection: Connection, _: BaseRouteHandler) -> None:
    """A guard: it runs before anything of the body is read.

    Raises what ``authenticate`` does, and TooManyRequests.
    """
    signed_in = await authenticate(connection)
    container = connection.app.state["container"]
    limits = await container.get(Limits)
    permit = Permit(limits.api_session, _name_of(signed_in))
    await take(await container.get(RateLimiter), permit)
    connection.scope["user"] = signed_in


def person_needed(connection: Connection, _: BaseRouteHandler) -> None:
    """A guard behind the other. Raises KeyNotAllowed for a program."""
    connection.user.as_person()


async def authenticate(connection: Connection) -> SignedIn:
    """Raises NotSignedIn, CredentialsAmbiguous and KeyNotAllowed."""
    headers = connection.scope["headers"]
    token = read_cookie(headers, SESSION_COOKIE)
    authorization = [value for name, value in headers if name == b"authorization"]
    if authorization:
        if token is not None:
            raise CredentialsAmbiguous
        return await _by_key(connection, authorization)
    if token is None:
        raise NotSignedIn
    authenticate = await connection.app.state["container"].get(Authenticate)
    found = await authenticate(AuthenticateCommand(token=token, caller=caller_of(connection)))
    if found.rolled is not None:
        connection.scope[_ROLLED] = found.rolled  # type: ignore[literal-required] # ASGI allows it
    signed_in: SignedIn = found.signed_in
    return signed_in


def caller_of(connection: Connection) -> Caller:
    """Where a request comes from, whoever it is."""
    user_agent = connection.headers.get("user-agent")
    if user_agent is not None:
        shown = "".join(letter for letter in user_agent if letter.isprintable())
        user_agent = shown[:_LONGEST_USER_AGENT]
    return Caller(
        ip=client_address_of(connection.scope),
        user_agent=user_agent,
        device_token=read_cookie(connection.scope["headers"], DEVICE_COOKIE),
    )


async def set_rolled_cookie(message: Message, scope: Scope) -> None:
    """For Litestar's ``before_send``: gives the browser its session's new cookie.

    Not where the answer sets that cookie itself, as when it ends the session.
    """
    rolled: Secret | None = scope.get(_ROLLED)  # type: ignore[assignment] # as above
    if message["type"] != "http.response.start" or rolled is None:
        return
    ours = SESSION_COOKIE.encode() + b"="
    if not any(
        name == b"set-cookie" and value.startswith(ours) for name, value in message["headers"]
    ):
        message["headers"] = [*message["headers"], session_cookie(rolled).to_encoded_header()]


async def _by_key(connection: Connection, authorization: list[bytes]) -> SignedIn:
    scheme, _, text = authorization[0].decode("latin-1").partition(" ")
    if len(authorization) != 1 or scheme.lower() != "bearer":
        raise NotSignedIn
    authenticate = await connection.app.state["container"].get(AuthenticateKey)
    command = AuthenticateKeyCommand(text=text.strip(), caller=caller_of(connection))
    signed_in: SignedIn = await authenticate(command)
    key = signed_in.key
    reads = connection.scope.get("method") in _SAFE
    if key is not None and key.access is KeyAccess.READ and not reads:
        raise KeyNotAllowed
    return signed_in


def _name_of(signed_in: SignedIn) -> str:
    if signed_in.key is not None:
        return f"key:{signed_in.key.id}"
    return f"session:{signed_in.as_person().id}"
